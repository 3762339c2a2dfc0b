"""Weight-space baselines: distance and cosine of the parameters themselves, whole and per layer.

`weight_cosine` is that of what all networks share, and of nothing else: a candidate that shares the body alone may have
1. `overlap_cosine` of `overlap` is that of all of the child's weights, where what a candidate lacks counts as zeros.
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from lineage_jax import linearize
from lineage_jax.leaves import leaf_paths
from lineage_jax.lineage._accurate_cosine import accurate_cosine
from lineage_jax.pairs import find_shared, names_of, population_of, read, stack_block
from lineage_jax.typing import Networks, Population

if TYPE_CHECKING:
    import xarray

WHOLE = "all"
"""The label of the row in which all layers count together."""

CHUNK = 256
"""So many terms are summed in float32, and their sums in float64: near copies differ by less than float32 sums err."""


def weight_scores(
    parents: Population, children: Population, *, held: tuple[str, ...] = linearize.HELD
) -> "xarray.DataArray":
    """Compares the parameters that all networks share, without running any of them.

    Differences are taken before squaring, and the cosine of near copies is computed from them: candidates that are 1e-5
    apart are told apart, as float64 sums would.

    Args:
        parents: candidate parents, `{name: variables}` or `Networks`.
        children: children, `{name: variables}` or `Networks`.
        held: path prefixes that are left out; by default the batch statistics.

    Returns:
        `xarray.DataArray` with dimensions parent, child, layer (`all`, then each module under its `layer_label`) and
        measure (`weight_l2`: minus the Euclidean distance; `weight_cosine`: the cosine, 0 where a layer is all zero).
        What some network lacks takes no part, unlike in `overlap`.

    Raises:
        ValueError: If networks share no parameters, names repeat, or a weight is NaN or infinite.

    Examples:
        >>> a, b = {"fc": {"w": jnp.zeros(4)}}, {"fc": {"w": jnp.ones(4)}}
        >>> scores = weight_scores({"a": a, "b": b}, {"c": b})
        >>> scores.sel(child="c", layer="all", measure="weight_l2").values.tolist()
        [-2.0, 0.0]
    """
    parent_names, child_names = names_of(parents, "parent"), names_of(children, "child")
    parents, children = _loaded(parents, "parent", held), _loaded(children, "child", held)
    shared = find_shared(parents, children, held=held)
    stacked = [stack_block(*side, shared) for side in ((parents, parent_names), (children, child_names))]
    by_path = [leaf_paths(tree) for tree in stacked]
    paths = sorted(shared.moving)
    of_parents, of_children = ([_real(leaves[path]) for path in paths] for leaves in by_path)
    sums = _leaf_sums(of_parents, of_children)

    layers = {WHOLE: list(range(len(paths)))} | _layers_of(paths)
    per_layer = np.stack([sums[:, :, indices].sum(axis=2) for indices in layers.values()], axis=2)
    return _label(per_layer, parent_names, child_names, list(layers))


def layer_label(module: str) -> str:
    """Returns how a module is called among the layers: by its path, and `all/` where that is `all`.

    Examples:
        >>> layer_label("layer1/0/conv1"), layer_label("all")
        ('layer1/0/conv1', 'all/')
    """
    return f"{module}/" if module == WHOLE else module


def _loaded(population: Population, role: str, held: tuple[str, ...]) -> Population:
    """Checks networks and reads each once, since all are stacked."""
    checked = population_of(population, role, held=held)
    if isinstance(checked, Networks):
        return checked
    return {name: read(checked, name, role, held=held) for name in checked}


def _leaf_sums(parents: list[Array], children: list[Array]) -> Float[np.ndarray, "p m leaf 4"]:
    """Sums over each leaf of (c - p)^2, c p, p^2 and c^2, in float64; memory-bound, so pairs go one after another."""
    with jax.enable_x64(True):
        of_parents, of_children = (np.asarray(_norms(side)) for side in (parents, children))  # [p leaf], [m leaf]
        # powers of two change no digit, and keep squares in float32's range whatever the scale of a leaf
        _, exponents = np.frexp(np.sqrt(np.maximum(of_parents.max(axis=0), of_children.max(axis=0))))
        scales = np.ldexp(1.0, -np.clip(exponents, -100, 100))
        sums = np.asarray(_pair_sums(parents, children, jnp.asarray(scales))) / scales[:, None] ** 2
    norms = np.broadcast_arrays(of_parents[:, None], of_children[None])
    return np.concatenate([sums, np.stack(norms, axis=-1)], axis=-1)


@jax.jit
def _norms(leaves: list[Array]) -> Float[Array, "p leaf"]:
    return jnp.stack([jnp.square(leaf.astype(jnp.float64)).reshape(len(leaf), -1).sum(axis=1) for leaf in leaves], 1)


@jax.jit
def _pair_sums(parents: list[Array], children: list[Array], scales: Float[Array, " leaf"]) -> Array:
    def of_leaf(p: Array, c: Array, scale: Array) -> Array:
        p, c = (leaf * scale.astype(leaf.dtype) for leaf in (p, c))
        return jnp.stack([_total(jnp.square(c - p)), _total(c * p)])

    def pair(parent: list[Array], child: list[Array]) -> Array:
        return jnp.stack([of_leaf(*leaves) for leaves in zip(parent, child, scales, strict=True)])

    return jax.lax.map(lambda parent: jax.lax.map(lambda child: pair(parent, child), children), parents)


def _total(terms: Array) -> Float[Array, ""]:
    flat = terms.ravel()
    whole = flat.size // CHUNK * CHUNK
    chunks = flat[:whole].reshape(-1, CHUNK).sum(axis=1)
    return chunks.astype(jnp.float64).sum() + flat[whole:].sum().astype(jnp.float64)


def _real(leaf: Array) -> Array:
    """Brings a leaf to float32, or leaves it at float64; a complex one becomes its real and imaginary parts."""
    if jnp.issubdtype(leaf.dtype, jnp.complexfloating):
        return jnp.stack([leaf.real, leaf.imag], axis=-1)
    return leaf.astype(jnp.promote_types(leaf.dtype, jnp.float32))


def _layers_of(paths: Iterable[str]) -> dict[str, list[int]]:
    """Returns by layer the places of its leaves; `params/` is left out of the labels unless that would join two."""
    modules: dict[str, list[int]] = {}
    for index, path in enumerate(paths):
        modules.setdefault(path.rpartition("/")[0] or path, []).append(index)
    short = {module.removeprefix("params/"): places for module, places in modules.items()}
    labelled = short if len(short) == len(modules) else modules
    return {layer_label(label): places for label, places in labelled.items()}


def _label(
    sums: np.ndarray, parents: tuple[str, ...], children: tuple[str, ...], layers: list[str]
) -> "xarray.DataArray":
    import xarray

    squared, product, of_parent, of_child = np.moveaxis(sums, -1, 0)
    return xarray.DataArray(
        np.stack([0.0 - np.sqrt(squared), accurate_cosine(squared, product, of_parent, of_child)], axis=-1),
        dims=("parent", "child", "layer", "measure"),
        coords={
            "parent": list(parents),
            "child": list(children),
            "layer": layers,
            "measure": ["weight_l2", "weight_cosine"],
        },
        name="score",
    )
