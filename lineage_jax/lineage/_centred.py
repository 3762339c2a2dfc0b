"""Sums over leaves in float64 on the host: with the mean over output units, and without it."""

from collections.abc import Iterator

import numpy as np

BLOCK = 2**15
"""Numbers of a leaf that are widened at a time; those of both sides stay in a cache."""

NO_SPREAD = 1e-20
"""Share of a leaf's squares below which what is left of it without its mean is the rounding of float64."""

CENTRED = slice(4, 7)
"""Where the product and the squares without means stand among the sums of `leaf_sums`."""


def leaf_sums(parent: np.ndarray | None, child: np.ndarray) -> np.ndarray:
    """Returns the sums of (c - p)^2, c p, p^2 and c^2, and the last three once more without the mean over outputs.

    A parent without the leaf counts as zeros. Leaves are widened to float64 a block at a time, whatever their size.

    Examples:
        >>> leaf_sums(np.array([[1.0, 3.0]]), np.array([[2.0, 0.0]])).tolist()
        [10.0, 2.0, 10.0, 4.0, -2.0, 2.0, 2.0]
    """
    total = np.zeros(CENTRED.stop)
    child = child.reshape(1) if child.ndim == 0 else child
    other = np.zeros_like(child) if parent is None else parent.reshape(child.shape)
    if not child.size:
        return total
    means = [leaf.mean(axis=-1, keepdims=True, dtype=np.float64) for leaf in (other, child)]
    for block in _blocks(child):
        c = child[block].astype(np.float64)
        p = np.empty_like(c)  # laid out as the child's, whatever the parent's: neither is copied once more
        p[...] = other[block]
        step = (c - p).ravel("K")
        plain = _products(p, c)
        for each, mean in zip((p, c), means, strict=True):
            each -= mean[block[:-1]]
        total += np.concatenate([[_dot(step, step)], plain, _products(p, c)])
    plain, centred = total[1 : CENTRED.start], total[CENTRED]
    for index in (1, 2):
        if centred[index] <= NO_SPREAD * plain[index]:
            centred[[0, index]] = 0
    return total


def _blocks(leaf: np.ndarray) -> Iterator[tuple[slice, ...]]:
    """Yields the places of some `BLOCK` numbers of a leaf after another, as they lie in memory."""
    axis = int(np.argmax(leaf.strides))
    length = leaf.shape[axis]
    step = max(1, BLOCK * length // leaf.size)
    for start in range(0, length, step):
        yield tuple(slice(start, start + step) if place == axis else slice(None) for place in range(leaf.ndim))


def take_mean(leaf: np.ndarray) -> None:
    """Takes the mean over output units, the last axis, off in place; nothing is left of a single number."""
    leaf -= leaf.mean(axis=-1, keepdims=True) if leaf.ndim else leaf.copy()


def cosine(sums: np.ndarray) -> float:
    """Returns the cosine of a product and two squares, 0 where one of them is 0."""
    product, of_parent, of_child = sums
    return ratio(product, np.sqrt(of_parent * of_child))


def ratio(value: float | int, norm: float | int) -> float:
    """Divides, 0 where there is nothing to divide by."""
    return float(value / norm) if norm > 0 else 0.0


def _products(parent: np.ndarray, child: np.ndarray) -> np.ndarray:
    p, c = parent.ravel("K"), child.ravel("K")
    return np.array([_dot(c, p), _dot(p, p), _dot(c, c)])


def _dot(a: np.ndarray, b: np.ndarray) -> float:
    """Multiplies and sums in one thread: bound by memory, threads of BLAS would only wait for one another."""
    return float(np.einsum("i,i->", a, b))
