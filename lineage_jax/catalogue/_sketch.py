r"""A linear sketch of a kernel: few numbers that tell its inner product with any other kernel of the same shape.

The entries of a kernel, less its mean over output units, get random signs and are summed into k buckets. With the same
signs for two kernels $c$ and $p$, $\langle S c, S p \rangle$ has mean $\langle c, p \rangle$ and

$$E |S d|^2 = |d|^2, \qquad \mathrm{Var} |S d|^2 = 2 \sum_b \Big[\Big(\sum_{i \in b} d_i^2\Big)^2
- \sum_{i \in b} d_i^4\Big] \approx 2 |d|^4 / k,$$

so that a difference that is small is known to the same few per cent as one that is large. Where there are as many
buckets as entries nothing is added up, and all of it is exact. A sketch of 2 k buckets folds to that of k.

References:
    Charikar, Chen and Farach-Colton, "Finding frequent items in data streams", ICALP 2002; Weinberger et al., "Feature
    hashing for large scale multitask learning", ICML 2009 (the signs).
"""

import functools
import hashlib
from collections.abc import Iterator

import numpy as np

POOL = 1 << 18
"""Signs that are drawn for a shape, 1 MiB: a kernel of more entries takes windows of them, each at a place and with a
sign of its own, so that any two entries still have independent signs."""

TILE = 1 << 15
"""Entries that are treated at a time, so that they stay in the processor's cache."""

WIDE = 1 << 10
"""Buckets that sums are made in at least: adding up rows of a few numbers takes longer."""

NO_SPREAD = 1e-12
"""Share of a kernel's squares below which what is left of it without its mean is the rounding of float32."""

Shape = tuple[int, ...]


def sketch(kernel: np.ndarray, buckets: int, *, key: str = "") -> tuple[np.ndarray, float]:
    """Sketches a kernel less its mean over output units.

    Args:
        kernel: laid out `[..., in, out]`. The order in which its entries are taken is that of PyTorch's files, where
            nothing is copied.
        buckets: how many numbers, a power of two.
        key: draws other signs, to try how sketches scatter. Signs depend on the shape alone, so that kernels of one
            shape compare wherever they stand.

    Returns:
        The sketch, `[buckets]` float64, and the sum of squares of the centred kernel; both 0 where nothing is left.

    Examples:
        >>> kernel = np.random.default_rng(0).normal(size=(3, 3, 16, 32)).astype(np.float32)
        >>> numbers, squared = sketch(kernel, 256)
        >>> centred = kernel - kernel.mean(axis=-1, keepdims=True)
        >>> bool(np.isclose(squared, np.sum(centred**2))), bool(abs(numbers @ numbers / squared - 1) < 0.2)
        (True, True)
    """
    rows = _by_units(kernel)
    units, inputs = rows.shape
    mean = np.add.reduce(rows, axis=0) / np.float32(units)
    sums, squared = np.zeros(max(buckets, WIDE)), 0.0
    for (down, across), signs, sign in _signed_tiles(units, inputs, f"{key}{kernel.shape}"):
        entries = (rows[down, across] - mean[across]).ravel()
        squared += float(entries @ entries)
        entries *= signs[: entries.size]
        sums += sign * _added_up(entries, sums.size)
    if squared <= NO_SPREAD * (squared + units * float(mean @ mean)):
        return np.zeros(buckets), 0.0
    return fold(sums, buckets), squared


def fold(numbers: np.ndarray, buckets: int) -> np.ndarray:
    """Returns the sketch of fewer buckets that the last axis of one of more holds.

    Examples:
        >>> fold(np.array([1.0, 2.0, 3.0, 4.0]), 2).tolist()
        [4.0, 6.0]
    """
    return numbers.reshape(*numbers.shape[:-1], -1, buckets).sum(axis=-2)


def _by_units(kernel: np.ndarray) -> np.ndarray:
    """Returns the entries as `[out, inputs]` in float32, in the order `[out, in, ...]` of PyTorch."""
    if kernel.ndim > 1:
        kernel = kernel.transpose(kernel.ndim - 1, kernel.ndim - 2, *range(kernel.ndim - 2))
    units = kernel.shape[0] if kernel.ndim else 1
    return kernel.reshape(units, -1).astype(np.float32, copy=False)


def _signed_tiles(units: int, inputs: int, key: str) -> Iterator[tuple[tuple[slice, slice], np.ndarray, int]]:
    """Yields what is treated at a time, the signs of its entries, and one of its own."""
    tiles = list(_tiles(units, inputs))
    pool = _pool(key, min(units * inputs, POOL))
    if units * inputs <= POOL:
        place = 0
        for tile in tiles:
            yield tile, pool[place:], 1
            place += len(range(units)[tile[0]]) * len(range(inputs)[tile[1]])
        return
    drawn = np.frombuffer(hashlib.shake_256(f"{key} windows".encode()).digest(4 * len(tiles)), "<u4").tolist()
    for tile, number in zip(tiles, drawn, strict=True):
        yield tile, pool[(number >> 1) % (POOL - TILE) :], 1 - 2 * (number & 1)


def _tiles(units: int, inputs: int) -> Iterator[tuple[slice, slice]]:
    """Yields some units, or a part of the inputs of one."""
    across, down = min(inputs, TILE), max(1, TILE // max(inputs, 1))
    for top in range(0, units, down):
        for left in range(0, inputs, across):
            yield slice(top, top + down), slice(left, left + across)


@functools.lru_cache(maxsize=64)  # the shapes of one network, 64 MiB at most
def _pool(key: str, size: int) -> np.ndarray:
    """Draws signs from a hash, which gives the same ones with every version of every package."""
    bits = np.unpackbits(np.frombuffer(hashlib.shake_256(key.encode()).digest(-(-size // 8)), np.uint8))[:size]
    return bits.astype(np.float32) * 2 - 1


def _added_up(entries: np.ndarray, buckets: int) -> np.ndarray:
    """Adds up every so-manieth entry."""
    whole = entries.size - entries.size % buckets
    sums = entries[:whole].reshape(-1, buckets).sum(axis=0)
    sums[: entries.size - whole] += entries[whole:]
    return sums
