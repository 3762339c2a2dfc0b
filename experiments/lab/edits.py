"""What is done to weights without training: pruned, rounded, disturbed."""

from collections.abc import Callable
from typing import Any

import jax
import numpy as np

from lineage_jax.typing import Params


def prune(variables: Params, share: float) -> Params:
    """Sets the smallest of all weights in kernels to zero."""
    kernels = [np.abs(leaf).ravel() for leaf in jax.tree.leaves(variables["params"]) if leaf.ndim > 1]
    least = np.quantile(np.concatenate(kernels), share)
    return _on_kernels(variables, lambda leaf: np.where(np.abs(leaf) < least, 0, leaf))


def quantise(variables: Params, bits: int = 8) -> Params:
    """Rounds kernels to whole multiples of a step, one for each output unit, of which the largest has all bits."""

    def rounded(leaf: np.ndarray) -> np.ndarray:
        largest = np.abs(leaf).max(axis=tuple(range(leaf.ndim - 1)), keepdims=True)
        step = np.where(largest > 0, largest / (2 ** (bits - 1) - 1), 1).astype(leaf.dtype)
        return np.round(leaf / step) * step

    return _on_kernels(variables, rounded)


def disturb(variables: Params, share: float, seed: int) -> Params:
    """Adds noise to kernels, so large beside each kernel's own deviation."""
    rng = np.random.default_rng(seed)
    return _on_kernels(
        variables, lambda leaf: leaf + np.float32(share * leaf.std()) * rng.standard_normal(leaf.shape, np.float32)
    )


def _on_kernels(variables: Params, change: Callable[[np.ndarray], np.ndarray]) -> Params:
    def changed(leaf: Any) -> np.ndarray:
        return change(np.asarray(leaf)) if leaf.ndim > 1 else np.asarray(leaf)

    return variables | {"params": jax.tree.map(changed, variables["params"])}
