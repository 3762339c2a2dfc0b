r"""How alike the kernels of one network are to those of many others, estimated from fingerprints.

With $c$ and $p$ what two networks share, centred and divided by their norms, which are known exactly,

$$\cos = 1 - \tfrac12 |c - p|^2 \approx 1 - \tfrac12 |S (c - p)|^2,$$

which has no bias, as $E |S d|^2 = |d|^2$, and the standard error $(1 - \cos) \sqrt{2 / k}$ for k numbers in one sketch:
what a near copy lacks to 1 is known to a few per cent, and equal networks come out at exactly 1. Rounding to float16
makes of that no less than about $4 \cdot 10^{-8}$. As in `lineage.overlap`, a kernel that a candidate lacks counts as
zeros, so that the cosine over all of the child's kernels is the one over what is shared times $|c_{shared}| / |c|$.
"""

import dataclasses
import itertools
import math

import numpy as np

from lineage_jax.catalogue._fingerprint import NUMBERS, Fingerprint, Kernels, exact, parts_of
from lineage_jax.catalogue._sketch import fold

AT_A_TIME = 1024
"""Networks whose numbers are widened to float32 at a time, 16 MiB."""


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Shared:
    """What networks of a signature share with a child: the same kernels of it in all of them.

    Attributes:
        child: the child's numbers of these kernels over the norm of all of them, folded to what both sides have.
        columns: where among a candidate's numbers those lie that are compared, and into how many each folds; None
            where all are compared as they lie.
        kernels: which of the candidate's norms belong to them.
        spread: by kernel the share that is left to chance of the square of its difference, 2 / k, 0 where exact.
        widths: how many of the numbers belong to each kernel.
        share: norm of these kernels over the norm of all of the child's.
        compared: share of the child's weights, of kernels that speak.
        sizes: weights of each kernel.
        weights: squared share of each of these kernels in the child's norm of them.
    """

    child: np.ndarray
    columns: list[tuple[slice, int]] | None
    kernels: np.ndarray
    spread: np.ndarray
    widths: list[int]
    share: float
    compared: float
    sizes: np.ndarray
    weights: np.ndarray


def shared_between(child: Fingerprint, candidate: Kernels, pairs: dict[str, str]) -> Shared:
    """Lines the kernels of a signature up with those of a child.

    Args:
        child: fingerprint of the child.
        candidate: shapes of a candidate's kernels.
        pairs: path in the candidate by path in the child, of equal shapes.
    """
    mine, theirs = parts_of(child.kernels), parts_of(candidate)
    place_of, order = ({path: place for place, path in enumerate(each)} for each in (child.kernels, candidate))
    places = np.array([place_of[path] for path in pairs], int)
    widths = [min(_width(mine[path]), _width(theirs[other])) for path, other in pairs.items()]
    folded = [fold(child.numbers[mine[path]].astype(np.float64), k) for path, k in zip(pairs, widths, strict=True)]
    whole, part = math.sqrt(float(child.norms @ child.norms)), math.sqrt(float(np.sum(child.norms[places] ** 2)))
    sizes = np.array([math.prod(shape) for shape in child.kernels.values()])
    speaking = child.norms > 0
    is_exact = np.array(list(exact(child.kernels)))[places] if len(places) else np.zeros(0, bool)
    is_exact = is_exact & np.array([k >= size for k, size in zip(widths, sizes[places], strict=True)], bool)
    as_they_lie = list(pairs.values()) == list(candidate) and list(pairs) == list(child.kernels)
    return Shared(
        child=np.concatenate([*folded, np.zeros(NUMBERS)])[: NUMBERS if as_they_lie else sum(widths)]
        * (whole / part if part else 0.0),
        columns=None if as_they_lie else [(theirs[o], k) for o, k in zip(pairs.values(), widths, strict=True)],
        kernels=np.array([order[other] for other in pairs.values()], int),
        spread=np.where(is_exact, 0.0, 2.0 / np.array(widths, float)),
        widths=widths,
        share=part / whole if whole else 0.0,
        compared=float(sizes[places][speaking[places]].sum() / max(sizes[speaking].sum(), 1)),
        sizes=sizes[places],
        weights=(child.norms[places] / part) ** 2 if part else np.zeros(len(places)),
    )


def _width(part: slice) -> int:
    return part.stop - part.start


def cosines(shared: Shared, sketches: np.ndarray, rows: np.ndarray, norms: np.ndarray) -> np.ndarray:
    """Estimates the cosines over all of the child's kernels.

    Args:
        shared: what the networks share with the child.
        sketches: `[all, NUMBERS]` of the catalogue.
        rows: which of them.
        norms: `[rows, kernels]` of them.

    Returns:
        `[rows]` float64; 0 for a network all of whose shared kernels are constant over output units.
    """
    scales = scales_of(shared, norms)
    child = shared.child.astype(np.float32)
    found = np.zeros(len(rows))
    for start in range(0, len(rows), AT_A_TIME):
        some = slice(start, start + AT_A_TIME)
        numbers = gathered(shared, sketches[rows[some]].astype(np.float32))
        numbers *= scales[some, None].astype(np.float32)
        numbers -= child
        found[some] = 1 - np.einsum("rn,rn->r", numbers, numbers) / 2
    return np.where(scales > 0, found, 0.0) * shared.share


def scales_of(shared: Shared, norms: np.ndarray) -> np.ndarray:
    """Returns the norm of all kernels of each network over that of what it shares; 0 where that is 0."""
    whole = np.sqrt(np.einsum("rk,rk->r", norms, norms))
    own = norms[:, shared.kernels]
    part = np.sqrt(np.einsum("rk,rk->r", own, own))
    return np.divide(whole, part, out=np.zeros_like(part), where=part > 0)


def gathered(shared: Shared, numbers: np.ndarray) -> np.ndarray:
    """Returns the numbers that are compared of `[rows, NUMBERS]`, folded as the child's."""
    if shared.columns is None:
        return numbers
    parts = [
        numbers[:, columns] if columns.stop - columns.start == k else fold(numbers[:, columns], k)
        for columns, k in shared.columns
    ]
    return np.concatenate(parts, axis=1) if parts else numbers[:, :0]


def closely(shared: Shared, numbers: np.ndarray, norms: np.ndarray) -> tuple[float, float, float]:
    r"""Estimates one cosine in float64, its standard error, and how large it is by chance.

    The error comes from the difference kernel by kernel, $\frac12 \sqrt{\sum_l 2 |d_l|^4 / k_l}$. Of strangers the
    cosine of a kernel of n weights scatters by about $1 / \sqrt n$; where units favour the same directions by more,
    which only the weights themselves tell (`chance` of `lineage.overlap`).

    Args:
        shared: what the network shares with the child.
        numbers: `[NUMBERS]` of the network.
        norms: `[kernels]` of it.
    """
    scale = float(scales_of(shared, norms[None])[0])
    if not scale:
        return 0.0, 0.0, 0.0
    steps = gathered(shared, numbers.astype(np.float64)[None])[0] * scale - shared.child
    ends = np.cumsum([0, *shared.widths])
    squares = np.array([steps[a:b] @ steps[a:b] for a, b in itertools.pairwise(ends.tolist())])
    theirs = norms[shared.kernels] ** 2 / np.sum(norms[shared.kernels] ** 2)
    chance = math.sqrt(float(np.sum(shared.weights * theirs / shared.sizes)))
    error = math.sqrt(float(np.sum(shared.spread * squares**2))) / 2
    return (1 - float(squares.sum()) / 2) * shared.share, error * shared.share, chance * shared.share
