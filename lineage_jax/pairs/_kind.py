"""The kind of a network: its tree with the shapes and dtypes of its leaves, and trees that hold several kinds."""

import dataclasses
from collections.abc import Iterable, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax.core import FrozenDict

from lineage_jax.leaves import leaf_paths
from lineage_jax.typing import Params


@dataclasses.dataclass(frozen=True)
class Kind:
    """What networks of one architecture and precision have in common.

    Attributes:
        structure: the tree.
        leaves: shapes and dtypes.
    """

    structure: jax.tree_util.PyTreeDef
    leaves: tuple[jax.ShapeDtypeStruct, ...]

    @property
    def tree(self) -> Params:
        """The tree of shapes and dtypes."""
        return jax.tree.unflatten(self.structure, self.leaves)


def kind_of(variables: Params, *, stacked: bool = False) -> Kind:
    """Returns the kind of a network, or of several that are stacked along a first axis."""
    shapes = [_struct(leaf, drop=int(stacked)) for leaf in jax.tree.leaves(variables)]
    return Kind(jax.tree.structure(variables), tuple(shapes))


def templates(kinds: Iterable[Kind]) -> tuple[Kind, ...]:
    """Returns trees that a feature function may accept for all networks, the likeliest first.

    First come trees with every leaf that any network has, once with the shapes of each kind where kinds differ; then
    each kind's own tree, for functions that take no leaf more. Networks of one kind have one tree.

    Examples:
        >>> small, large = (kind_of({"w": np.ones(d)}) for d in (2, 3))
        >>> [kind.tree["w"].shape for kind in templates((small, large))]
        [(2,), (3,)]
    """
    distinct = list(dict.fromkeys(kinds))
    if len({kind.structure for kind in distinct}) == 1:
        return tuple(distinct)
    merged = []
    for first in distinct:
        tree = first.tree
        for other in distinct:
            tree = _merged(tree, other.tree)
        merged.append(kind_of(tree))
    return tuple(dict.fromkeys([*merged, *distinct]))


def _struct(leaf: Any, *, drop: int) -> jax.ShapeDtypeStruct:
    dtype = getattr(leaf, "dtype", None)
    extended = dtype is not None and jax.dtypes.issubdtype(dtype, jax.dtypes.extended)
    return jax.ShapeDtypeStruct(np.shape(leaf)[drop:], dtype if extended else jnp.result_type(leaf))


def _merged(first: Any, second: Any) -> Any:
    """Adds what the first tree lacks; where one has a leaf and the other a branch, the branch stays."""
    if isinstance(first, Mapping) and isinstance(second, Mapping):
        keys = dict.fromkeys([*first, *second])
        both = {key: _merged_entry(first, second, key) for key in keys}
        return FrozenDict(both) if isinstance(first, FrozenDict) else both
    if _is_sequence(first) and _is_sequence(second):
        longest = first if len(first) >= len(second) else second
        shared = [_merged(*entries) for entries in zip(first, second, strict=False)]
        return type(first)([*shared, *longest[len(shared) :]])
    return second if not _is_branch(first) and _is_branch(second) else first


def _merged_entry(first: Mapping, second: Mapping, key: Any) -> Any:
    if key in first and key in second:
        return _merged(first[key], second[key])
    return first[key] if key in first else second[key]


def _is_sequence(tree: Any) -> bool:
    return isinstance(tree, list | tuple) and not hasattr(tree, "_fields")


def _is_branch(tree: Any) -> bool:
    return not isinstance(tree, jax.ShapeDtypeStruct)


def paths_of(kind: Kind) -> dict[str, jax.ShapeDtypeStruct]:
    """Returns the leaves of a kind by path."""
    return leaf_paths(kind.tree)
