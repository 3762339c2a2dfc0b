r"""How a sum over counterparts is distributed if one network's units were numbered at random: exact moments.

With $C$ the similarities of n units to n others, $T = \sum_i C_{i \pi(i)}$ over all n! orders $\pi$ has moments that
are sums over $D$, which is $C$ less the means of its rows and columns. Over independent sets of units cumulants add.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

BLOCK = 1 << 18
"""Numbers of a matrix that are raised to powers at once: they stay in the processor's cache."""


@dataclass(frozen=True, kw_only=True)
class Sum:
    """What the sum over counterparts is, and its cumulants over all orders.

    Attributes:
        value: of the order in which the units stand, less its mean over all orders.
        variance: the second cumulant.
        third: the third one.
        fourth: an upper bound of the fourth one, off by less than 6 / n² of the squared variance for many units.
    """

    value: float
    variance: float
    third: float
    fourth: float


def over_all_orders(centred: np.ndarray) -> Sum:
    r"""Returns the sum of a matrix's diagonal with its cumulants over all orders of the columns.

    All are exact but for one sum in the fourth, $\|D D^T\|^2$, which would cost a product of matrices and is put at its
    bound $\|D\|^4$, which a matrix of rank one reaches.

    Args:
        centred: D, [n, n], n > 1, whose rows and columns sum to 0.

    References:
        Hoeffding, "A combinatorial central limit theorem", Annals of Mathematical Statistics 22, 1951.

    Examples:
        >>> found = over_all_orders(np.eye(4) - 0.25)  # how many of four stay in their places, less one
        >>> round(found.value, 6), round(found.variance, 6), round(found.third, 6)
        (3.0, 1.0, 1.0)
    """
    n = len(centred)
    by_row, by_column = np.zeros(n), np.zeros(n)
    cubes = fourths = 0.0
    step = max(1, BLOCK // n)
    for first in range(0, n, step):
        rows = centred[first : first + step]
        squares = rows * rows
        by_row[first : first + step] = squares.sum(1, dtype=np.float64)
        by_column += squares.sum(0, dtype=np.float64)
        cubes += float((squares * rows).sum(dtype=np.float64))
        fourths += float((squares * squares).sum(dtype=np.float64))
    squared = float(by_row.sum())
    variance = squared / (n - 1)
    lines = float(by_row @ by_row + by_column @ by_column)
    two, three, four = n * (n - 1), n * (n - 1) * (n - 2), n * (n - 1) * (n - 2) * (n - 3)
    power = fourths / n + (4 * fourths + 3 * (squared**2 - lines + fourths)) / two
    if three:
        power += 6 * (squared**2 - 2 * lines + 4 * fourths) / three
    if four:
        power += (9 * squared**2 - 18 * lines + 36 * fourths) / four
    return Sum(
        value=float(np.trace(centred, dtype=np.float64)),
        variance=variance,
        third=cubes * n / ((n - 1) * (n - 2)) if three else 0.0,
        fourth=power - 3 * variance**2,
    )


def together(sums: Iterable[Sum]) -> Sum:
    """Adds sums over sets of units whose orders have nothing to do with each other."""
    each = list(sums)
    return Sum(
        value=sum(one.value for one in each),
        variance=sum(one.variance for one in each),
        third=sum(one.third for one in each),
        fourth=sum(one.fourth for one in each),
    )
