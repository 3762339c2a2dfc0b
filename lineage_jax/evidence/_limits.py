"""Down to which similarity a relative would have been found, where none was: relatives are made and looked for.

Each is the candidate with a part of the child added to every leaf: as strange as the candidate, but for that part.
"""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from scipy.special import ndtr, ndtri

from lineage_jax.leaves import Weights

COSINES = (0.05, 0.1, 0.15, 0.2, 0.25, 0.35, 0.5)
"""Cosines with the child that are tried where units stand in their places, and cost little."""

FAR_COSINES = (0.35, 0.5, 0.7, 0.9)
"""Cosines that are tried where units are matched."""

POWER = 0.99
"""Probability with which a relative would have been found."""


def limit(
    shows: "Callable[[Weights, float], bool]",
    candidate: Weights,
    child: Weights,
    *,
    cosines: Sequence[float],
    level: float,
) -> float | None:
    """Returns the least of some cosines at which a relative would have been found, or None.

    Args:
        shows: says whether a candidate is found at a p-value.
        candidate: one that looks like a stranger, in the layout of the child.
        child: the child.
        cosines: in rising order.
        level: p-value at which it would have been found.
    """
    needed = float(ndtr(ndtri(level) - ndtri(POWER)))
    return next((cosine for cosine in cosines if shows(blended(candidate, child, cosine), needed)), None)


def blended(candidate: Weights, child: Mapping[str, np.ndarray], cosine: float) -> Weights:
    """Returns a candidate with as much of a child in each leaf as gives two strangers this cosine.

    Examples:
        >>> candidate, child = ({"fc/kernel": np.eye(4)[row]} for row in (0, 1))
        >>> blended(candidate, child, 0.6)["fc/kernel"].round(6).tolist()
        [1.0, 0.75, 0.0, 0.0]
    """
    share = cosine / np.sqrt(1 - cosine**2)
    found = {}
    for path, leaf in candidate.items():
        part = child.get(path)
        length = 0.0 if part is None or part.shape != leaf.shape else float(np.linalg.norm(part))
        found[path] = (
            leaf + part * (share * float(np.linalg.norm(leaf)) / length) if part is not None and length else leaf
        )
    return found
