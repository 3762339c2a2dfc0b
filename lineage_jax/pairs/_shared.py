"""What parents and children have in common: only parameters of equal path and shape take part in a comparison."""

import dataclasses
from collections.abc import Callable, Iterable, Mapping

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from lineage_jax.leaves import Difference, first_difference, is_under, leaf_paths, replace_leaves
from lineage_jax.pairs._finite import devices_of
from lineage_jax.pairs._kind import Kind, kind_of, paths_of, templates
from lineage_jax.pairs._population import names_of, unboxed
from lineage_jax.typing import Networks, Params, Population


@dataclasses.dataclass(frozen=True, kw_only=True)
class Shared:
    """Which leaves all networks share; hashable, since compiled programs depend on it.

    Attributes:
        template: the tree that every network is brought to. It has every leaf that any network has, where the feature
            function takes them; dtypes are those that hold the values of all networks.
        missing: paths of the template that some network lacks, or has in another shape (a new head, say).
        moving: paths that all networks share and that are not held: the ones that are compared.
        constant: paths of integers that all networks share and that are not held: they must be equal in all networks
            that a layer depends on them in, for there is no step between integers.
        not_shared: paths that some network lacks or has in another shape, in the template or not.
    """

    template: Kind
    missing: tuple[str, ...]
    moving: tuple[str, ...]
    constant: tuple[str, ...]
    not_shared: tuple[str, ...]


def kinds_of(population: Population, role: str) -> dict[str, Kind]:
    """Returns the kind of every network, by a label such as `parent 'a'`; every one is read."""
    names = names_of(population, role)
    if isinstance(population, Networks):
        return dict.fromkeys((f"{role} '{name}'" for name in names), kind_of(population.variables, stacked=True))
    return {f"{role} '{name}'": kind_of(unboxed(population[name], f"{role} '{name}'")) for name in names}


def shared_by(kinds: Mapping[str, Kind], *, held: tuple[str, ...]) -> tuple[Shared, ...]:
    """Finds what networks of these kinds share.

    Floating-point leaves of several precisions are compared in the one that holds all of them: the order in which
    networks come makes no difference.

    Returns:
        One way to bring all to one tree after another, the likeliest first: which one the feature function takes shows
        when it is traced.

    Raises:
        ValueError: If no parameter has the same path and shape in all networks, or a leaf has numbers of several sorts.
    """
    first: dict[Kind, str] = {}
    for label, kind in kinds.items():
        first.setdefault(kind, label)
    labelled = {label: paths_of(kind) for kind, label in first.items()}
    every = list(dict.fromkeys(path for paths in labelled.values() for path in paths))
    leaves = {path: {label: paths.get(path) for label, paths in labelled.items()} for path in every}
    shared = {path for path, found in leaves.items() if _is_one_shape(found.values())}
    dtypes = {path: one_dtype(path, leaves[path]) for path in every if path in shared}
    free = [path for path in every if path in shared and not is_under(path, held)]
    moving = tuple(path for path in free if jnp.issubdtype(dtypes[path], jnp.inexact))
    if not moving:
        raise ValueError(
            f"parents and children share no parameters of equal path and shape; {_first_difference(labelled)}"
        )
    return tuple(
        Shared(
            template=_typed(template, dtypes),
            missing=tuple(path for path in paths_of(template) if path not in shared),
            moving=moving,
            constant=tuple(path for path in free if path not in moving),
            not_shared=tuple(path for path in every if path not in shared),
        )
        for template in templates(distinct_kinds(kinds))
    )


def distinct_kinds(kinds: Mapping[str, Kind]) -> tuple[Kind, ...]:
    """Returns each kind once."""
    return tuple(dict.fromkeys(kinds.values()))


def differences(kinds: Mapping[str, Kind], path: str) -> str:
    """Says which networks have which leaf at a path: the first one of each sort."""
    leaves = {label: paths_of(kind).get(path) for label, kind in kinds.items()}
    return str(Difference(path, {label: leaf and f"{leaf.shape} {leaf.dtype}" for label, leaf in leaves.items()}))


