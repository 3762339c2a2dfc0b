"""Whether groups are right, in numbers: a random element must not change what a network computes."""

from collections.abc import Callable
from typing import Any

import jax
import numpy as np
from jaxtyping import Array, Key

from lineage_jax.symmetry._element import random
from lineage_jax.symmetry._groups import Groups
from lineage_jax.symmetry._on_host import apply_on_host
from lineage_jax.typing import Params


def check(
    fn: Callable[[Any, Any], Any],
    variables: Params,
    inputs: Any,
    groups: Groups,
    key: Key[Array, ""],
    *,
    tolerance: float = 1e-3,
) -> float:
    """Applies a random element of all groups and compares outputs.

    Two forward passes. Rules are few and their errors are not seen in any other way, so whoever relies on groups calls
    this once.

    Args:
        fn: `(variables, inputs) -> outputs`.
        variables: of the network.
        inputs: a few examples.
        groups: of `fn`.
        key: source of the random element.
        tolerance: the largest relative change that is taken for rounding. Deep networks in float32 round to 1e-4.

    Returns:
        The largest change of any output over the largest output of the same array.

    Raises:
        ValueError: If outputs change by more, or are not finite.
    """
    moved = apply_on_host(variables, groups, random(key, groups))
    before, after = fn(variables, inputs), fn(moved, inputs)
    changes = jax.tree.leaves(jax.tree.map(_change, before, after))
    worst = float(max(changes, default=0.0))
    if not worst <= tolerance:
        raise ValueError(
            f"expected outputs to stay within {tolerance:g} under a random symmetry, got a change of {worst:g}:"
            " variables or outputs are not finite, or a rule of symmetry is wrong for this program"
        )
    return worst


def _change(before: Array, after: Array) -> float:
    """Returns the largest change over the largest number, infinite where something is not finite."""
    one, two = (np.asarray(each, np.float64) for each in (before, after))  # on the host, where nothing is compiled
    if not (np.isfinite(one).all() and np.isfinite(two).all()):
        return np.inf
    return float(np.abs(two - one).max(initial=0.0) / max(np.abs(one).max(initial=0.0), 1e-30))
