"""Free signs that a network's own vectors settle: the scale of a normalisation hardly ever changes its sign."""

from collections.abc import Mapping

import numpy as np

from lineage_jax.symmetry._assign import Signs
from lineage_jax.symmetry._groups import Groups

WIDEST = 0.9
"""Spread of logarithms of a vector whose signs mean something. That of numbers around zero is 1.1 or more; that of
scales around one is below 0.5, and if they were multiplied at random by a factor of e^±0.7, still below 0.9."""


def settled_signs(
    a: Mapping[str, np.ndarray], b: Mapping[str, np.ndarray], groups: Groups, signs: Signs
) -> tuple[set[int], set[int], set[int]]:
    """Finds free signs that a vector settles: it is turned positive in both networks.

    Args:
        a: leaves of one network.
        b: leaves of another.
        groups: of both.
        signs: of each slot.

    Returns:
        The signs that are settled, and those of them to be flipped in `a`, and in `b`.
    """
    best: dict[int, tuple[float, bool, bool]] = {}
    axes: dict[str, int] = {}
    for axis in groups.axes:
        axes[axis.path] = axes.get(axis.path, 0) + 1
    for axis in groups.axes:
        if axes[axis.path] > 1 or not axis.floating or axis.path not in a or axis.path not in b:
            continue
        one, two = a[axis.path].ravel(), b[axis.path].ravel()
        spread = max(_spread(one), _spread(two))
        for slot, mine, other in zip(axis.slots.tolist(), one.tolist(), two.tolist(), strict=True):
            if len(signs[slot]) == 1 and spread < min(WIDEST, best.get(next(iter(signs[slot])), (WIDEST,))[0]):
                best[next(iter(signs[slot]))] = (spread, mine < 0, other < 0)
    return (
        set(best),
        {sign for sign, (_, flip, _) in best.items() if flip},
        {sign for sign, (_, _, flip) in best.items() if flip},
    )


def _spread(vector: np.ndarray) -> float:
    """Returns the standard deviation of logarithms; infinite where most is zero."""
    sizes = np.abs(vector[vector != 0])
    return float(np.log(sizes).std()) if 2 * len(sizes) > len(vector) else np.inf
