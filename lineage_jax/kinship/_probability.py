"""The probability of kinship that several kinds of evidence come to."""

from collections.abc import Sequence

import numpy as np
from scipy.special import expit

from lineage_jax.kinship._calibrated import CALIBRATION
from lineage_jax.kinship._calibration import Calibration, decades
from lineage_jax.kinship._evidence import Evidence


def combined(evidence: Sequence[Evidence]) -> float:
    """Returns one p-value from several kinds of evidence, whatever they have to do with each other (Bonferroni).

    Kinds without a layer that was judged do not count. Without any the p-value is 1.

    Examples:
        >>> from lineage_jax.kinship import Layer
        >>> layer = Layer(name="fc1", paths=("fc1",), units=64, statistic=2.3, p=0.01)
        >>> found = Evidence(kind="in place", layers=(layer,), statistic=2.3, p=0.01, share=1.0, left_out={})
        >>> combined([found, found]), combined([])
        (0.02, 1.0)
    """
    found = [each.p for each in evidence if each.layers]
    return min(1.0, len(found) * min(found)) if found else 1.0


def probability(p: float, calibration: Calibration = CALIBRATION) -> float:
    """Returns the probability that two networks are related, at even odds before anything was seen.

    Args:
        p: p-value of "the two are strangers", such as that of `combined`.
        calibration: fitted to pairs whose kinship is known.

    Raises:
        ValueError: If the p-value is not between 0 and 1.

    Examples:
        >>> from lineage_jax.kinship import Calibration
        >>> fitted = Calibration(intercept=-3.0, slope=1.0, least=0.02, most=0.98, families=("mine",))
        >>> [round(probability(p, fitted), 2) for p in (1.0, 1e-3, 1e-30)]
        [0.05, 0.5, 0.98]
    """
    found = expit(calibration.intercept + calibration.slope * decades([p])[0])
    return float(np.clip(found, calibration.least, calibration.most))
