"""Matching of units by their inner products with each other, which no rotation of what they read changes."""

import numpy as np
from jaxtyping import ArrayLike, Float, Int
from scipy.optimize import linear_sum_assignment

MOST_TURNS = 50
"""Relatives come to rest after a few."""


def match_by_inner_products(a: Float[ArrayLike, "k n"], b: Float[ArrayLike, "m o"]) -> Int[np.ndarray, " k"]:
    """Finds the order of one network's units in which their inner products are most like those of another's.

    A transformer's stream can be turned by any rotation that its normalisations allow, and weights of single inputs
    then say nothing. Angles between hidden units stay. Units are first assigned by their sorted cosines with all
    others, then by their cosines with those that are assigned already, until nothing changes. Signs and lengths do
    not matter.

    Scales of a normalisation before the units must be folded into their weights first, since a rotation folds them too,
    and the mean over inputs taken off where the normalisation does.

    Args:
        a: weights of k units, each n numbers.
        b: weights of as many units of the network that is brought to it.

    Returns:
        For each unit of `a` the unit of `b`.

    Raises:
        ValueError: If there are not as many units, or a weight is not finite.

    Examples:
        >>> rng = np.random.default_rng(0)
        >>> units, rotation = rng.normal(size=(40, 12)), np.linalg.qr(rng.normal(size=(12, 12)))[0]
        >>> order = rng.permutation(40)
        >>> bool((match_by_inner_products(units[order], units @ rotation) == order).all())
        True
    """
    one, two = _cosines(a), _cosines(b)
    if len(one) != len(two):
        raise ValueError(f"expected as many units in both networks, got {len(one)} and {len(two)}")
    first, second = np.sort(one, axis=1), np.sort(two, axis=1)
    distances = (first**2).sum(1)[:, None] - 2 * first @ second.T + (second**2).sum(1)
    order = linear_sum_assignment(distances)[1]
    for _ in range(MOST_TURNS):
        better = linear_sum_assignment(one @ two[:, order].T, maximize=True)[1]
        if np.array_equal(better, order):
            break
        order = better
    return order


def _cosines(units: ArrayLike) -> np.ndarray:
    """Returns absolute cosines of all pairs of units; those of a unit of zeros are 0."""
    units = np.asarray(units, np.float64)
    if not np.isfinite(units).all():
        raise ValueError("expected finite weights, got NaN or infinity")
    lengths = np.linalg.norm(units, axis=1, keepdims=True)
    units = units / np.where(lengths > 0, lengths, 1.0)
    return np.abs(units @ units.T)
