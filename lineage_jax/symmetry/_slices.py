"""Leaves cut along their axes: the numbers that belong to each slot."""

from collections.abc import Iterable

import numpy as np

from lineage_jax.symmetry._axes import Axis
from lineage_jax.symmetry._element import Element

Leaves = dict[str, np.ndarray]


def slices(leaf: np.ndarray, axis: Axis) -> np.ndarray:
    """Returns the numbers of a leaf that stand at each slot of an axis, [slots, numbers]."""
    if axis.groups == 1:
        return np.moveaxis(leaf, axis.axis, 0).reshape(axis.size, -1)
    leaf = np.moveaxis(leaf, (axis.axis, axis.outputs), (0, 1))
    leaf = leaf.reshape(axis.size, axis.groups, -1).swapaxes(0, 1)
    return leaf.reshape(axis.groups * axis.size, -1)


def move(leaves: Leaves, axes: Iterable[Axis], element: Element) -> None:
    """Applies an element to some axes, in place of the leaves of a dictionary: `apply` for arrays on the host."""
    order, factor = np.asarray(element.order), np.asarray(element.factor)
    for axis in sorted((axis for axis in axes if axis.path in leaves), key=lambda axis: axis.groups):
        here = slice(axis.start, axis.start + axis.groups * axis.size)
        leaf, source = leaves[axis.path], (order[here] - axis.start) % axis.size
        if axis.groups > 1:
            leaf = np.take_along_axis(leaf, axis.spread(source, leaf.shape), axis.axis)
        elif (source != np.arange(axis.size)).any():
            leaf = np.take(leaf, source, axis.axis)
        if axis.floating and (factor[here] != 1).any():
            leaf = leaf * axis.spread(factor[here], leaf.shape).astype(leaf.dtype)
        leaves[axis.path] = leaf
