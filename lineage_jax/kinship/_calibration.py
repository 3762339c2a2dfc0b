r"""From p-values to a probability of kinship: a logistic curve that never says more than its families can bear out.

A p-value is how rarely strangers look like this, not how likely the two are strangers. Between the two lies how often
relatives look like this, which is measured: with $d = -\log_{10} p$ up to `MOST_DECADES`,

$$P = 1 / (1 + \exp(-(\text{intercept} + \text{slope}\, d)))$$

at even odds before anything is seen. Where families separate perfectly any steep curve fits them; the targets of
Platt (1999) keep it from certainty, and nothing is told beyond what as many independent runs can show, which by
Laplace's rule of succession is $1 - 1 / (n + 2)$ for n of them without a miss.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize
from scipy.special import expit

MOST_DECADES = 12.0
"""Decades of a p-value beyond which more of them say nothing more: assumptions fail first."""

STEEPEST = float(np.log(10))
"""Slope at which a probability follows the p-value itself: a steeper one would say more than the p-value does."""


@dataclass(frozen=True, kw_only=True)
class Calibration:
    """What turns p-values into probabilities.

    Attributes:
        intercept: log odds of kinship at a p-value of 1.
        slope: what each decade adds to them.
        least: the smallest probability that is told.
        most: the largest.
        families: that fitted it.
    """

    intercept: float
    slope: float
    least: float
    most: float
    families: tuple[str, ...]


def fit_calibration(
    p: Sequence[float], related: Sequence[bool], *, runs: tuple[int, int], families: Sequence[str]
) -> Calibration:
    """Fits the curve to pairs whose kinship is known; relatives and strangers weigh equally much in all.

    Args:
        p: combined p-values of pairs.
        related: whether the two are.
        runs: how many independent runs are behind the relatives, and behind the strangers; pairs are more, but those
            of one run are not independent.
        families: names of what was fitted to.

    Raises:
        ValueError: If there is no relative or no stranger, a p-value is not between 0 and 1, or a number of runs is not
            positive.

    References:
        Platt, "Probabilistic outputs for support vector machines", Advances in Large Margin Classifiers, 1999,
        section 2.2: targets that are not 0 and 1.

    Examples:
        >>> found = fit_calibration([1e-9, 1e-7, 0.4, 0.7], [True, True, False, False], runs=(2, 2), families=["mine"])
        >>> found.least, found.most
        (0.25, 0.75)
    """
    kinship = np.asarray(related, bool)
    if kinship.all() or not kinship.any() or min(runs) < 1:
        raise ValueError(
            f"expected relatives and strangers of at least one run each, got {kinship.sum()} of {len(kinship)} pairs"
            f" related and runs {runs}"
        )
    kin, strange = runs
    target = np.where(kinship, (kin + 1) / (kin + 2), 1 / (strange + 2))
    weight = np.where(kinship, 0.5 / kinship.sum(), 0.5 / (~kinship).sum())
    x = decades(p)

    def loss(parameters: np.ndarray) -> tuple[float, np.ndarray]:
        odds = parameters[0] + parameters[1] * x
        error = weight * (expit(odds) - target)
        return float(weight @ (np.logaddexp(0, odds) - target * odds)), np.array([error.sum(), error @ x])

    found = minimize(loss, np.zeros(2), jac=True, bounds=[(None, None), (0, STEEPEST)], method="L-BFGS-B")
    return Calibration(
        intercept=float(found.x[0]),
        slope=float(found.x[1]),
        least=1 / (kin + 2),
        most=1 - 1 / (strange + 2),
        families=tuple(families),
    )


def decades(p: Sequence[float]) -> np.ndarray:
    """Returns how many powers of ten p-values lie below 1, up to `MOST_DECADES`.

    Raises:
        ValueError: If a p-value is not between 0 and 1.
    """
    values = np.asarray(p, np.float64)
    wrong = ~((values >= 0) & (values <= 1))
    if wrong.any():
        raise ValueError(f"expected p-values between 0 and 1, got {values[wrong][0]}")
    return -np.log10(np.maximum(values, 10**-MOST_DECADES))
