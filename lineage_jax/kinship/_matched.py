"""Evidence after laundering: units matched by one half of what they read agree with those matched by the other."""

import numpy as np
from scipy.optimize import linear_sum_assignment

from lineage_jax import symmetry
from lineage_jax.kinship._agreements import ELSEWHERE, FEWEST_UNITS, TOO_FEW, Agreement, brought, evidence_of
from lineage_jax.kinship._evidence import Evidence
from lineage_jax.symmetry import Groups, Halves
from lineage_jax.typing import Params

NOISE = 1e-7
"""Added at random to cosines: units that are all zero must not agree by the order of a file."""

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
    found = []
    for halves in symmetry.match_in_halves(pair.a, pair.b, groups, without=pair.missing):
        left_out |= dict.fromkeys(halves.anchors, ALIKE) | dict.fromkeys(halves.paths, TOO_FEW)
        if halves.paths and halves.units >= FEWEST_UNITS:
            found.append(_judged(halves))
    statistic = sum(test.statistic for test in found) / max(1, len(found)) ** 0.5
    return evidence_of("matched", found, statistic, pair.kernels, left_out)


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
