"""Sums over leaves in float64 on the host: with the mean over output units, and without it."""

import numpy as np

NO_SPREAD = 1e-20
"""Share of a leaf's squares below which what is left of it without its mean is the rounding of float64."""


CENTRED = slice(4, 7)
"""Where the product and the squares without means stand among the sums of `leaf_sums`."""


def leaf_sums(parent: np.ndarray | None, child: np.ndarray) -> np.ndarray:
    """Returns the sums of (c - p)^2, c p, p^2 and c^2, and the last three once more without the mean over outputs.

    A parent without the leaf counts as zeros. Each side is copied once, to float64; means are taken off in place.

    Examples:
        >>> leaf_sums(np.array([[1.0, 3.0]]), np.array([[2.0, 0.0]])).tolist()
        [10.0, 2.0, 10.0, 4.0, -2.0, 2.0, 2.0]
    """
    wide = child.astype(np.float64)
    other = np.zeros_like(wide)  # laid out as the child's, whatever the parent's: neither is copied once more
    if parent is not None:
        other[...] = parent
    step = (wide - other).ravel("K")
    plain = _products(other, wide)
    for each in (wide, other):
        take_mean(each)
    centred = _products(other, wide)
    for index in (1, 2):
        if centred[index] <= NO_SPREAD * plain[index]:
            centred[[0, index]] = 0
    return np.concatenate([[_dot(step, step)], plain, centred])


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
