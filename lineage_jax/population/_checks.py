"""What must fit together before a family is trained."""

import functools
from collections.abc import Mapping, Sequence

import flax.linen as nn
import jax
import numpy as np
from jaxtyping import Int

from lineage_jax import data, models
from lineage_jax.leaves import check_shapes, is_under, leaf_shapes
from lineage_jax.typing import Networks, Params


def check_classes(network: nn.Module, images: data.Images) -> None:
    """Refuses a network for another number of classes.

    Raises:
        ValueError: If the network has another number of classes than the images.
    """
    if network.num_classes != images.num_classes:
        raise ValueError(
            f"expected a network with the images' {images.num_classes} classes, got num_classes={network.num_classes}"
        )


def shapes_of(network: nn.Module, images: data.Images) -> Params:
    """Returns the shapes of a network's variables, without computing them.

    Raises:
        ValueError: If the network has another number of classes than the images.
    """
    check_classes(network, images)
    return _shapes(network, images.images.shape[1:])


@functools.cache  # so that a second family of the same shapes is not traced again
def _shapes(network: nn.Module, input_shape: tuple[int, int, int]) -> Params:
    return jax.eval_shape(lambda: models.init(network, jax.random.key(0), input_shape))


def check_frozen(frozen: tuple[str, ...], layers: Params) -> None:
    """Refuses to freeze what does not exist, or everything.

    Raises:
        ValueError: If a layer is not among `layers`, or none is left to train.
    """
    unknown = [name for name in frozen if name not in layers]
    if unknown:
        raise ValueError(f"expected frozen layers among {', '.join(layers)}, got '{unknown[0]}'")
    if set(frozen) == set(layers):
        raise ValueError("expected at least one layer that is not frozen, got all of them frozen")


def check_bodies(parents: Networks, shapes: Params, *, head: str) -> None:
    """Refuses parents whose body is not the child's.

    Raises:
        ValueError: If, the head excepted, a path or shape differs.
    """
    found = {path: shape[1:] for path, shape in _body(parents.variables, head).items()}
    check_shapes(found, _body(shapes, head), variables="parents with the child's body")


def check_parents(parent_of: Mapping[str, str], names: Sequence[str]) -> None:
    """Refuses children of nobody.

    Raises:
        ValueError: If there is no child, or a parent is not among `names`.
    """
    if not parent_of:
        raise ValueError("expected the parent of at least one new network, got none")
    unknown = [parent for parent in parent_of.values() if parent not in names]
    if unknown:
        raise ValueError(f"expected parents among {', '.join(names)}, got '{unknown[0]}'")


def check_subsets(subsets: Int[np.ndarray, "m size"], *, count: int, n: int) -> None:
    """Refuses indices that are no examples.

    Raises:
        ValueError: If there is not one subset per network, or an index is out of range.
    """
    if len(subsets) != count:
        raise ValueError(f"expected one subset for each of {count} children, got {len(subsets)}")
    if subsets.size == 0 or subsets.min() < 0 or subsets.max() >= n:
        span = f"{subsets.min()} to {subsets.max()}" if subsets.size else "none"
        raise ValueError(f"expected indices from 0 to {n - 1} in the subsets, got {span}")


def _body(variables: Params, head: str) -> dict[str, tuple[int, ...]]:
    return {path: shape for path, shape in leaf_shapes(variables).items() if not is_under(path, (f"params/{head}",))}
