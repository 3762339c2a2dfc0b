"""Whether the units of two networks stand in an order that a rule has made: then strangers seem alike in place."""

from collections.abc import Callable, Mapping

import numpy as np

from lineage_jax.leaves import Weights, kernels_among

RULES: Mapping[str, Callable[[np.ndarray], np.ndarray]] = {
    "norm": lambda units: np.linalg.norm(units, axis=0),
    "mean": lambda units: units.mean(axis=0),
    "largest weight": lambda units: np.abs(units).max(axis=0),
}
"""By what units may be sorted -> its value for each column."""

SORTED = 0.9
"""Rank correlation of places and values from which on units are sorted; of 16 in any order one in a million has it."""
FEWEST = 16
"""Units below which a layer shows no order."""


def sorted_by(candidate: Weights, child: Weights) -> str | None:
    """Says by what the units of some layer are sorted in both of two networks, or None.

    Examples:
        >>> kernels = [np.random.default_rng(seed).normal(size=(40, 32)) for seed in (0, 1)]
        >>> in_order = [kernel[:, np.argsort(np.linalg.norm(kernel, axis=0))] for kernel in kernels]
        >>> sorted_by(*({"fc/kernel": kernel} for kernel in in_order))
        'norm'
        >>> sorted_by({"fc/kernel": in_order[0]}, {"fc/kernel": kernels[1]}) is None
        True
    """
    shared = [path for path in kernels_among(child) if path in candidate and candidate[path].shape == child[path].shape]
    for path in shared:
        both = [leaf[path].reshape(-1, leaf[path].shape[-1]) for leaf in (candidate, child)]
        for rule, value in RULES.items():
            if both[0].shape[1] >= FEWEST and all(abs(_ranked(value(units))) >= SORTED for units in both):
                return rule
    return None


def _ranked(values: np.ndarray) -> float:
    """Returns the rank correlation of values and their places, 0 where all are equal."""
    if values.min() == values.max():
        return 0.0
    _, rank, ties = np.unique(values, return_inverse=True, return_counts=True)
    middle = np.cumsum(ties) - ties / 2  # of equal ones each has the middle rank
    return float(np.corrcoef(middle[rank], np.arange(len(values)))[0, 1])
