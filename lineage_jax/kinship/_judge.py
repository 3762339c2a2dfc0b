"""Streams judged: the sum over units of equal number, with its distribution over all orders."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from lineage_jax.kinship._combine import Judged, judged
from lineage_jax.kinship._orders import over_all_orders, together
from lineage_jax.kinship._streams import Stream, Units
from lineage_jax.kinship._units import differences, directions
from lineage_jax.leaves import Weights

LEAST_UNITS = 16
"""Units that may change places, below which a test says too little; of each set one follows from the others."""

MOST_EXCESS = 2.0
"""Excess kurtosis among strangers above which a single agreement decides; where all units agree or none it is 1."""

TOO_FEW = f"fewer than {LEAST_UNITS} units"
TOO_FEW_ALIVE = f"fewer than {LEAST_UNITS} units that are not zero in one of the networks"
ALL_ALIKE = "all units of one of the networks are alike"
FEW_DECIDE = "a few units differ so much more than the others that they alone would decide"


@dataclass(frozen=True, kw_only=True)
class Tests:
    """Tests of streams, why others could not be judged, and the variance of the sum of their statistics."""

    tests: tuple[Judged, ...]
    left_out: dict[str, str]
    variance: float


def judge(streams: Sequence[Stream], a: Weights, b: Weights) -> Tests:
    """Judges streams: either one, or several of one set of equally many units each, which may be one unseen.

    Args:
        streams: which units of which kernels may change places.
        a: kernels of one network, by their path in the other one.
        b: kernels of the other one.
    """
    tests, left_out, tied = list[Judged](), dict[str, str](), None
    for stream in streams:
        alive = [_alive(units, a, b) for units in stream.sets]
        if _free(each.sum() for each in alive) < LEAST_UNITS - 1:
            few = _free(len(each) for each in alive) < LEAST_UNITS - 1
            left_out |= dict.fromkeys(stream.paths, TOO_FEW if few else TOO_FEW_ALIVE)
            continue
        products = _products(stream, alive, a, b)
        found = together(over_all_orders(each) for each in products if len(each) > 1)
        if found.variance == 0:
            left_out |= dict.fromkeys(stream.paths, ALL_ALIKE)
            continue
        test = judged(stream.paths, sum(map(len, products)), found)
        if test.excess > MOST_EXCESS:
            left_out |= dict.fromkeys(stream.paths, FEW_DECIDE)
            continue
        tests.append(test)
        if len(streams) > 1:
            tied = _add(tied, alive[0], products[0], 1 / np.sqrt(found.variance))
    variance = 0.0 if tied is None else float(np.vdot(tied, tied)) / (len(tied) - 1)
    return Tests(tests=tuple(tests), left_out=left_out, variance=max(variance, float(len(tests))))


def _free(sizes: Iterable[int]) -> int:
    return sum(max(int(size) - 1, 0) for size in sizes)


def _alive(units: Units, a: Weights, b: Weights) -> np.ndarray:
    """Tells which units read anything, in both networks."""
    return np.logical_and(
        *(np.any([_read(network[path])[places].any(1) for path, places in units.items()], axis=0) for network in (a, b))
    )


def _read(kernel: np.ndarray) -> np.ndarray:
    return (kernel != 0).reshape(-1, kernel.shape[-1]).any(0)


def _products(stream: Stream, alive: Sequence[np.ndarray], a: Weights, b: Weights) -> list[np.ndarray]:
    """Returns of each set the centred products of its units that are alive, summed over kernels."""
    found = [np.zeros((int(each.sum()),) * 2, np.float32) for each in alive]
    for path in stream.paths:
        one, two = (directions(network[path], f"network {name}, '{path}'") for name, network in (("a", a), ("b", b)))
        for units, each, products in zip(stream.sets, alive, found, strict=True):
            for places in units[path][each].T if path in units else ():
                mine, theirs = differences(one, places), differences(two, places)
                if mine is not None and theirs is not None:
                    products += mine.T @ theirs
    return found


def _add(tied: np.ndarray | None, alive: np.ndarray, products: np.ndarray, factor: float) -> np.ndarray:
    tied = np.zeros((len(alive),) * 2, np.float32) if tied is None else tied
    tied[np.ix_(alive, alive)] += np.float32(factor) * products
    return tied
