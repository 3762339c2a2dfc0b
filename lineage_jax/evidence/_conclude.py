"""From what was measured to a verdict: how the relatives lie to each other, and whether several explain the child."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from lineage_jax.evidence._verdict import DECISIVE, Measured, Verdict, name_one, operands, relatives, verdict_of

if TYPE_CHECKING:
    from lineage_jax.typing import Params

LEAST_WEIGHT = 0.05
"""Share in a mixture below which a relative had no part in it."""


def conclude(measured: Measured, parents: "Mapping[str, Params]", child: "Params") -> Verdict:
    """Looks at how the relatives lie to each other, where there are several, and says whose child it is.

    Args:
        measured: what was measured of the child and these candidates, or of some of them (`Measured.select`).
        parents: arrays of the candidates as they were compared, `{name: variables}`; only relatives are asked for.
        child: arrays of the child.
    """
    from lineage_jax import lineage

    related = relatives(measured.weights)
    named, _ = name_one(measured)
    others = {name: parents[name] for name in related if name != named}
    between: dict[str, float] = {}
    if named and others:
        found = lineage.overlap(others, parents[named])[DECISIVE]
        between = dict(zip(others, found.values.tolist(), strict=True))
    return verdict_of(measured, between, _mixture({name: parents[name] for name in operands(measured)}, child))


def _mixture(parents: "Mapping[str, Params]", child: "Params") -> dict[str, float]:
    """Returns what each relative weighs in a child of several, or nothing where a mixture does not explain it."""
    from lineage_jax import lineage

    if len(parents) < 2:
        return {}
    found = lineage.mixture(parents, child)
    if found.attrs["residual"] > lineage.MERGED * found.attrs["residual_alone"]:
        return {}
    weights = dict(zip(parents, found["weight"].values.tolist(), strict=True))
    return {name: weight for name, weight in weights.items() if abs(weight) >= LEAST_WEIGHT}
