r"""Information that a parent gives about a child, in bits a weight: what sees the parent among relatives.

Training moves few weights far and most a little, how unevenly differs from network to network, and weight decay moves
those that are not learned by one factor. So no one norm of the step fits all; its entropy does. Of one tensor with a
child's weights $c$ and a parent's $p$,

$$ I = h(c) - h(c - s p), \qquad s = \arg\min_s \sum_i |c_i - s p_i|, $$

over those $i$ where $c_i$ is not zero: a weight that was pruned does not say where it came from. $h$ is the
differential entropy of numbers that are drawn from one symmetric density, whatever it looks like: with $x = \log |d|$
and $f$ the density of these (a Gaussian kernel estimate; Silverman, 1986),

$$ h(d) = \operatorname{mean} (x - \log f(x)) + \log 2. $$

So many bits does whoever has the parent save of every weight (minimum description length; Rissanen, 1978): 0 where it
says nothing, about 20 for a copy and for any multiple of one. Tensors are averaged, each as heavy as it has such
weights. What it is worth: `experiments/universal`.

Of many pairs on a device: `lineage.weight_scores`, with the same `binned` and `entropy`.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

SAMPLE = 2**14
"""Weights of a tensor that are looked at, evenly spread; the same of every parent."""

OF_FACTOR = 2**12
"""Weights of a tensor that the factor is taken from."""

SPEAKS = 1e-3
"""Share of the mean size of a parent's weights below which the ratio to one of them is noise."""

ROUNDING = 1e-6
"""Differences below this share of the child's root mean square are those of float32."""

WIDTH = 0.1
"""The logarithms of sizes are counted in bins of this width, from that of `ROUNDING` on."""

BINS = 256
"""How many bins there are; the last one begins at 100,000 times the root mean square."""

NARROWEST, WIDEST = 0.15, 2.0
"""The least deviation of the kernel, and the greatest of the logarithms that it is taken from."""

FLOOR = 1e-13
"""The least share of a bin after smoothing, which rounds to 0 or below where no number is near."""


def information(parent: np.ndarray | None, child: np.ndarray) -> tuple[float, int]:
    """Returns the bits a weight of one tensor, and how many of its weights count; a parent without it gives none.

    Args:
        parent: of the child's shape.
        child: real numbers, none of them NaN.

    Examples:
        >>> parent, step = np.random.default_rng(0).normal(size=(2, 1000))
        >>> bits, count = information(parent, parent + 2**-6 * step)
        >>> round(bits), count, information(None, parent)
        (6, 1000, (0.0, 1000))
    """
    bits, count = information_of_each([parent], child)
    return bits.item(), count


def information_of_each(parents: Sequence[np.ndarray | None], child: np.ndarray) -> tuple[np.ndarray, int]:
    """Returns the same of several parents, `[p]` bits a weight, in one pass.

    Args:
        parents: each of the child's shape, or None where it has no such tensor.
        child: real numbers, none of them NaN.

    Examples:
        >>> parent, step = np.random.default_rng(0).normal(size=(2, 1000))
        >>> bits, count = information_of_each([step, None, parent], parent + 2**-6 * step)
        >>> bits.round().tolist(), count
        ([0.0, 0.0, 6.0], 1000)
    """
    bits, count = np.zeros(len(parents)), int(np.count_nonzero(child))
    ours = evenly_spread(child)
    speaks = ours != 0
    there = [place for place, parent in enumerate(parents) if parent is not None]
    if not there or not speaks.any():
        return bits, count
    theirs = np.stack([evenly_spread(parents[place]) for place in there])
    factors = best_factors(theirs, ours)
    c, p = (each[..., speaks].astype(np.float64) for each in (ours, theirs))
    unit = np.sqrt(np.square(c).mean())
    saved = _entropy(c[None] / unit) - _entropy((c - factors[:, None] * p) / unit)
    bits[there] = np.maximum(saved, 0.0) / np.log(2)
    return bits, count


def mean_information(bits: np.ndarray, count: np.ndarray) -> np.ndarray:
    """Returns the bits a weight of tensors together, 0 where no weight counts.

    Args:
        bits: `[..., t]`, of each tensor.
        count: `[..., t]`, how many of its weights count.

    Examples:
        >>> mean_information(np.array([8.0, 2.0]), np.array([100, 300])).item()
        3.5
    """
    return np.asarray((bits * count).sum(axis=-1) / np.maximum(count.sum(axis=-1), 1))


def _entropy(values: np.ndarray) -> np.ndarray:
    """Returns the entropy of each row."""
    rows, count = values.shape
    places, beyond = binned(values)
    places += BINS * np.arange(rows, dtype=places.dtype)[:, None]
    share = np.bincount(places.ravel(), minlength=rows * BINS).reshape(rows, BINS) / count
    return np.asarray(entropy(share, beyond.mean(axis=1), np.float64(count)))


