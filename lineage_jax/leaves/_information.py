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
"""

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

WIDTH, BINS = 0.1, 256
"""The logarithms of sizes, from that of `ROUNDING` on, are counted in so many bins of this width."""

NARROWEST, WIDEST = 0.15, 2.0
"""The least deviation of the kernel, and the greatest of the logarithms that it is taken from."""


def information(parent: np.ndarray | None, child: np.ndarray) -> tuple[float, int]:
    """Returns the bits a weight, and how many weights count; a parent without the tensor gives none.

    Examples:
        >>> child = np.random.default_rng(0).normal(size=1000)
        >>> bits, count = information(child + 0.01, child)
        >>> round(bits), count, information(None, child)
        (8, 1000, (0.0, 1000))
    """
    count = int(np.count_nonzero(child))
    if parent is None or not count:
        return 0.0, count
    ours, theirs = (evenly_spread(each, SAMPLE).astype(np.float64) for each in (child, parent))
    return float(bits(theirs, ours, best_factor(parent, child))), count


def bits(parent: Any, child: Any, factor: Any, xp: Any = np) -> Any:
    """Returns the bits that a parent saves of each of a child's weights, at least 0.

    Args:
        parent: weights of one tensor, in one row.
        child: as many.
        factor: of the parent.
        xp: the module of the arrays, `numpy` or `jax.numpy`.
    """
    counts = child != 0
    number = counts.sum()
    size = xp.sqrt(xp.where(counts, child * child, 0).sum() / xp.maximum(number, 1))
    unit = xp.where(size > 0, size, 1)
    saved = _entropy(child / unit, counts, xp) - _entropy((child - factor * parent) / unit, counts, xp)
    return xp.where(number > 0, xp.maximum(saved, 0), 0) / np.log(2)


def _entropy(values: Any, counts: Any, xp: Any) -> Any:
    """Returns the entropy of those that count, less the logarithm of 2, in nats."""
    share = counts / xp.maximum(counts.sum(), 1)
    logs = xp.log(xp.maximum(xp.abs(values), ROUNDING))
    mean = (share * logs).sum()
    spread = xp.sqrt((share * (logs - mean) ** 2).sum())
    kernel = xp.maximum(1.06 * xp.minimum(spread, WIDEST) * xp.maximum(counts.sum(), 1) ** -0.2, NARROWEST)
    places = xp.clip((logs - np.log(ROUNDING)) / WIDTH, 0, BINS - 1).astype(int)
    histogram = _counted(places, share, xp)
    # a convolution with a Gaussian; what goes round beyond the last bin meets empty ones
    waves = np.fft.rfftfreq(BINS) * (2 * np.pi / WIDTH)
    smooth = xp.fft.irfft(xp.fft.rfft(histogram) * xp.exp(-((waves * kernel) ** 2) / 2), BINS)
    density = xp.maximum(smooth / WIDTH, 1e-12)
    return mean - (histogram * xp.log(density)).sum()


def _counted(places: Any, share: Any, xp: Any) -> Any:
    if xp is np:
        return np.bincount(places, share, minlength=BINS)
    return xp.zeros(BINS, share.dtype).at[places].add(share)


def best_factor(parent: np.ndarray, child: np.ndarray) -> float:
    r"""Returns the $s$ of least $\sum |c - s p|$: the median of $c / p$, each as heavy as $|p|$; 1 where none speaks.

    Examples:
        >>> parent = np.array([1.0, -2.0, 3.0, 0.5])
        >>> round(best_factor(parent, 0.9 * parent + np.array([0.0, 0.0, 5.0, 0.0])), 6)
        0.9
    """
    ratio, weight = ratios(parent, child)
    speaks = weight > 0
    if not speaks.any():
        return 1.0
    ratio, weight = ratio[speaks], weight[speaks]
    order = np.argsort(ratio)
    sums = np.cumsum(weight[order], dtype=np.float64)
    return float(ratio[order][np.searchsorted(sums, sums[-1] / 2)])


def ratios(parent: Any, child: Any, xp: Any = np) -> tuple[Any, Any]:
    """Returns child over parent in a sample of a tensor, and how heavy each ratio is: 0 for one that does not speak.

    Both are float32 at least.

    Args:
        parent: one tensor.
        child: of the same shape.
        xp: the module of the arrays, `numpy` or `jax.numpy`.
    """
    p, c = (evenly_spread(each, OF_FACTOR) for each in (parent, child))
    p, c = (each.astype(xp.promote_types(each.dtype, np.float32)) for each in (p, c))
    size = xp.abs(p)
    weight = xp.where((c != 0) & (size > SPEAKS * size.mean()), size, 0)
    return c / xp.where(weight > 0, p, 1), weight


def evenly_spread(leaf: Any, most: int) -> Any:
    """Returns at most so many of a tensor's values, in one row."""
    return leaf.reshape(-1)[:: -(-leaf.size // most)]
