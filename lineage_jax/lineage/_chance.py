r"""How large a cosine of kernels is by chance: its standard deviation over all orders of the parent's output units.

With $P$ and $C$ a kernel of the parent and of the child as matrices `[inputs, out]` without their mean over output
units, the product $\langle P \Pi, C \rangle$ over all renumberings $\Pi$ of the n units has mean 0 and variance
$\|P^T C\|^2 / (n - 1)$ (Hoeffding's combinatorial theorem; rows and columns of $P^T C$ sum to 0). Unlike a count of
weights it sees zeros, units of unequal norm, and directions that all units favour.
"""

import numpy as np

AT_MOST = 128
"""Units between which products are taken; the squares of the others are put at the mean of these."""


def variance_by_chance(parent: np.ndarray, child: np.ndarray) -> float:
    """Returns the variance of the product of two kernels `[..., out]`, each less its mean over output units.

    Products of a unit with its own counterpart are exact, those between units exact up to `AT_MOST` units.

    Examples:
        >>> a, b = np.random.default_rng(0).normal(size=(2, 64, 32))
        >>> a, b = (each - each.mean(axis=1, keepdims=True) for each in (a, b))
        >>> orders = [np.random.default_rng(seed).permutation(32) for seed in range(2000)]
        >>> sampled = np.var([np.sum(a[:, order] * b) for order in orders])
        >>> bool(abs(variance_by_chance(a, b) / sampled - 1) < 0.1)
        True
    """
    units = child.shape[-1] if child.ndim else 1
    if units < 2:
        return 0.0
    p, c = (_without_mean(leaf) for leaf in (parent, child))
    axes = range(p.ndim)
    own = np.einsum(p, axes, c, axes, axes[-1:]).astype(np.float64)
    step = -(-units // AT_MOST)
    of_some = [np.moveaxis(leaf[..., ::step], -1, 0).reshape(-(-units // step), -1) for leaf in (p, c)]
    between = (of_some[0] @ of_some[1].T).astype(np.float64)
    np.fill_diagonal(between, 0)
    taken = len(between)
    others = float(np.sum(between**2)) * units * (units - 1) / (taken * (taken - 1))
    return (float(own @ own) + others) / (units - 1)


def _without_mean(kernel: np.ndarray) -> np.ndarray:
    """Takes the mean over output units off, in float32 at least and as the kernel lies in memory."""
    wide = kernel.astype(np.promote_types(kernel.dtype, np.float32), copy=False)
    return wide - wide.mean(axis=-1, keepdims=True)
