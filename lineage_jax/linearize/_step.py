"""The fine-tuning step D = theta_c - theta_p: which leaves move, and by how much."""

from collections.abc import Callable, Mapping
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array

from lineage_jax.typing import Params

HELD = ("batch_stats",)
"""What stays the parent's by default: batch statistics, as in the paper; only trained parameters move."""


def leaf_paths(tree: Params) -> dict[str, Any]:
    """Returns the leaves of a tree by their path, such as `params/fc1/kernel`.

    Examples:
        >>> leaf_paths({"params": {"fc1": {"bias": 1.0}}})
        {'params/fc1/bias': 1.0}
    """
    leaves, _ = jax.tree_util.tree_flatten_with_path(tree)
    return {jax.tree_util.keystr(path, simple=True, separator="/"): leaf for path, leaf in leaves}


def is_under(path: str, prefixes: tuple[str, ...]) -> bool:
    """Tells whether a leaf lies at or below one of the prefixes, compared whole step by whole step.

    Examples:
        >>> is_under("params/fc1/kernel", ("params/fc1",)), is_under("params/fc10/kernel", ("params/fc1",))
        (True, False)
    """
    return any(path == prefix or path.startswith(prefix + "/") for prefix in prefixes)


def split_moving(
    variables: Params, *, held: tuple[str, ...] = HELD
) -> tuple[dict[str, Array], Callable[[Mapping[str, Array]], Params]]:
    """Splits off the leaves that take part in the linearisation.

    A leaf moves if it is a floating-point array and not under a path of `held`.

    Args:
        variables: all arrays of one network.
        held: path prefixes that stay the parent's.

    Returns:
        The moving leaves by path, and the function that puts moving leaves back into the whole tree.
    """
    paths = leaf_paths(variables)
    moving = {path: leaf for path, leaf in paths.items() if _moves(path, leaf, held)}
    structure = jax.tree.structure(variables)

    def rebuild(leaves: Mapping[str, Array]) -> Params:
        return jax.tree.unflatten(structure, [leaves.get(path, leaf) for path, leaf in paths.items()])

    return moving, rebuild


def finetuning_step(parent: Params, child: Params, *, held: tuple[str, ...] = HELD) -> dict[str, Array]:
    """Returns D = child - parent for every moving leaf.

    Args:
        parent: variables of the candidate parent.
        child: variables of the child; its moving leaves have the parent's paths and shapes.
        held: path prefixes that take no part; there, the trees may differ (a new head, say).

    Returns:
        The difference by leaf path.

    Raises:
        ValueError: If the trees differ outside `held`; the message names the first path that does.

    Examples:
        >>> step = finetuning_step({"w": jnp.ones(2)}, {"w": jnp.full(2, 3.0)})
        >>> step["w"].tolist()
        [2.0, 2.0]
    """
    moving, _ = split_moving(parent, held=held)
    target, _ = split_moving(child, held=held)
    _check_same_tree(moving, target)
    return {path: jnp.subtract(target[path], leaf) for path, leaf in moving.items()}


def _moves(path: str, leaf: Array, held: tuple[str, ...]) -> bool:
    return jnp.issubdtype(jnp.result_type(leaf), jnp.inexact) and not is_under(path, held)


def _check_same_tree(parent: Mapping[str, Array], child: Mapping[str, Array]) -> None:
    for path in [*parent, *(path for path in child if path not in parent)]:
        ours, theirs = (str(jnp.shape(tree[path])) if path in tree else "absent" for tree in (parent, child))
        if ours != theirs:
            raise ValueError(
                f"parent and child differ at '{path}': {ours} in the parent, {theirs} in the child; "
                "compare networks of one architecture, or hold this path with held=(..., 'path')"
            )
