"""The fingerprint of a network: a sketch of each of its kernels in a fixed count of numbers, and their exact norms."""

import dataclasses
import functools
import heapq
import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from lineage_jax.catalogue._sketch import Shape, sketch
from lineage_jax.leaves import Weights, kernels_among, weights_of

if TYPE_CHECKING:
    from lineage_jax.typing import Params

NUMBERS = 4096
"""Numbers of the sketches of a network together: 8 KiB. Cosines of strangers are known to about 0.03, those of near
relatives to a few per cent of what they lack to 1."""

MOST_KERNELS = NUMBERS // 4
"""Kernels that are sketched at most, the largest, so that a fingerprint stays small however many tensors there are."""

HELD = ("batch_stats",)
"""Statistics of the data, which are no weights."""

Kernels = Mapping[str, Shape]
"""Shapes of kernels `[..., in, out]` by path, in the order of their sketches."""


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Fingerprint:
    """What is kept of a network's weights.

    Attributes:
        kernels: shapes of the kernels that were sketched, by path; of all leaves in a network without kernels.
        numbers: their sketches one after the other, divided by the norm of all kernels together, `[NUMBERS]` float16.
        norms: the norm of every kernel less its mean over output units, `[kernels]` float64.
    """

    kernels: Kernels
    numbers: np.ndarray
    norms: np.ndarray


def fingerprint(network: "Params", *, key: str = "") -> Fingerprint:
    """Takes the fingerprint of a network.

    Args:
        network: variables, or any tree of arrays; what is a weight and what a kernel `leaves.weights_of` and
            `leaves.kernels_among` say.
        key: draws other signs, to try how estimates scatter; fingerprints of different keys do not compare.

    Raises:
        ValueError: If there are no weights, or a kernel has a NaN or an infinite number.

    Examples:
        >>> taken = fingerprint({"fc": {"kernel": np.eye(64), "bias": np.ones(64)}})
        >>> dict(taken.kernels), taken.numbers.nbytes, taken.norms.round(2).tolist()
        ({'fc/kernel': (64, 64)}, 8192, [7.94])
    """
    leaves = sketched(weights_of(network, HELD))
    if not leaves:
        raise ValueError("expected a network with weights, got one without: nothing can be compared")
    shapes = {path: leaf.shape for path, leaf in leaves.items()}
    numbers, squares = np.zeros(NUMBERS), np.zeros(len(leaves))
    with np.errstate(over="ignore", invalid="ignore"):  # what is not finite is refused just below
        for place, (path, part) in enumerate(parts_of(shapes).items()):
            numbers[part], squares[place] = sketch(leaves[path], part.stop - part.start, key=key)
    for path, square in zip(shapes, squares.tolist(), strict=True):
        if not math.isfinite(square):
            raise ValueError(f"expected finite weights, got NaN or infinity in '{path}': the network is damaged")
    whole = math.sqrt(squares.sum())
    return Fingerprint(kernels=shapes, numbers=(numbers / (whole or 1.0)).astype(np.float16), norms=np.sqrt(squares))


def sketched(weights: Weights) -> Weights:
    """Returns the leaves that are sketched: kernels, or all where there is none; of too many the largest."""
    decisive = kernels_among(weights) or frozenset(weights)
    chosen = [path for path in weights if path in decisive and weights[path].size]
    largest = set(sorted(chosen, key=lambda path: -weights[path].size)[:MOST_KERNELS])
    return {path: weights[path] for path in chosen if path in largest}


def parts_of(kernels: Kernels) -> dict[str, slice]:
    """Returns where among the numbers of a fingerprint the sketch of each kernel stands.

    Examples:
        >>> parts_of({"conv/kernel": (3, 3, 3, 8), "fc/kernel": (512, 512)})
        {'conv/kernel': slice(0, 256, None), 'fc/kernel': slice(256, 2304, None)}
    """
    counts = divided(tuple(math.prod(shape) for shape in kernels.values()))
    ends = np.cumsum([0, *counts]).tolist()
    return {path: slice(*ends[place : place + 2]) for place, path in enumerate(kernels)}


@functools.lru_cache(maxsize=64)  # the child's, beside each of many signatures
def divided(sizes: tuple[int, ...]) -> list[int]:
    """Divides the numbers of a fingerprint: powers of two, in proportion to the root of a kernel's size.

    That root goes with the squared norm that kernels begin with, and errors add up least where counts go with it. A
    kernel gets no more than it has entries.
    """
    most = [_next_power(size) for size in sizes]
    least = [min(NUMBERS // MOST_KERNELS, each) for each in most]
    whole = sum(map(math.sqrt, sizes)) or 1.0
    fair = [_next_power(int(NUMBERS * math.sqrt(size) / whole) // 2 + 1) for size in sizes]
    counts = [min(max(one, other), end) for one, other, end in zip(fair, least, most, strict=True)]
    counts = counts if sum(counts) <= NUMBERS else least
    left = NUMBERS - sum(counts)
    poorest = [(-math.sqrt(size) / count, place) for place, (size, count) in enumerate(zip(sizes, counts, strict=True))]
    heapq.heapify(poorest)
    while poorest:
        _, place = heapq.heappop(poorest)
        if counts[place] < sizes[place] and counts[place] <= left:
            left -= counts[place]
            counts[place] *= 2
            heapq.heappush(poorest, (-math.sqrt(sizes[place]) / counts[place], place))
    return counts


def _next_power(size: int) -> int:
    return 1 << max(size - 1, 0).bit_length()
