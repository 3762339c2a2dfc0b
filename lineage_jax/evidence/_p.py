"""How several p-values become one, wherever a kinship is claimed."""

from typing import TYPE_CHECKING

from lineage_jax.leaves import kernels_among, weights_of
from lineage_jax.linearize import HELD

if TYPE_CHECKING:
    import xarray

    from lineage_jax.typing import Params

KINDS = 3
"""Kinds of evidence there are. P-values are multiplied by it whether or not all were looked at, for which are looked at
depends on what the others show."""

ACCUSED = 0.01
"""Rate of false accusations at which `detect` claims a kinship, where nobody asks for another."""


def p_in_place(candidate: "Params", child: "Params", row: "xarray.Dataset") -> float | None:
    """Returns the p-value of two networks as they stand, over all kinds of evidence; None where nothing can be judged.

    Args:
        candidate: one of them.
        child: the other one.
        row: what `lineage.overlap` says of them.
    """
    from lineage_jax import kinship, lineage

    ours, theirs, among = weights_of(child, HELD), weights_of(candidate, HELD), 1
    if not kernels_among(ours):
        return None
    if row["turned"].item():
        found = lineage.correspond(theirs, ours)
        theirs, among = found.leaves, found.among
    evidence = kinship.in_place(theirs, ours)
    return min(1.0, KINDS * among * evidence.p) if evidence.layers else None
