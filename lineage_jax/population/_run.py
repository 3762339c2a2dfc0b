"""From settings to trained networks, and how well they classify: what pre-training and fine-tuning have in common."""

import dataclasses
import functools
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from lineage_jax import data, models
from lineage_jax.population._objective import Objective
from lineage_jax.population._settings import TrainingSettings, per_network
from lineage_jax.population._train import Cases, Program, number_side_by_side, rows_for_map, train
from lineage_jax.typing import Networks, Params

PARENTS, CHILDREN = 0, 1
"""Streams of random numbers, so that one seed serves both."""


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True, kw_only=True)
class Trained(Networks):
    """Stacked networks with a report of their training.

    Attributes:
        loss: `[m]`, what the objective made of each network on its minibatches, such as cross-entropy in nats, averaged
            over the last tenth of the steps (of a checkpoint: of those since the one before).
        accuracy: `[m]`, share of these examples, from 0 to 1, that it had right before it learned from them; of pixels
            or other things where the objective counts these.
    """

    loss: Any  # like all leaves of a pytree it may become anything under `jax.tree.map`
    accuracy: Any

    def select(self, names: tuple[str, ...]) -> "Trained":
        """Returns the named networks with their reports, in the order given.

        Raises:
            ValueError: If there is no network of a name.
        """
        indices = jnp.array([self.names.index(name) for name in names])
        chosen = jax.tree.map(lambda leaf: leaf[indices], self)
        return dataclasses.replace(chosen, names=tuple(names))


def cases_of(
    training: TrainingSettings,
    count: int,
    *,
    seed: int,
    stream: int,
    subsets: Int[np.ndarray, "m size"] | None = None,
    parents: Int[np.ndarray, " m"] | None = None,
) -> Cases:
    """Returns what differs between the networks of one family.

    Raises:
        ValueError: If the settings have values for another number of networks.
    """
    keys = jax.random.split(jax.random.fold_in(jax.random.key(seed), stream), (count, 2))
    return Cases(
        init_key=keys[:, 0],
        data_key=keys[:, 1],
        learning_rate=jnp.array(per_network(training.learning_rate, count, name="learning_rate"), jnp.float32),
        weight_decay=jnp.array(per_network(training.weight_decay, count, name="weight_decay"), jnp.float32),
        subset=None if subsets is None else jnp.asarray(subsets, jnp.int32),
        parent=None if parents is None else jnp.asarray(parents, jnp.int32),
    )


def run(
    network: nn.Module,
    images: data.Images | data.Annotated,
    cases: Cases,
    training: TrainingSettings,
    *,
    objective: Objective,
    names: tuple[str, ...],
    shapes: Params,
    side_by_side: int | None,
    bodies: Params = None,
    checkpoints: int = 1,
) -> Trained:
    """Trains all cases in one compiled program.

    Raises:
        ValueError: If a frozen layer does not exist, `side_by_side` is not positive, or a network diverged.
    """
    _check_frozen(training.frozen, shapes["params"])
    program = Program(
        network=network,
        objective=objective,
        steps=training.steps,
        batch_size=training.batch_size,
        momentum=training.momentum,
        l2_to_parent=training.l2_to_parent,
        frozen=training.frozen,
        checkpoints=checkpoints,
        side_by_side=number_side_by_side(side_by_side, len(names) // checkpoints),
    )
    variables, loss, accuracy = train(program, cases, images.images, images.targets, bodies)
    diverged = [name for name, finite in zip(names, np.isfinite(loss), strict=True) if not finite]
    if diverged:
        raise ValueError(f"loss or weights are not finite after training {', '.join(diverged)}: lower learning_rate")
    return Trained(names=names, variables=variables, loss=loss, accuracy=accuracy)


def numbered(kind: str, count: int, *, digits: int = 1) -> tuple[str, ...]:
    """Returns names with as many digits as the last one needs, so that their order is alphabetical.

    Examples:
        >>> numbered("parent", 2), numbered("child", 2, digits=2)
        (('parent-0', 'parent-1'), ('child-00', 'child-01'))
    """
    width = max(digits, len(str(count - 1)))
    return tuple(f"{kind}-{number:0{width}d}" for number in range(count))


def accuracy(
    network: nn.Module, networks: Networks, images: data.Images, *, side_by_side: int | None = None
) -> Float[Array, " m"]:
    """Returns the share of the images that each network classifies rightly, from one compiled program.

    Args:
        network: the module of all of them.
        networks: their variables.
        images: the examples; all of them pass through a network at once.
        side_by_side: number of networks evaluated at a time; see `pretrain`.

    Returns:
        `[m]`, from 0 to 1, in the order of `networks.names`.

    Raises:
        ValueError: If the network has another number of classes than the images, or `side_by_side` is not positive.
    """
    check_classes(network, images)
    number = number_side_by_side(side_by_side, len(networks))
    return _accuracies(network, number, networks.variables, images.images, images.labels)


def check_classes(network: nn.Module, images: data.Images | data.Annotated) -> None:
    """Refuses a network for another number of classes.

    Raises:
        ValueError: If the network has another number of classes than the images.
    """
    if network.num_classes != images.num_classes:
        raise ValueError(
            f"expected a network with the images' {images.num_classes} classes, got num_classes={network.num_classes}"
        )


def shapes_of(network: nn.Module, images: data.Images | data.Annotated) -> Params:
    """Returns the shapes of a network's variables, without computing them.

    Raises:
        ValueError: If the network has another number of classes than the images.
    """
    check_classes(network, images)
    return _shapes(network, images.images.shape[1:])


@functools.partial(jax.jit, static_argnames=("network", "side_by_side"))
def _accuracies(
    network: nn.Module,
    side_by_side: int,
    variables: Params,
    images: Float[Array, "n h w c"],
    labels: Int[Array, " n"],
) -> Float[Array, " m"]:
    def one(variables: Params) -> Float[Array, ""]:
        logits = jnp.asarray(network.apply(variables, images))
        return jnp.mean(jnp.argmax(logits, axis=-1) == labels)

    return jax.lax.map(one, variables, batch_size=rows_for_map(side_by_side))


@functools.cache  # so that a second family of the same shapes is not traced again
def _shapes(network: nn.Module, input_shape: tuple[int, int, int]) -> Params:
    return jax.eval_shape(lambda: models.init(network, jax.random.key(0), input_shape))


def _check_frozen(frozen: tuple[str, ...], layers: Params) -> None:
    """Refuses to freeze what does not exist, or everything.

    Raises:
        ValueError: If a layer is not among `layers`, or none is left to train.
    """
    unknown = [name for name in frozen if name not in layers]
    if unknown:
        raise ValueError(f"expected frozen layers among {', '.join(layers)}, got '{unknown[0]}'")
    if set(frozen) == set(layers):
        raise ValueError("expected at least one layer that is not frozen, got all of them frozen")
