"""Weight-space baselines: distance and cosine of the parameters themselves, whole and per layer."""

from typing import TYPE_CHECKING

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from lineage_jax import linearize
from lineage_jax.lineage._shared import Population, find_shared, names_of, stack_block

if TYPE_CHECKING:
    import xarray

WHOLE = "all"
"""The label of the row in which all layers count together."""


def weight_scores(
    parents: Population, children: Population, *, held: tuple[str, ...] = linearize.HELD
) -> "xarray.DataArray":
    """Compares the parameters that all networks share, without running any of them.

    Differences are taken before squaring, so that near copies keep their float32 accuracy.

    Args:
        parents: candidate parents, `{name: variables}` or `Networks`.
        children: children, `{name: variables}` or `Networks`.
        held: path prefixes that are left out; by default the batch statistics.

    Returns:
        `xarray.DataArray` with dimensions parent, child, layer (`all`, then each module) and measure (`weight_l2`:
        minus the Euclidean distance; `weight_cosine`: the cosine, 0 where a layer is all zero).

    Raises:
        ValueError: If networks share no parameters or names repeat.

    Examples:
        >>> a, b = {"fc": {"w": jnp.zeros(4)}}, {"fc": {"w": jnp.ones(4)}}
        >>> scores = weight_scores({"a": a, "b": b}, {"c": b})
        >>> scores.sel(child="c", layer="all", measure="weight_l2").values.tolist()
        [-2.0, 0.0]
    """
    parent_names, child_names = names_of(parents, "parent"), names_of(children, "child")
    shared = find_shared(parents, children, held=held)
    moving = [stack_block(*side, shared) for side in ((parents, parent_names), (children, child_names))]
    of_parents, of_children = ({path: linearize.leaf_paths(tree)[path] for path in shared.moving} for tree in moving)
    sums = np.asarray(_sums(of_parents, of_children), np.float64)  # [p, m, leaf, 4]

    layers = {WHOLE: list(range(len(of_parents)))}
    for index, path in enumerate(sorted(of_parents)):
        layers.setdefault(_layer_of(path), []).append(index)
    per_layer = np.stack([sums[:, :, indices].sum(axis=2) for indices in layers.values()], axis=2)
    return _label(per_layer, parent_names, child_names, list(layers))


@jax.jit
def _sums(parents: dict[str, Array], children: dict[str, Array]) -> Float[Array, "p m leaf 4"]:
    """Sums over each leaf of (c - p)^2, c p, p^2 and c^2; memory-bound, so pairs go one after another."""

    def pair(parent: dict[str, Array], child: dict[str, Array]) -> Array:
        return jnp.stack([_leaf_sums(parent[path], child[path]) for path in sorted(parent)])

    return jax.lax.map(lambda parent: jax.lax.map(lambda child: pair(parent, child), children), parents)


def _leaf_sums(parent: Array, child: Array) -> Float[Array, "4"]:
    parent, child = (leaf.astype(jnp.promote_types(leaf.dtype, jnp.float32)) for leaf in (parent, child))
    return jnp.stack([jnp.sum((child - parent) ** 2), jnp.sum(child * parent), jnp.sum(parent**2), jnp.sum(child**2)])


def _layer_of(path: str) -> str:
    module = path.rpartition("/")[0] or path
    return module.removeprefix("params/")


def _label(
    sums: np.ndarray, parents: tuple[str, ...], children: tuple[str, ...], layers: list[str]
) -> "xarray.DataArray":
    import xarray

    squared, product, parent_norm, child_norm = np.moveaxis(sums, -1, 0)
    norms = np.sqrt(parent_norm * child_norm)
    cosine = np.divide(product, norms, out=np.zeros_like(product), where=norms > 0)
    return xarray.DataArray(
        np.stack([0.0 - np.sqrt(squared), cosine], axis=-1),
        dims=("parent", "child", "layer", "measure"),
        coords={
            "parent": list(parents),
            "child": list(children),
            "layer": layers,
            "measure": ["weight_l2", "weight_cosine"],
        },
        name="score",
    )
