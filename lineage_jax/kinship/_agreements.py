"""How often units are matched alike by two ways that know nothing of each other, and how often strangers' are."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

from scipy.special import gammainc

from lineage_jax.kinship._evidence import Evidence, Layer, named, numbered
from lineage_jax.leaves import counterparts, leaf_paths, leaf_shapes
from lineage_jax.typing import Params

BY_CHANCE = 1.3
"""Units of a layer of strangers that are matched alike, on average: one by chance, some since training converges."""
FEWEST_UNITS = 16
"""Of fewer units strangers agree too often."""
ENOUGH_LAYERS = 8
ENOUGH_UNITS = 0.6
"""Robustly trained networks of four layers agree on a third of their units without any kinship: so few layers count
only where more than this share agrees."""

ELSEWHERE = "network a has no kernel of this name and shape"
TOO_FEW = f"fewer than {FEWEST_UNITS} units"


@dataclass(frozen=True, kw_only=True)
class Agreement:
    """A test: units of some kernels, matched in two ways.

    Attributes:
        paths: of the kernels.
        units: how many were matched.
        agreed: how many of them alike.
        statistic: standard deviations above what strangers have on average.
    """

    paths: tuple[str, ...]
    units: int
    agreed: int
    statistic: float


@dataclass(frozen=True, kw_only=True)
class Brought:
    """Two networks under the names of the second one.

    Attributes:
        a: leaves by path in `b`; those that are not in `a` in the same shape are missing.
        b: all leaves.
        missing: paths of these.
        kernels: of `b`, by path how many numbers each has.
    """

    a: Mapping[str, Any]
    b: Mapping[str, Any]
    missing: tuple[str, ...]
    kernels: Mapping[str, int]


def brought(a: Params, b: Params) -> Brought:
    """Finds the kernels of one network in another, whose names may begin in another way, as a backbone's do."""
    theirs, ours, mine = leaf_paths(a), leaf_shapes(a), leaf_shapes(b)
    kernels = {path: shape for path, shape in mine.items() if sum(size > 1 for size in shape) > 1}
    pairs = {path: path for path, shape in mine.items() if ours.get(path) == shape}
    pairs |= {} if kernels.keys() <= pairs.keys() else counterparts(ours, kernels).pairs
    return Brought(
        a={path: theirs[pairs[path]] for path in mine if path in pairs},
        b=leaf_paths(b),
        missing=tuple(path for path in mine if path not in pairs),
        kernels={path: prod(shape) for path, shape in kernels.items()},
    )


def evidence_of(
    kind: str,
    agreements: Sequence[Agreement],
    statistic: float,
    kernels: Mapping[str, int],
    left_out: Mapping[str, str],
) -> Evidence:
    """Puts tests together: the total of agreements, never the largest.

    The p-value is that of a Poisson variable, and 1 where too little was judged to tell kinship from convergence.

    Args:
        kind: of evidence.
        agreements: the tests.
        statistic: of all of them together.
        kernels: of the child, by path how many numbers each has.
        left_out: of kernels that no test judged, why.
    """
    agreed = sum(test.agreed for test in agreements)
    judged = {path for test in agreements for path in test.paths}
    enough = tell_kinship(agreements)
    layers = [
        Layer(
            name=named(test.paths),
            paths=test.paths,
            units=test.units,
            statistic=test.statistic,
            p=by_chance(test.agreed, 1),
        )
        for test in agreements
    ]
    return Evidence(
        kind=kind,
        layers=numbered(layers),
        statistic=statistic,
        p=by_chance(agreed, len(agreements)) if agreements and enough else 1.0,
        share=sum(size for path, size in kernels.items() if path in judged) / max(1, sum(kernels.values())),
        left_out={path: left_out[path] for path in kernels if path not in judged},
    )


def tell_kinship(agreements: Sequence[Agreement]) -> bool:
    """Says whether enough was judged to tell kinship from convergence."""
    agreed, units = (sum(getattr(test, name) for test in agreements) for name in ("agreed", "units"))
    return len(agreements) >= ENOUGH_LAYERS or agreed > ENOUGH_UNITS * units


def by_chance(agreed: int, layers: int) -> float:
    """Returns the probability that units of strangers agree as often in so many layers.

    Examples:
        >>> by_chance(0, 1), round(by_chance(3, 1), 3)
        (1.0, 0.143)
    """
    return float(gammainc(agreed, BY_CHANCE * layers)) if agreed else 1.0  # Poisson's law
