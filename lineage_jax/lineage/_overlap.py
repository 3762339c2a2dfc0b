r"""Weights of networks that share only a part: every score refers to the whole child, so that candidates compare.

A parent that shares less must not win by being compared on less. What it lacks therefore counts as zeros: with $c$ all
of the child's weights and $p$ those of the parent where they share a leaf, zero elsewhere,

| score | definition | range |
|---|---|---|
| `kernel_cosine` | $\langle c, p \rangle / (\|c\| \|p\|)$ over kernels: leaves of two axes and more | -1 to 1 |
| `weight_cosine` | the same over all leaves | -1 to 1 |
| `weight_distance` | $-\|c - p\| / \|c\|$ over all leaves | up to 0 |

`kernel_cosine` decides. Scales of normalisations lie around 1 in every network and biases have a mean, so unrelated
networks reach cosines of 0.1 to 0.3 over all weights, but below 0.05 over kernels; and training changes the norm
of the weights, which ruins distances over a long run (a child's unrelated candidates come before its own first epoch).
The measurements are tests: `tests/test_real_files.py`.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import jax.numpy as jnp
import numpy as np

from lineage_jax import linearize
from lineage_jax.lineage._alignment import align
from lineage_jax.typing import Params

if TYPE_CHECKING:
    import xarray

UNRELATED = 0.1
"""Kernel cosine below which networks are as good as unrelated: twice what unrelated real networks reach."""

WEIGHT_SCORES = ("kernel_cosine", "weight_cosine", "weight_distance")
"""What `overlap` scores, the score that decides first."""

SHARES = ("tensors", "parameters", "parent_module", "child_module")
"""What `overlap` says of how much is shared."""


def overlap(
    parents: Mapping[str, Params], child: Params, *, held: tuple[str, ...] = linearize.HELD
) -> "xarray.Dataset":
    r"""Compares a child's weights with those of candidates that may share only a part of them.

    Leaves correspond where path and shape are equal, up to the modules that `align` finds; sums are float64, on the
    host.

    Args:
        parents: candidate parents, `{name: variables}`, of any architectures.
        child: variables of the child.
        held: path prefixes that are left out; by default the batch statistics.

    Returns:
        `xarray.Dataset` over parent: `kernel_cosine`, `weight_cosine` and `weight_distance` (higher is more alike),
        `tensors` and `parameters` that are shared, `parent_module` and `child_module` that correspond. Its attributes
        `tensors` and `parameters` are how many the child has.

    Raises:
        ValueError: If there is no parent, the child has no weights, or no parent shares any.

    Examples:
        >>> child = {"fc": {"kernel": np.ones((2, 2)), "bias": np.ones(2)}}
        >>> found = overlap({"a": {"fc": {"kernel": np.ones((2, 2))}}, "b": {"fc": {"bias": np.ones(2)}}}, child)
        >>> found.kernel_cosine.values.tolist(), found.weight_cosine.values.round(2).tolist(), found.tensors.values
        ([1.0, 0.0], [0.82, 0.58], array([1, 1]))
    """
    import xarray

    if not parents:
        raise ValueError("expected at least one parent, got none")
    leaves = _weights(child, held)
    if not leaves:
        raise ValueError("expected a child with weights, got one without: nothing can be compared")
    rows = [_compare(_weights(parent, held), leaves) for parent in parents.values()]
    if not any(row["tensors"] for row in rows):
        raise ValueError(
            "no parent shares a parameter of equal path and shape with the child, under any pair of modules: "
            f"the child has '{next(iter(leaves))}' {np.shape(next(iter(leaves.values())))}, ..."
        )
    return xarray.Dataset(
        {name: ("parent", [row[name] for row in rows]) for name in rows[0]},
        coords={"parent": list(parents)},
        attrs={"tensors": len(leaves), "parameters": sum(int(np.size(leaf)) for leaf in leaves.values())},
    )


def _weights(network: Params, held: tuple[str, ...]) -> dict[str, np.ndarray]:
    """Returns the floating-point leaves that are not held, by their path without the collection."""
    leaves = linearize.leaf_paths(network)
    return {
        path.removeprefix("params/"): np.asarray(leaf)
        for path, leaf in leaves.items()
        if not linearize.is_under(path, held) and jnp.issubdtype(jnp.result_type(leaf), jnp.floating)
    }


def _compare(parent: dict[str, np.ndarray], child: dict[str, np.ndarray]) -> dict[str, float | int | str]:
    found = align(*({path: leaf.shape for path, leaf in network.items()} for network in (parent, child)))
    sums = np.array([_leaf_sums(parent.get(found.pairs.get(path, "")), leaf) for path, leaf in child.items()])
    kernels = np.array([leaf.ndim > 1 for leaf in child.values()])
    squared, product, of_parent, of_child = sums.sum(axis=0)
    _, kernel_product, of_parent_kernels, of_child_kernels = sums[kernels if kernels.any() else ...].sum(axis=0)
    return {
        "kernel_cosine": _ratio(kernel_product, np.sqrt(of_parent_kernels * of_child_kernels)),
        "weight_cosine": _ratio(product, np.sqrt(of_parent * of_child)),
        "weight_distance": 0.0 - _ratio(np.sqrt(squared), np.sqrt(of_child)),
        "tensors": len(found.pairs),
        "parameters": sum(int(child[path].size) for path in found.pairs),
        "parent_module": found.parent_module,
        "child_module": found.child_module,
    }


def _leaf_sums(parent: np.ndarray | None, child: np.ndarray) -> tuple[float, float, float, float]:
    """Sums over a leaf of (c - p)^2, c p, p^2 and c^2; a parent without it counts as zeros."""
    wide = child.astype(np.float64)
    other = np.zeros_like(wide)  # laid out as the child's, whatever the parent's: neither is copied once more
    if parent is not None:
        other[...] = parent
    c, p = wide.ravel("K"), other.ravel("K")
    step = c - p
    return float(step @ step), float(c @ p), float(p @ p), float(c @ c)


def _ratio(value: float, norm: float) -> float:
    return float(value / norm) if norm > 0 else 0.0
