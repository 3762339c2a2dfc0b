"""Descendants: networks that continue a parent on other images, with a new head."""

from collections.abc import Mapping, Sequence

import flax.linen as nn
import numpy as np
from jaxtyping import Int

from lineage_jax import data
from lineage_jax.leaves import check_shapes, is_under, leaf_shapes
from lineage_jax.population._objective import Objective, classification
from lineage_jax.population._run import CHILDREN, Trained, cases_of, numbered, run, shapes_of
from lineage_jax.population._settings import TrainingSettings
from lineage_jax.typing import Networks, Params


def finetune(
    parents: Networks,
    network: nn.Module,
    images: data.Images | data.Annotated,
    *,
    children_per_parent: int,
    seed: int,
    training: TrainingSettings,
    objective: Objective = classification,
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
        objective: as in `pretrain`.
        subsets: indices of the images that each child sees, such as those of `data.few_shot`; all images if None.
        side_by_side: as in `pretrain`.

    Returns:
        The children, and the truth: the name of every child's parent.

    Raises:
        ValueError: If parents, settings, subsets or images do not fit the network, or a network's loss or weights are
            not finite in the end.
    """
    if children_per_parent < 1:
        raise ValueError(f"expected children_per_parent of at least 1, got {children_per_parent}")
    names = numbered("child", len(parents) * children_per_parent, digits=2)
    truth = {child: parents.names[place // children_per_parent] for place, child in enumerate(names)}
    children = descend(
        parents,
        network,
        images,
        parent_of=truth,
        seed=seed,
        training=training,
        objective=objective,
        subsets=subsets,
        side_by_side=side_by_side,
    )
    return children, truth


def descend(
    parents: Networks,
    network: nn.Module,
    images: data.Images | data.Annotated,
    *,
    parent_of: Mapping[str, str],
    seed: int,
    training: TrainingSettings,
    objective: Objective = classification,
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
        objective: as in `pretrain`.
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
    _check_bodies(parents, shapes, head=network.head)
    _check_parents(parent_of, parents.names)
    count = len(parent_of)
    if subsets is not None:
        _check_subsets(subsets, count=count, n=len(images))
    places = np.array([parents.names.index(parent) for parent in parent_of.values()])
    return run(
        network,
        images,
        cases_of(training, count, seed=seed, stream=stream, subsets=subsets, parents=places),
        training,
        objective=objective,
        names=tuple(parent_of),
        shapes=shapes,
        side_by_side=side_by_side,
        bodies=_bodies(parents, network.head),
    )


def _bodies(parents: Networks, head: str) -> Params:
    """Returns the parents' variables without their heads, which no child sees."""
    layers = {name: layer for name, layer in parents.variables["params"].items() if name != head}
    return parents.variables | {"params": layers}


def _check_bodies(parents: Networks, shapes: Params, *, head: str) -> None:
    """Refuses parents whose body is not the child's.

    Raises:
        ValueError: If, the head excepted, a path or shape differs.
    """
    found = {path: shape[1:] for path, shape in _body(parents.variables, head).items()}
    check_shapes(found, _body(shapes, head), variables="parents with the child's body")


def _body(variables: Params, head: str) -> dict[str, tuple[int, ...]]:
    return {path: shape for path, shape in leaf_shapes(variables).items() if not is_under(path, (f"params/{head}",))}


def _check_parents(parent_of: Mapping[str, str], names: Sequence[str]) -> None:
    """Refuses children of nobody.

    Raises:
        ValueError: If there is no child, or a parent is not among `names`.
    """
    if not parent_of:
        raise ValueError("expected the parent of at least one new network, got none")
    unknown = [parent for parent in parent_of.values() if parent not in names]
    if unknown:
        raise ValueError(f"expected parents among {', '.join(names)}, got '{unknown[0]}'")


def _check_subsets(subsets: Int[np.ndarray, "m size"], *, count: int, n: int) -> None:
    """Refuses indices that are no examples.

    Raises:
        ValueError: If there is not one subset per network, or an index is out of range.
    """
    if len(subsets) != count:
        raise ValueError(f"expected one subset for each of {count} children, got {len(subsets)}")
    if subsets.size == 0 or subsets.min() < 0 or subsets.max() >= n:
        span = f"{subsets.min()} to {subsets.max()}" if subsets.size else "none"
        raise ValueError(f"expected indices from 0 to {n - 1} in the subsets, got {span}")
