"""What networks learn, what they minimise, and how well they know it in the end."""

import dataclasses
import functools
import sys
from collections.abc import Callable, Mapping
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from experiments.lab import images
from experiments.variety import boxes, pictures
from experiments.variety.points import detection
from lineage_jax import data, population
from lineage_jax.typing import Networks, Params

Learned = data.Images | data.Annotated


@dataclasses.dataclass(frozen=True, kw_only=True)
class Task:
    """Images to learn and to test with.

    Attributes:
        train: what is learned.
        unseen: what nobody learns.
        objective: what is minimised.
        quality: from a network's outputs on `unseen` to a number from 0 to 1.
    """

    train: Learned
    unseen: Learned
    objective: population.Objective
    quality: Callable[[Any, Any], float]


def load(words: Mapping[str, Any]) -> Task:
    """Reads what a configuration names: a `set`, and what its reader takes."""
    settings = dict(words)
    return READERS[settings.pop("set")](**settings)


def qualities(network: nn.Module, networks: Networks, task: Task) -> list[float]:
    """Returns how well each network knows what it learned, on what it has not seen."""
    found = []
    for name in networks.names:
        outputs = jax.tree.map(np.asarray, _outputs(network, networks[name], task.unseen.images))
        found.append(task.quality(outputs, task.unseen))
    return found


def accuracy(logits: Float[np.ndarray, "n c"], unseen: data.Images) -> float:
    """Returns the share of right classes."""
    return float(np.mean(logits.argmax(-1) == unseen.labels))


def intersection_over_union(logits: Float[np.ndarray, "n h w 2"], unseen: data.Annotated) -> float:
    """Returns the pixels that are and are called class 1, among those that are or are called so."""
    called, true = logits.argmax(-1) == 1, unseen.targets == 1
    return float(np.sum(called & true) / np.sum(called | true))


def average_precision(outputs: Mapping[str, Float[np.ndarray, "n a _"]], unseen: pictures.Blood) -> float:
    """Returns the average precision at an overlap of 0.5, as the mean over the classes."""
    found = boxes.decode(outputs, unseen.images.shape[1:3])
    return float(
        np.mean(
            [
                boxes.average_precision([each[place] for each in found], [each[place] for each in unseen.boxes])
                for place in range(unseen.num_classes)
            ]
        )
    )


def _classes(name: str, *, pooling: int, classes: tuple[int, ...] = ()) -> Task:
    train, unseen = images.of_classes(images.load_pooled(name, pooling=pooling), classes, count=sys.maxsize)
    return Task(
        train=_drawn(train, EXAMPLES),
        unseen=_drawn(unseen, UNSEEN),
        objective=population.classification,
        quality=accuracy,
    )


def _drawn(part: Any, count: int) -> Any:
    """Draws some of a set, whose files may be in order of the classes."""
    chosen = np.random.default_rng(0).permutation(len(part))[:count]
    truth = {"labels": part.labels[chosen]} if isinstance(part, data.Images) else {"targets": part.targets[chosen]}
    return dataclasses.replace(part, images=part.images[chosen], **truth)


def _membranes(**settings: Any) -> Task:
    train, unseen = pictures.membranes(**settings)
    return Task(
        train=train,
        unseen=_drawn(unseen, UNSEEN_TILES),
        objective=population.classification,
        quality=intersection_over_union,
    )


def _blood(**settings: Any) -> Task:
    train, unseen = pictures.blood(**settings)
    return Task(train=train, unseen=unseen, objective=detection, quality=average_precision)


EXAMPLES, UNSEEN = 25_000, 1000
"""Of a set of classes, to learn and to test with: sets of one shape share compiled programs."""

UNSEEN_TILES = 64

READERS: dict[str, Callable[..., Task]] = {
    "mnist": functools.partial(_classes, "mnist"),
    "fashion_mnist": functools.partial(_classes, "fashion_mnist"),
    "membranes": _membranes,
    "blood": _blood,
}


@functools.partial(jax.jit, static_argnums=0)
def _outputs(network: nn.Module, variables: Params, inputs: Float[Array, "n h w c"]) -> Any:
    return network.apply(variables, jnp.asarray(inputs))
