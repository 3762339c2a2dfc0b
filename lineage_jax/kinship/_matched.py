"""Evidence after laundering: units matched by one half of what they read agree with those matched by the other."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
from scipy.optimize import linear_sum_assignment

from lineage_jax import symmetry
from lineage_jax.kinship._agreements import (
    ELSEWHERE,
    ENOUGH_LAYERS,
    FEWEST_UNITS,
    TOO_FEW,
    Agreement,
    brought,
    by_chance,
    evidence_of,
    tell_kinship,
)
from lineage_jax.kinship._evidence import Evidence
from lineage_jax.symmetry import Groups, Halves
from lineage_jax.typing import Params

NOISE = 1e-7
"""Added at random to cosines: units that are all zero must not agree by the order of a file."""

HOPELESS = 0.5
"""P-value of the layers judged so far above which those that follow are not looked at."""

WORKERS = 2
"""Layers that are judged at a time, beside those that are still being matched."""

PINNED = "the program keeps its outputs in their places"
ALIKE = "it reads colours, places or too few units, and there strangers are alike too"


def matched(a: Params, b: Params, groups: Groups) -> Evidence:
    """Asks whether two networks are kin although hidden units may have been permuted, rescaled and flipped.

    Units are matched twice, by one half of the units that they read and by the other (`symmetry.match_in_halves`). Of
    strangers about 1.3 units of a layer are matched alike, as many of a wide layer as of a narrow one: one by chance,
    and some since training converges; the number is nearly a Poisson variable, and `p` is that of the total of all
    layers. It is 1 where fewer than 8 layers were judged and not more than 60 % of their units agree, since small
    robust networks of one task agree on a third of theirs. `statistic`, of layers and of all together, is how alike
    units matched by one half are by the other one, in standard deviations over all orders of units; that of strangers
    is mostly below 4.

    Args:
        a: a network, such as a candidate.
        b: another one, such as the child. Kernels that `a` has not in the same shape, such as a head's, are left out.
        groups: of `b`, from `symmetry.groups` or, of a file of no known architecture, `symmetry.groups_by_order`.

    Raises:
        ValueError: If the leaves of `b` are not those of `groups`, weights are not finite, or no leaf is shared.
    """
    pair = brought(a, b)
    left_out = dict.fromkeys(pair.kernels, PINNED) | dict.fromkeys(pair.missing, ELSEWHERE)
    waiting = []
    with ThreadPoolExecutor(WORKERS) as pool:  # what is judged has no part in what comes after
        for halves in symmetry.match_in_halves(pair.a, pair.b, groups, without=pair.missing):
            left_out |= dict.fromkeys(halves.anchors, ALIKE) | dict.fromkeys(halves.paths, TOO_FEW)
            if _is_judged(halves):
                waiting.append(pool.submit(_judged, halves))
        found = [test.result() for test in waiting]
    statistic = sum(test.statistic for test in found) / max(1, len(found)) ** 0.5
    return evidence_of("matched", found, statistic, pair.kernels, left_out)


def is_matched(a: Params, b: Params, groups: Groups, *, level: float) -> bool:
    """Says whether the p-value of `matched` is at most a level, and looks at no more layers than it takes to know.

    Units of layers that follow can only agree more, and there are no more layers than families. Where, after enough
    layers to be judged at all, no more units agree than those of strangers, none that follow are looked at either: they
    are aligned by those before, and what knows nothing of each other aligns nothing. So it says yes to no pair of which
    `matched` says no.

    Args:
        a: as of `matched`.
        b: the same.
        groups: the same.
        level: the p-value.
    """
    pair = brought(a, b)
    most, agreed = len(groups.families), 0
    found: list[Agreement] = []
    for halves in symmetry.match_in_halves(pair.a, pair.b, groups, without=pair.missing):
        found += [_judged(halves)] if _is_judged(halves) else []
        agreed = sum(test.agreed for test in found)
        if len(found) >= ENOUGH_LAYERS:
            if by_chance(agreed, most) <= level:
                return True
            if by_chance(agreed, len(found)) > HOPELESS:
                return False
    return tell_kinship(found) and by_chance(agreed, len(found)) <= level


def _is_judged(halves: Halves) -> bool:
    return bool(halves.paths) and halves.units >= FEWEST_UNITS


def _judged(halves: Halves) -> Agreement:
    rng = np.random.default_rng(0)
    orders = [_matching(halves, by, rng) for by in (0, 1)]
    ways = [_held_out(halves, by, order) for by, order in enumerate(orders)]
    return Agreement(
        paths=halves.paths,
        units=halves.units,
        agreed=int((orders[0] == orders[1]).sum()),
        statistic=sum(ways) / 2**0.5,
    )


def _matching(halves: Halves, by: int, rng: np.random.Generator) -> np.ndarray:
    """Returns for each unit of `a` that of `b` by one half of what they read."""
    noise = NOISE * rng.random((halves.units,) * 2, np.float32)
    return linear_sum_assignment(halves.alike(by) + noise, maximize=True)[1]


def _held_out(halves: Halves, by: int, order: np.ndarray) -> float:
    """Returns how alike units that one half has matched are by the other, free signs as that half has them."""
    rows = np.arange(halves.units)
    alike = np.zeros((halves.units,) * 2, np.float32)
    for pair, free in zip(halves.parts, halves.signless, strict=True):
        sign = np.sign(pair[by][rows, order]) if free else np.ones(halves.units, np.float32)
        alike += pair[1 - by][:, order] * sign[:, None]
    alike -= alike.mean(0)
    alike -= alike.mean(1, keepdims=True)
    spread = np.sqrt(np.square(alike, dtype=np.float64).sum() / (halves.units - 1))
    return float(np.trace(alike, dtype=np.float64) / spread) if spread > 0 else 0.0
