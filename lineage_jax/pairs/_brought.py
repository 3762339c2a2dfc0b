"""Networks brought one at a time to a tree that was found from others, and stacked on the host.

Where there are too many networks to look at first, the tree is that of a few, and only leaves that some layer depends
on must fit it: another head, or more leaves or fewer beside those, make no difference.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from lineage_jax.leaves import leaf_paths, replace_leaves
from lineage_jax.pairs._kind import kind_of, paths_of
from lineage_jax.pairs._shared import Shared, one_dtype
from lineage_jax.typing import Params


def brought(
    network: Params, shared: Shared, used: Sequence[str], *, like: Mapping[str, np.ndarray] | None = None
) -> dict[str, np.ndarray]:
    """Takes from a network what layers depend on, if it fits; nothing is copied that is on the host.

    Args:
        network: variables, as `read` returns them.
        shared: the tree that networks are brought to.
        used: paths that some layer depends on (`Plan.used`).
        like: what this returned for another network, whose integers this one must have too; None for the first.

    Returns:
        The leaves at `used`, for `stacked`.

    Raises:
        ValueError: If a leaf at `used` is missing, has another shape than the tree's, numbers of another sort or of a
            precision that the tree's does not hold, or integers other than those of `like`. Names the first such path.

    Examples:
        >>> from lineage_jax.pairs import shared_by
        >>> first = {"w": np.ones(2, np.float32), "head": np.ones(3, np.float32)}
        >>> shared, *_ = shared_by({"first": kind_of(first)}, held=())
        >>> brought({"w": np.ones(2, np.float32)}, shared, ("w",))
        {'w': array([1., 1.], dtype=float32)}
        >>> brought({"v": np.ones(2, np.float32)}, shared, ("w",))  # doctest: +ELLIPSIS
        Traceback (most recent call last):
        ...
        ValueError: expected (2,) at 'w', on which a layer depends, got no such leaf: the network is of another ...
    """
    leaves, kinds, template = leaf_paths(network), paths_of(kind_of(network)), paths_of(shared.template)
    for path in used:
        _check_leaf(path, template[path], kinds.get(path))
    found = {path: np.asarray(leaves[path]) for path in used}
    for path in shared.constant:
        if like is not None and path in found and not np.array_equal(found[path], like[path]):
            raise ValueError(
                f"expected integers at '{path}' to be equal in all networks, as no step leads from one to another; "
                "these differ from those of the first: bring quantised weights back to floats, or hold what is no "
                f"weight with held=(..., '{path}')"
            )
    return found


def stacked(networks: Iterable[Mapping[str, np.ndarray]], shared: Shared, *, size: int) -> Params:
    """Stacks networks on the host, one after another as they come: one copy of each leaf.

    Args:
        networks: what `brought` returned for each; `size` of them at most.
        shared: the tree that they are brought to.
        size: of the block; the last network fills it up, or zeros where there is none.

    Returns:
        The tree of `shared`, every leaf a NumPy array with a first axis of `size`; zeros where networks brought none.

    Examples:
        >>> from lineage_jax.pairs import shared_by
        >>> shared, *_ = shared_by({"first": kind_of({"w": np.ones(1), "head": np.ones(1)})}, held=())
        >>> block = stacked([{"w": np.ones(1)}, {"w": np.full(1, 2.0)}], shared, size=3)
        >>> {name: leaf.ravel().tolist() for name, leaf in block.items()}
        {'head': [0.0, 0.0, 0.0], 'w': [1.0, 2.0, 2.0]}
    """
    template, count = paths_of(shared.template), 0
    block: dict[str, np.ndarray] = {}
    for count, network in enumerate(networks, start=1):
        for path, leaf in network.items():
            if path not in block:
                block[path] = np.empty((size, *template[path].shape), template[path].dtype)
            block[path][count - 1] = leaf
    for leaf in block.values():
        leaf[count:] = leaf[count - 1]
    return replace_leaves(shared.template.tree, block, missing=lambda leaf: _zeros(size, leaf))


def _check_leaf(path: str, expected: jax.ShapeDtypeStruct, found: jax.ShapeDtypeStruct | None) -> None:
    if found is None or found.shape != expected.shape:
        raise ValueError(
            f"expected {expected.shape} at '{path}', on which a layer depends, got "
            f"{found.shape if found else 'no such leaf'}: the network is of another architecture; leave it out, or "
            "choose layers before it"
        )
    if one_dtype(path, {"networks before": expected, "this one": found}) != expected.dtype:
        raise ValueError(
            f"expected {expected.dtype} or fewer bits at '{path}', got {found.dtype}: let a network of that precision "
            "come first, and all are compared in it"
        )


def _zeros(count: int, leaf: jax.ShapeDtypeStruct) -> Any:
    """Zeros that take no room before they are used; keys of random numbers are no numbers of NumPy's."""
    is_key = jax.dtypes.issubdtype(leaf.dtype, jax.dtypes.extended)
    return (jnp if is_key else np).zeros((count, *leaf.shape), leaf.dtype)
