"""How rarely strangers reach a statistic: a tail that is heavier than the normal one where few units decide."""

import numpy as np
from scipy.special import gammaincc, ndtr

LEAST_P = 1e-300
"""The smallest p-value that is told; nothing is certain."""


def upper_tail(statistic: float, *, skewness: float, excess: float) -> float:
    r"""Returns the chance that a standardised sum is at least as large.

    Agreements of units are rare events: their sum has a longer tail than a normal variable, in the limit that of
    Poisson's law. The tail told is that of a gamma law of variance 1 that has the skewness, and the excess kurtosis
    too where that asks for a longer one; far out it is longer than Poisson's. A law that falls faster than the normal
    one is taken for normal.

    Args:
        statistic: of mean 0 and variance 1.
        skewness: third cumulant.
        excess: fourth cumulant.

    References:
        Pearson, "Contributions to the mathematical theory of evolution II", Philosophical Transactions A 186, 1895,
        type III.

    Examples:
        >>> f"{upper_tail(4.0, skewness=0.0, excess=0.0):.1e}", f"{upper_tail(4.0, skewness=0.5, excess=0.3):.1e}"
        ('3.2e-05', '6.6e-04')
    """
    squared = max(max(skewness, 0.0) ** 2, 2 / 3 * excess)
    if squared < 1e-8:  # a gamma law of this shape is normal to eight digits
        return max(float(ndtr(-statistic)), LEAST_P)
    shape = 4 / squared
    return max(float(gammaincc(shape, max(shape + statistic * np.sqrt(shape), 0.0))), LEAST_P)
