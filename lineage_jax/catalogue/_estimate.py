r"""How alike the kernels of one network are to those of many others, estimated from fingerprints.

With $c$ and $p$ what two networks share, centred and divided by their norms, which are known exactly,

$$\cos = 1 - \tfrac12 |c - p|^2 \approx 1 - \tfrac12 |S (c - p)|^2,$$

which has no bias, as $E |S d|^2 = |d|^2$, and the standard error $(1 - \cos) \sqrt{2 / k}$ for k numbers in one sketch:
what a near copy lacks to 1 is known to a few per cent, and equal networks come out at exactly 1. Rounding to float16
makes of that no less than about $4 \cdot 10^{-8}$. As in `lineage.overlap`, a kernel that a candidate lacks counts as
zeros, so that the cosine over all of the child's kernels is the one over what is shared times $|c_{shared}| / |c|$.
"""

import dataclasses
import math
from collections.abc import Mapping

import numpy as np

from lineage_jax.catalogue._fingerprint import Fingerprint, Kernels, parts_of
from lineage_jax.catalogue._sketch import fold

AT_A_TIME = 1024
"""Networks whose numbers are widened to float32 at a time, 16 MiB."""


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Shared:
    """What networks of a signature share with a child: the same kernels of it in all of them.

    Attributes:
        child: the child's numbers of these kernels over the norm of all of them, folded to what both sides have.
        columns: where among a candidate's numbers those lie that are compared; None where all are, as they lie.
        widths: into how many numbers each kernel folds.
        kernels: which of the candidate's norms belong to them.
        of_child: which of the child's kernels they are.
        squares: by kernel its share of the squared norm of what is shared, on the child's side.
        sizes: weights of each kernel.
        share: norm of these kernels over the norm of all of the child's.
        compared: share of the child's weights that are compared, of kernels that speak.
    """

    child: np.ndarray
    columns: list[slice] | None
    widths: list[int]
    kernels: list[int]
    of_child: list[int]
    squares: np.ndarray
    sizes: np.ndarray
    share: float
    compared: float

    def part_of(self, kernel: int) -> slice:
        """Returns where among the numbers that are compared one of the child's kernels stands."""
        place = self.of_child.index(kernel)
        start = sum(self.widths[:place])
        return slice(start, start + self.widths[place])

    def width_of(self, kernel: int) -> int:
        """Returns how many numbers one of the child's kernels has here."""
        return self.widths[self.of_child.index(kernel)]


def shared_between(child: Fingerprint, candidate: Kernels, pairs: Mapping[str, str]) -> Shared:
    """Lines the kernels of a signature up with those of a child.

    Args:
        child: fingerprint of the child.
        candidate: shapes of a candidate's kernels.
        pairs: path in the candidate by path in the child, of equal shapes.
    """
    mine, theirs = parts_of(child.kernels), parts_of(candidate)
    widths = [min(_width(mine[path]), _width(theirs[other])) for path, other in pairs.items()]
    numbers = [fold(child.numbers[mine[path]].astype(np.float64), k) for path, k in zip(pairs, widths, strict=True)]
    order, own = ({path: place for place, path in enumerate(each)} for each in (candidate, child.kernels))
    squares = dict(zip(child.kernels, (child.norms**2).tolist(), strict=True))
    shared, every = np.array([squares[path] for path in pairs]), np.array(list(squares.values()))
    share = math.sqrt(shared.sum() / every.sum()) if every.any() else 0.0
    speaking = {path: math.prod(shape) for path, shape in child.kernels.items() if squares[path] > 0}
    alike = list(candidate) == list(child.kernels) == list(pairs) == list(pairs.values())
    return Shared(
        child=np.concatenate([*numbers, np.zeros(0)]) / (share or 1.0),
        columns=None if alike else [theirs[other] for other in pairs.values()],
        widths=widths,
        kernels=[order[other] for other in pairs.values()],
        of_child=[own[path] for path in pairs],
        squares=shared / (shared.sum() or 1.0),
        sizes=np.array([math.prod(child.kernels[path]) for path in pairs]),
        share=share,
        compared=sum(speaking.get(path, 0) for path in pairs) / max(sum(speaking.values()), 1),
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
        return numbers[:, : len(shared.child)]
    parts = [
        numbers[:, columns] if _width(columns) == k else fold(numbers[:, columns], k)
        for columns, k in zip(shared.columns, shared.widths, strict=True)
    ]
    return np.concatenate([*parts, numbers[:, :0]], axis=1)


def closely(shared: Shared, numbers: np.ndarray, norms: np.ndarray) -> tuple[float, float, float]:
    r"""Estimates one cosine in float64, its standard error, and how large it is by chance.

    The error comes from the difference kernel by kernel, $\frac12 \sqrt{\sum_l 2 |d_l|^4 / k_l}$, of those whose sketch
    is not exact. Of strangers the cosine of a kernel of n weights scatters by about $1 / \sqrt n$; where units favour
    the same directions by more, which only the weights themselves tell (`chance` of `lineage.overlap`).

    Args:
        shared: what the network shares with the child.
        numbers: `[NUMBERS]` of the network.
        norms: `[kernels]` of it.
    """
    scale = float(scales_of(shared, norms[None])[0])
    if not scale:
        return 0.0, 0.0, 0.0
    steps = gathered(shared, numbers.astype(np.float64)[None])[0] * scale - shared.child
    starts = np.cumsum([0, *shared.widths[:-1]])
    squares = np.add.reduceat(steps**2, starts)
    widths, theirs = np.array(shared.widths), norms[shared.kernels] ** 2
    variance = np.where(widths < shared.sizes, 2 * squares**2 / widths, 0.0).sum() / 4
    chance = np.sum(shared.squares * theirs / theirs.sum() / shared.sizes)
    error, by_chance = (math.sqrt(float(each)) * shared.share for each in (variance, chance))
    return (1 - float(squares.sum()) / 2) * shared.share, error, by_chance
