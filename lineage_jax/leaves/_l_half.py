r"""Distance by square roots after the best factor: what sees the parent among relatives.

Training moves few weights far and most a little, and weight decay moves those that are not learned by one factor. So a
sum of squares is that of the few, and the factor hides the rest. Of one tensor with a child's weights $c$ and a
parent's $p$,

$$ \rho = \sum_i \sqrt{|c_i - s p_i|} \Big/ \sum_i \sqrt{|c_i|}, \qquad s = \arg\min_s \sum_i |c_i - s p_i|, $$

over those $i$ where $c_i$ is not zero: a weight that was pruned does not say where it came from. Tensors are averaged,
each as heavy as it has such weights, and the square of their mean is a ratio of $\ell_{1/2}$ quasi-norms: 0 for a copy
and for any multiple of one, 1 where the parent says nothing. What it is worth: `experiments/universal`.
"""

from typing import Any

import numpy as np

SAMPLE = 2**12
"""Weights of a tensor that the factor is taken from, evenly spread."""

SPEAKS = 1e-3
"""Share of the mean size of a parent's weights below which the ratio to one of them is noise."""


AT_A_TIME = 2**18
"""Weights that are taken at once in float64; they stay in a cache."""


def root_sums(parent: np.ndarray | None, child: np.ndarray) -> np.ndarray:
    """Sums `roots` over a tensor in float64; a parent without it counts as zeros.

    Examples:
        >>> root_sums(np.array([1.0, 2.0, 3.0, 4.0]), np.array([1.0, 2.0, 0.0, 8.0])).round(3).tolist()
        [2.414, 5.243, 3.0]
    """
    factor = 1.0 if parent is None else best_factor(parent, child)
    ours, theirs = child.reshape(-1), None if parent is None else parent.reshape(-1)
    found = np.zeros(3)
    for start in range(0, child.size, AT_A_TIME):
        part = slice(start, start + AT_A_TIME)
        c = ours[part].astype(np.float64)
        found += [each.sum() for each in roots(np.zeros_like(c) if theirs is None else theirs[part], c, factor)]
    return found


def roots(parent: Any, child: Any, factor: Any, xp: Any = np) -> tuple[Any, Any, Any]:
    r"""Returns square roots of differences and of the child's weights, and which count.

    Args:
        parent: weights.
        child: as many.
        factor: $s$.
        xp: the module of the arrays, `numpy` or `jax.numpy`.

    Returns:
        Three arrays of their shape: $\sqrt{|c - s p|}$ where $c$ is not 0, $\sqrt{|c|}$, and 1 where $c$ is not 0.
    """
    counts = child != 0
    return xp.where(counts, xp.sqrt(xp.abs(child - factor * parent)), 0), xp.sqrt(xp.abs(child)), counts


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
    stride = -(-child.size // SAMPLE)
    p, c = (each.ravel()[::stride].astype(xp.promote_types(each.dtype, np.float32)) for each in (parent, child))
    size = xp.abs(p)
    weight = xp.where((c != 0) & (size > SPEAKS * size.mean()), size, 0)
    return c / xp.where(weight > 0, p, 1), weight


def l_half(away: np.ndarray, own: np.ndarray, count: np.ndarray) -> np.ndarray:
    """Returns minus the distance of tensors together, from what was summed over each.

    Args:
        away: `[..., t]`, sums of the first array of `roots`.
        own: `[..., t]`, of the second.
        count: `[..., t]`, of the third.

    Returns:
        `[...]`, from -1 to 0; -1 where nothing is counted.
    """
    shares = np.minimum(away / np.where(own > 0, own, 1), 1)
    total = count.sum(axis=-1)
    mean = (shares * count).sum(axis=-1) / np.where(total > 0, total, 1)
    return np.asarray(0.0 - np.where(total > 0, mean, 1.0) ** 2)