def binned(values: Any, xp: Any = np) -> tuple[Any, Any]:
    """Returns in which of `BINS` bins the logarithm of each size falls, and how far beyond its start, in bins.

    Args:
        values: in units of the child's root mean square.
        xp: the module of the arrays, `numpy` or `jax.numpy`.
    """
    logs = (xp.log(xp.maximum(xp.abs(values), ROUNDING)) - np.log(ROUNDING)) / WIDTH
    places = xp.minimum(logs, BINS - 1).astype(np.int32)
    return places, logs - places


def entropy(share: Any, beyond: Any, count: Any, xp: Any = np) -> Any:
    """Returns the entropy of numbers of either sign whose sizes were `binned`, less a constant, in nats.

    Args:
        share: `[..., BINS]`, of the numbers, by bin.
        beyond: `[...]`, how far they are beyond the start of their bin in the mean.
        count: `[...]`, how many they are.
        xp: the module of the arrays, `numpy` or `jax.numpy`.
    """
    places = np.arange(BINS, dtype=share.dtype)
    middle = (share * places).sum(axis=-1)
    spread = WIDTH * xp.sqrt((share * (places - middle[..., None]) ** 2).sum(axis=-1))
    kernel = xp.maximum(1.06 * xp.minimum(spread, WIDEST) * xp.maximum(count, 1) ** -0.2, NARROWEST)
    # a convolution with a Gaussian; what goes round beyond the last bin meets empty ones
    waves = np.fft.rfftfreq(BINS).astype(share.dtype) * (2 * np.pi / WIDTH)
    smooth = xp.fft.irfft(xp.fft.rfft(share) * xp.exp(-((waves * kernel[..., None]) ** 2) / 2), BINS)
    return WIDTH * (middle + beyond) - (share * xp.log(xp.maximum(smooth, FLOOR))).sum(axis=-1)


def best_factor(parent: np.ndarray, child: np.ndarray) -> float:
    r"""Returns the $s$ of least $\sum |c - s p|$: the median of $c / p$, each as heavy as $|p|$; 1 where none speaks.

    Examples:
        >>> parent = np.array([1.0, -2.0, 3.0, 0.5])
        >>> round(best_factor(parent, 0.9 * parent + np.array([0.0, 0.0, 5.0, 0.0])), 6)
        0.9
    """
    return float(best_factors(for_factor(parent)[None], for_factor(child))[0])


def best_factors(parents: np.ndarray, child: np.ndarray) -> np.ndarray:
    """Returns the same of several parents.

    Args:
        parents: `[p, k]`, a row each.
        child: `[k]`.

    Examples:
        >>> parents = np.array([[1.0, -2.0, 3.0], [0.0, 0.0, 0.0]])
        >>> best_factors(parents, np.array([0.5, -1.0, 3.0])).tolist()
        [0.5, 1.0]
    """
    if not child.size:
        return np.ones(len(parents))
    step = -(-child.size // OF_FACTOR)
    p, c = (each[..., ::step].astype(np.promote_types(each.dtype, np.float32)) for each in (parents, child))
    size = np.abs(p)
    speaks = (c != 0) & (size > SPEAKS * size.mean(axis=1, keepdims=True))
    heavy = np.where(speaks, size, 0)
    ratio = np.where(speaks, c, 1) / np.where(speaks, p, 1)
    order = np.argsort(ratio, axis=1)
    sums = np.cumsum(np.take_along_axis(heavy, order, axis=1), axis=1, dtype=np.float64)
    middle = (sums >= sums[:, -1:] / 2).argmax(axis=1)
    # what does not speak weighs nothing, so the median is one that does
    medians = np.take_along_axis(ratio, np.take_along_axis(order, middle[:, None], axis=1), axis=1)[:, 0]
    return np.where(speaks.any(axis=1), medians, 1.0)


def evenly_spread(tensor: Any) -> Any:
    """Returns at most `SAMPLE` of a tensor's weights, in one row; an odd number apart, so that all units are met."""
    return _in_a_row(tensor)[:: -(-tensor.size // SAMPLE) | 1]


def for_factor(tensor: Any) -> Any:
    """Returns at most `OF_FACTOR` of a tensor's weights, in one row."""
    return _in_a_row(tensor)[:: max(1, -(-tensor.size // OF_FACTOR))]


def _in_a_row(tensor: Any) -> Any:
    """Returns what can be sliced as one row; a transposed array of numpy is not copied for that."""
    scattered = isinstance(tensor, np.ndarray) and not tensor.flags.c_contiguous
    return tensor.flat if scattered else tensor.reshape(-1)
