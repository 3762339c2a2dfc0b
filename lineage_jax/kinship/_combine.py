"""All layers together: the total of their statistics, never the largest one."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lineage_jax.kinship._evidence import Layer, named
from lineage_jax.kinship._orders import Sum
from lineage_jax.kinship._tail import upper_tail


@dataclass(frozen=True, kw_only=True)
class Judged:
    """A test with the shape of its null.

    Attributes:
        layer: what is told of it.
        skewness: third cumulant of the standardised statistic among strangers.
        excess: the fourth.
    """

    layer: Layer
    skewness: float
    excess: float


def judged(paths: tuple[str, ...], units: int, found: Sum) -> Judged:
    """Standardises a sum over counterparts, whose variance is not zero."""
    deviation = np.sqrt(found.variance)
    statistic, skewness, excess = found.value / deviation, found.third / deviation**3, found.fourth / deviation**4
    p = upper_tail(statistic, skewness=skewness, excess=excess)
    layer = Layer(name=named(paths), paths=paths, units=units, statistic=float(statistic), p=p)
    return Judged(layer=layer, skewness=float(skewness), excess=float(excess))


def total(tests: Sequence[Judged], variance: float | None = None) -> tuple[float, float]:
    """Returns the standardised sum of the statistics of all tests, and its p-value.

    Args:
        tests: any number.
        variance: of the sum; by default that of tests that have nothing to do with each other, their number.
    """
    if not tests:
        return 0.0, 1.0
    variance = float(len(tests)) if variance is None else variance
    statistic = sum(test.layer.statistic for test in tests) / np.sqrt(variance)
    skewness = sum(test.skewness for test in tests) / variance**1.5
    excess = sum(test.excess for test in tests) / variance**2
    return float(statistic), upper_tail(float(statistic), skewness=skewness, excess=excess)
