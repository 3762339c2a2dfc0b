"""Children: networks that continue a parent on other images, with a new head."""

import flax.linen as nn
import numpy as np
from jaxtyping import Int

from lineage_jax import data
from lineage_jax.population._checks import check_bodies, check_subsets, shapes_of
from lineage_jax.population._run import CHILDREN, cases_of, numbered, run
from lineage_jax.population._settings import Training
from lineage_jax.population._trained import Trained
from lineage_jax.typing import Networks, Params


def finetune(
    parents: Networks,
    network: nn.Module,
    images: data.Images,
    *,
    children_per_parent: int,
    seed: int,
    training: Training,
    subsets: Int[np.ndarray, "m size"] | None = None,
    side_by_side: int | None = None,
) -> tuple[Trained, dict[str, str]]:
    """Trains children in one compiled program: each starts from its parent's body and a new random head.

    Args:
        parents: networks with the body of `network`; their heads may differ.
        network: the children's module, with the images' number of classes; `network.head` names its head.
        images: what they learn.
        children_per_parent: how many; the first parent's come first. They are called `child-00`, `child-01`, ..., with
            at least two digits and as many as the last one needs.
        seed: decides the heads and the minibatches.
        training: how; tuples in it have one value per child.
        subsets: indices of the images that each child sees, such as those of `data.few_shot`; all images if None.
        side_by_side: as in `pretrain`.

    Returns:
        The children, and the truth: the name of every child's parent.

    Raises:
        ValueError: If parents, settings, subsets or images do not fit the network, or a network's loss or weights are
            not finite in the end.
    """
    shapes = shapes_of(network, images)
    check_bodies(parents, shapes, head=network.head)
    if children_per_parent < 1:
        raise ValueError(f"expected children_per_parent of at least 1, got {children_per_parent}")
    count = len(parents) * children_per_parent
    if subsets is not None:
        check_subsets(subsets, count=count, n=len(images))
    parent = np.repeat(np.arange(len(parents)), children_per_parent)
    cases = cases_of(training, count, seed=seed, stream=CHILDREN, subsets=subsets, parents=parent)
    names = numbered("child", count, digits=2)
    children = run(
        network,
        images,
        cases,
        training,
        names=names,
        shapes=shapes,
        side_by_side=side_by_side,
        bodies=_bodies(parents, network.head),
    )
    return children, {child: parents.names[index] for child, index in zip(names, parent, strict=True)}


def _bodies(parents: Networks, head: str) -> Params:
    """Returns the parents' variables without their heads, which no child sees."""
    layers = {name: layer for name, layer in parents.variables["params"].items() if name != head}
    return parents.variables | {"params": layers}