def one_dtype(path: str, found: Mapping[str, jax.ShapeDtypeStruct | None]) -> np.dtype:
    """Returns the dtype that holds the values of all networks."""
    by_dtype = {leaf.dtype: label for label, leaf in found.items() if leaf is not None}
    if len(by_dtype) == 1:
        return _computable(next(iter(by_dtype)))
    if not all(jnp.issubdtype(dtype, jnp.inexact) for dtype in by_dtype):
        raise ValueError(
            f"expected numbers of one sort at '{path}', got "
            + ", ".join(f"{dtype} in {label}" for dtype, label in by_dtype.items())
            + "; bring quantised weights back to floats first"
        )
    return jnp.dtype(jnp.result_type(*(_computable(dtype) for dtype in by_dtype)))


def stack(networks: list[Params], shared: Shared, *, to: Callable = jnp.asarray) -> Params:
    """Stacks networks and takes them off the list, leaf by leaf: at no time is there more than one copy of most."""
    columns: dict[str, list] = {}
    wanted = set(paths_of(shared.template)) - set(shared.missing)
    while networks:
        leaves = leaf_paths(networks.pop())
        for path in wanted:
            columns.setdefault(path, []).append(leaves[path])
    count = len(next(iter(columns.values())))
    dtypes = {path: leaf.dtype for path, leaf in paths_of(shared.template).items()}
    stacked = {path: _stacked(columns.pop(path)[::-1], dtypes[path], to) for path in list(columns)}
    return _filled(stacked, shared, count)


def fill(stacked: Params, shared: Shared, count: int) -> Params:
    """Brings networks that are stacked already to the template's tree."""
    return _filled(leaf_paths(stacked), shared, count)


def _filled(by_path: Mapping[str, Array], shared: Shared, count: int) -> Params:
    def brought(leaf: Array, dtype: np.dtype) -> Array:
        return leaf if getattr(leaf, "dtype", None) == dtype else jnp.asarray(leaf, dtype)

    wanted = {path: leaf.dtype for path, leaf in paths_of(shared.template).items() if path not in shared.missing}
    leaves = {path: brought(by_path[path], dtype) for path, dtype in wanted.items()}
    zeros = lambda leaf: jnp.zeros((count, *leaf.shape), leaf.dtype)  # noqa: E731
    return replace_leaves(shared.template.tree, leaves, missing=zeros)


def _stacked(column: list, dtype: np.dtype, to: Callable) -> Array:
    """Stacks on a device what is there alone, and on the host what is there or on several devices."""
    if all(isinstance(leaf, jax.Array) for leaf in column) and len(set(map(devices_of, column))) == 1:
        return jnp.stack([leaf if leaf.dtype == dtype else leaf.astype(dtype) for leaf in column])
    return to(np.stack([np.asarray(leaf).astype(dtype, copy=False) for leaf in column]))


def _is_one_shape(leaves: Iterable[jax.ShapeDtypeStruct | None]) -> bool:
    return len({None if leaf is None else leaf.shape for leaf in leaves}) == 1


def _computable(dtype: np.dtype) -> np.dtype:
    """Widens the 8-bit floats and narrower, which JAX mixes with no other type and which hold no difference."""
    narrow = jnp.issubdtype(dtype, jnp.floating) and jnp.finfo(dtype).bits < 16
    return jnp.dtype(jnp.float32) if narrow else dtype


def _typed(template: Kind, dtypes: Mapping[str, np.dtype]) -> Kind:
    leaves = [
        jax.ShapeDtypeStruct(leaf.shape, dtypes.get(path, leaf.dtype)) for path, leaf in paths_of(template).items()
    ]
    return Kind(template.structure, tuple(leaves))


def _first_difference(labelled: Mapping[str, Mapping[str, jax.ShapeDtypeStruct]]) -> str:
    found = first_difference(
        {name: {path: leaf.shape for path, leaf in tree.items()} for name, tree in labelled.items()}
    )
    if found is None:
        return "all of them are held, or are integers"
    bare = all(list(tree) == [""] for tree in labelled.values())
    hint = "; is this one network, to be written {'name': variables}?" if bare else ""
    return f"the first difference is {'the networks themselves' if bare else repr(found.path)}: {found}{hint}"
