"""Weight-space baselines: distance and cosine of the parameters themselves, whole and per layer.

`weight_cosine` is that of what all networks share, and of nothing else: a candidate that shares the body alone may have
1. `overlap_cosine` of `overlap` is that of all of the child's weights, where what a candidate lacks counts as zeros.
"""

import dataclasses
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from lineage_jax import linearize
from lineage_jax.leaves import leaf_paths, mean_information
from lineage_jax.lineage._accurate_cosine import accurate_cosine
from lineage_jax.lineage._pair_information import pair_information
from lineage_jax.pairs import AtATime, Comparison, Reading, Shared, compare_all, read_block, shared_by
from lineage_jax.typing import Population

if TYPE_CHECKING:
    import xarray

WHOLE = "all"
"""The label of the row in which all layers count together."""

WEIGHT_MEASURES = ("weight_l2", "weight_cosine", "weight_information")
"""What weights are compared by."""

CHUNK = 256
"""So many terms are summed in float32, and their sums in float64: near copies differ by less than float32 sums err."""


def weight_scores(
    parents: Population, children: Population, *, held: Sequence[str] = linearize.HELD
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
        measure (`weight_l2`: minus the Euclidean distance; `weight_cosine`: the cosine, 0 where a layer is all zero;
        `weight_information`: the bits that the parent saves of each of the child's weights (`leaves.information`), 0 or
        more, which see the parent among relatives best). What some network lacks takes no part, unlike in `overlap`;
        the attribute `not_shared` lists it.

    Raises:
        ValueError: If networks share no parameters, there are none, names repeat, there is an optimiser's state beside
            the weights, or a weight is NaN or infinite.
        TypeError: If networks do not come by name, `held` is a string, or a leaf is no array of numbers.

    Examples:
        >>> a, b = {"fc": {"w": jnp.zeros(4)}}, {"fc": {"w": jnp.ones(4)}}
        >>> scores = weight_scores({"a": a, "b": b}, {"c": b})
        >>> scores.sel(child="c", layer="all", measure=["weight_l2", "weight_information"]).values.round().tolist()
        [[-2.0, 0.0], [0.0, 20.0]]
    """
    return compare_all(_comparison, parents, children, held=held)


def layer_label(module: str) -> str:
    """Returns how a module is called among the layers: by its path, and `all/` where that is `all`.

    Examples:
        >>> layer_label("layer1/0/conv1"), layer_label("all")
        ('layer1/0/conv1', 'all/')
    """
    return f"{module}/" if module == WHOLE else module


class _Prepared(NamedTuple):
    """Networks of one side: the leaves that are compared, and the sums of their squares in float64."""

    leaves: list[Float[Array, "b ..."]]
    squares: Float[np.ndarray, "b leaf"]


@dataclasses.dataclass(frozen=True, kw_only=True)
class _WeightComparison(Comparison):
    """Scores of weights: a `pairs.Comparison` of one pass over the leaves for each pair.

    Attributes:
        reading: what is known of the networks.
        shared: the leaves that all networks share.
    """

    reading: Reading
    shared: Shared

    @property
    def at_a_time(self) -> AtATime:
        """All: a pair takes little longer than reading one of its networks again would."""
        return AtATime(len(self.reading.names("parent")), len(self.reading.names("child")))

    @property
    def labels(self) -> dict[str, Sequence[str]]:
        return {"layer": list(self._layers), "measure": list(WEIGHT_MEASURES)}

    @property
    def not_shared(self) -> tuple[str, ...]:
        return self.shared.not_shared

    def prepare(self, role: str, names: Sequence[str]) -> _Prepared:
        """Reads and stacks networks, in float32 at least."""
        by_path = leaf_paths(read_block(self.reading, role, names, self.shared, size=len(names)))
        leaves = [_real(by_path[path]) for path in self._paths]
        with jax.enable_x64(True):
            return _Prepared(leaves, np.asarray(_squares(leaves)))

    def compare(self, parents: _Prepared, children: _Prepared) -> Float[np.ndarray, "p m layer measure"]:
        """Returns what `WEIGHT_MEASURES` say of all layers together and of each."""
        sums = _leaf_sums(parents, children)
        per_layer = np.stack([sums[:, :, places].sum(axis=2) for places in self._layers.values()], axis=2)
        squared, product, of_parent, of_child = np.moveaxis(per_layer, -1, 0)
        cosine = accurate_cosine(squared, product, of_parent, of_child)
        bits, count = pair_information(parents.leaves, children.leaves), np.asarray(_count(children.leaves))
        information = [mean_information(bits[..., at], count[:, at]) for at in self._layers.values()]
        return np.stack([0.0 - np.sqrt(squared), cosine, np.stack(information, axis=2)], axis=-1)

    @property
    def _paths(self) -> list[str]:
        return sorted(self.shared.moving)

    @property
    def _layers(self) -> dict[str, list[int]]:
        return {WHOLE: list(range(len(self._paths)))} | _layers_of(self._paths)


def _comparison(reading: Reading) -> _WeightComparison:
    return _WeightComparison(reading=reading, shared=shared_by(reading.kinds, held=reading.held)[0])


def _leaf_sums(parents: _Prepared, children: _Prepared) -> Float[np.ndarray, "p m leaf 4"]:
    """Sums over each leaf of (c - p)^2, c p, p^2 and c^2, in float64.

    Memory-bound, so pairs go one after another.
    """
    # powers of two change no digit, and keep squares in float32's range whatever the scale of a leaf
    _, exponents = np.frexp(np.sqrt(np.maximum(parents.squares.max(axis=0), children.squares.max(axis=0))))
    scales = np.ldexp(1.0, -np.clip(exponents, -100, 100))
    with jax.enable_x64(True):
        found = np.asarray(_pair_sums(parents.leaves, children.leaves, jnp.asarray(scales)))
    squares = np.broadcast_arrays(parents.squares[:, None], children.squares[None])
    return np.concatenate([found / scales[:, None] ** 2, np.stack(squares, axis=-1)], axis=-1)


@jax.jit
def _squares(leaves: list[Array]) -> Float[Array, "b leaf"]:
    return jnp.stack([jnp.square(leaf.astype(jnp.float64)).reshape(len(leaf), -1).sum(axis=1) for leaf in leaves], 1)


@jax.jit
def _count(leaves: list[Array]) -> Int[Array, "b leaf"]:
    return jnp.stack([jnp.count_nonzero(leaf.reshape(len(leaf), -1), axis=1) for leaf in leaves], axis=1)


@jax.jit
def _pair_sums(parents: list[Array], children: list[Array], scales: Float[Array, " leaf"]) -> Array:
    def of_leaf(p: Array, c: Array, scale: Array) -> Array:
        p, c = (each * scale.astype(each.dtype) for each in (p, c))
        return jnp.stack([_total(terms) for terms in (jnp.square(c - p), c * p)])

    def pair(parent: list[Array], child: list[Array]) -> Array:
        return jnp.stack([of_leaf(*leaf) for leaf in zip(parent, child, scales, strict=True)])

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
