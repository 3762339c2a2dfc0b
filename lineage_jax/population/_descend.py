"""Descendants: networks that continue a parent on other images, with a new head."""

from collections.abc import Mapping

import flax.linen as nn
import numpy as np
from jaxtyping import Int

from lineage_jax import data
from lineage_jax.population._checks import check_bodies, check_parents, check_subsets, shapes_of
from lineage_jax.population._run import CHILDREN, cases_of, run
from lineage_jax.population._settings import TrainingSettings
from lineage_jax.population._trained import Trained
from lineage_jax.typing import Networks, Params


def descend(
    parents: Networks,
    network: nn.Module,
    images: data.Images,
    *,
    parent_of: Mapping[str, str],
    seed: int,
    training: TrainingSettings,
    stream: int = CHILDREN,
    subsets: Int[np.ndarray, "m size"] | None = None,
    side_by_side: int | None = None,
) -> Trained:
    """Trains networks in one compiled program: each starts from the body of its own parent and a new random head.

    Args:
        parents: networks with the body of `network`; their heads may differ.
        network: the new networks' module, with the images' number of classes; `network.head` names its head.
        images: what they learn.
        parent_of: by the name of every new network that of its parent; a parent may have any number of children.
        seed: decides the heads and the minibatches.
        training: how; tuples in it have one value per new network.
        stream: of random numbers, another one for every generation of the same seed; 0 is that of `pretrain`.
        subsets: indices of the images that each new network sees, such as those of `data.few_shot`; all images if None.
        side_by_side: as in `pretrain`.

    Returns:
        The new networks, in the order of `parent_of`.

    Raises:
        ValueError: If parents, settings, subsets or images do not fit the network, a parent does not exist, or a
            network's loss or weights are not finite in the end.
    """
    shapes = shapes_of(network, images)
    check_bodies(parents, shapes, head=network.head)
    check_parents(parent_of, parents.names)
    count = len(parent_of)
    if subsets is not None:
        check_subsets(subsets, count=count, n=len(images))
    places = np.array([parents.names.index(parent) for parent in parent_of.values()])
    return run(
        network,
        images,
        cases_of(training, count, seed=seed, stream=stream, subsets=subsets, parents=places),
        training,
        names=tuple(parent_of),
        shapes=shapes,
        side_by_side=side_by_side,
        bodies=_bodies(parents, network.head),
    )


def _bodies(parents: Networks, head: str) -> Params:
    """Returns the parents' variables without their heads, which no child sees."""
    layers = {name: layer for name, layer in parents.variables["params"].items() if name != head}
    return parents.variables | {"params": layers}
