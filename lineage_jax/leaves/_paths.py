"""Leaves by name: the path of a leaf is its keys with slashes between, such as `params/fc1/kernel`."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from lineage_jax.typing import Params


def leaf_paths(tree: "Params") -> dict[str, Any]:
    """Returns the leaves of a tree by their path, such as `params/fc1/kernel`.

    A box around an array (`nn.Partitioned`, `nnx.Param`) is no step of the path: boxed or not, a leaf has one name.

    Raises:
        ValueError: If two leaves have one path, as `a` -> `b` has beside a key `a/b`.

    Examples:
        >>> leaf_paths({"params": {"fc1": {"bias": 1.0}}})
        {'params/fc1/bias': 1.0}
    """
    found: dict[str, Any] = {}
    for path, leaf in _of_dictionaries(tree) if _is_plain(tree) else _of_any(tree):
        if path in found:
            raise ValueError(f"expected one leaf a path, got two at '{path}': a key has a slash in it; rename it")
        found[path] = leaf
    return found


def leaf_shapes(tree: "Params") -> dict[str, tuple[int, ...]]:
    """Returns the shapes of the leaves of a tree by their path; the tree may hold shapes alone.

    Raises:
        ValueError: As `leaf_paths`.

    Examples:
        >>> leaf_shapes({"params": {"fc1": {"bias": np.ones(3)}, "scale": 1.0}})
        {'params/fc1/bias': (3,), 'params/scale': ()}
    """
    import jax.numpy as jnp

    return {path: jnp.shape(leaf) for path, leaf in leaf_paths(tree).items()}


def is_under(path: str, prefixes: Sequence[str]) -> bool:
    """Tells whether a leaf lies at or below one of the prefixes, compared whole step by whole step.

    Examples:
        >>> is_under("params/fc1/kernel", ("params/fc1",)), is_under("params/fc10/kernel", ("params/fc1",))
        (True, False)
    """
    return any(path == prefix or path.startswith(prefix + "/") for prefix in prefixes)


def _is_plain(tree: Any) -> bool:
    """Says whether a tree is nested dictionaries of numpy arrays, which need no JAX to be walked."""
    if type(tree) is dict:
        return all(type(key) is str and _is_plain(value) for key, value in tree.items())
    return isinstance(tree, np.ndarray | np.generic)


def _of_dictionaries(tree: Any, *keys: str) -> Iterator[tuple[str, Any]]:
    """Yields paths and leaves in JAX's order, that of sorted keys."""
    if type(tree) is dict:
        for key in sorted(tree):
            yield from _of_dictionaries(tree[key], *keys, key)
    else:
        yield "/".join(keys), tree


def _of_any(tree: Any) -> Iterator[tuple[str, Any]]:
    """Yields paths and leaves of any tree that JAX knows; boxes are no steps."""
    import jax

    for keys, entry in jax.tree_util.tree_flatten_with_path(tree, is_leaf=_is_box)[0]:
        inside = jax.tree_util.tree_flatten_with_path(entry)[0]
        boxes_one = _is_box(entry) and len(inside) == 1
        for more, leaf in inside:
            yield jax.tree_util.keystr((*keys, *(() if boxes_one else more)), simple=True, separator="/"), leaf


def _is_box(entry: Any) -> bool:
    from flax import nnx
    from flax.core.meta import AxisMetadata

    return isinstance(entry, AxisMetadata | nnx.Variable)
