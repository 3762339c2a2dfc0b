"""What parents and children have in common: only parameters of equal path and shape take part in a comparison."""

import dataclasses
from collections.abc import Mapping, Sequence

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from lineage_jax.linearize import is_under, leaf_paths
from lineage_jax.typing import Networks, Params

Population = Mapping[str, Params] | Networks


@dataclasses.dataclass(frozen=True, kw_only=True)
class Shared:
    """Which leaves all networks share; hashable, since compiled programs depend on it.

    Attributes:
        structure: the first parent's tree, which every network is brought to.
        leaves: shapes and dtypes of its leaves.
        missing: paths of the template that some network lacks, or has in another shape (a new head, say).
        moving: paths that all networks share and that are not held: the ones that are compared.
    """

    structure: jax.tree_util.PyTreeDef
    leaves: tuple[jax.ShapeDtypeStruct, ...]
    missing: tuple[str, ...]
    moving: tuple[str, ...]

    @property
    def template(self) -> Params:
        """The first parent's tree, as shapes and dtypes."""
        return jax.tree.unflatten(self.structure, self.leaves)


def names_of(population: Population, role: str) -> tuple[str, ...]:
    """Returns the names of the networks, which must be there and be unique."""
    names = population.names if isinstance(population, Networks) else tuple(population)
    if not names:
        raise ValueError(f"expected at least one {role}, got none")
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        raise ValueError(f"{role} names must be unique, '{repeated[0]}' occurs more than once; rename it")
    return names


def find_shared(parents: Population, children: Population, *, held: tuple[str, ...]) -> Shared:
    """Compares all trees and finds what every network shares.

    Raises:
        ValueError: If no parameter has the same path and shape in all networks.
    """
    trees = [shapes for population in (parents, children) for shapes in _shapes(population)]
    by_path = [leaf_paths(tree) for tree in trees]
    shared = {
        path
        for path, leaf in by_path[0].items()
        if all(path in tree and tree[path].shape == leaf.shape for tree in by_path[1:])
    }
    moving = tuple(
        path
        for path, leaf in by_path[0].items()
        if path in shared and not is_under(path, held) and jnp.issubdtype(leaf.dtype, jnp.inexact)
    )
    if not moving:
        raise ValueError(
            f"parents and children share no parameters of equal path and shape; {_first_difference(by_path)}"
        )
    return Shared(
        structure=jax.tree.structure(trees[0]),
        leaves=tuple(jax.tree.leaves(trees[0])),
        missing=tuple(path for path in by_path[0] if path not in shared),
        moving=moving,
    )


def stack_block(population: Population, names: Sequence[str], shared: Shared) -> Params:
    """Stacks the named networks in the template's tree; what is not shared becomes NaN.

    A feature that depends on a parameter which is not shared is then NaN too, and cannot pass for a score.
    """
    if isinstance(population, Networks):
        every = population.names == tuple(names)
        chosen = population if every else population.select(tuple(names))
        by_path = leaf_paths(chosen.variables)
    else:
        trees = [leaf_paths(population[name]) for name in names]
        by_path = {}
        for path in set(leaf_paths(shared.template)) - set(shared.missing):
            by_path[path] = jnp.stack([tree[path] for tree in trees])

    def fill(path: str, leaf: jax.ShapeDtypeStruct) -> Array:
        if path in shared.missing:
            absent = jnp.nan if jnp.issubdtype(leaf.dtype, jnp.inexact) else 0
            return jnp.full((len(names), *leaf.shape), absent, leaf.dtype)
        return jnp.asarray(by_path[path], leaf.dtype)

    leaves = [fill(path, leaf) for path, leaf in leaf_paths(shared.template).items()]
    return jax.tree.unflatten(shared.structure, leaves)


def _shapes(population: Population) -> list[Params]:
    if isinstance(population, Networks):
        return [jax.tree.map(lambda leaf: jax.ShapeDtypeStruct(leaf.shape[1:], leaf.dtype), population.variables)]
    as_struct = lambda leaf: jax.ShapeDtypeStruct(np.shape(leaf), jnp.result_type(leaf))  # noqa: E731
    return [jax.tree.map(as_struct, variables) for variables in population.values()]


def _first_difference(trees: list[dict[str, jax.ShapeDtypeStruct]]) -> str:
    first = trees[0]
    for tree in trees[1:]:
        for path in sorted({*first, *tree}):
            ours, theirs = (str(t[path].shape) if path in t else "absent" for t in (first, tree))
            if ours != theirs:
                return f"the first difference is '{path}': {ours} in the first parent, {theirs} in another network"
    return "all of them are held"
