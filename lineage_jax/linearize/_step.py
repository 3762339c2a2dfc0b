"""The fine-tuning step D = theta_c - theta_p: which leaves move, and by how much."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from lineage_jax.leaves import first_difference, is_under, leaf_paths, leaf_shapes, replace_leaves
from lineage_jax.linearize._held import HELD, check_held
from lineage_jax.typing import Params


def split_moving(
    variables: Params, *, held: Sequence[str] = HELD
) -> tuple[dict[str, Array], Callable[[Mapping[str, Array]], Params]]:
    """Splits off the leaves that take part in the linearisation.

    A leaf moves if it is a number or an array of numbers, floating-point or complex, and not under a path of `held`.

    Args:
        variables: all arrays of one network.
        held: path prefixes that stay the parent's.

    Returns:
        The moving leaves by path, and the function that puts moving leaves back into the whole tree.

    Raises:
        TypeError: If `held` is a single string.
        ValueError: If a path of `held` is not in the network, or two leaves have one path.
    """
    check_held(held, variables)
    return split_one_of(variables, held)


def split_one_of(
    variables: Params, held: Sequence[str]
) -> tuple[dict[str, Array], Callable[[Mapping[str, Array]], Params]]:
    """Does the same for one network of several, where a path of `held` may be in another one alone."""
    check_held(held)
    moving = {path: _as_array(leaf) for path, leaf in leaf_paths(variables).items() if _moves(path, leaf, held)}
    return moving, lambda leaves: replace_leaves(variables, leaves)


def finetuning_step(parent: Params, child: Params, *, held: Sequence[str] = HELD) -> dict[str, Array]:
    """Returns D = child - parent for every moving leaf.

    Args:
        parent: variables of the candidate parent.
        child: variables of the child; its moving leaves have the parent's paths and shapes.
        held: path prefixes that take no part; there, the trees may differ (a new head, say).

    Returns:
        The difference by leaf path.

    Raises:
        TypeError: If `held` is a single string.
        ValueError: If the trees differ outside `held`; the message names the first path that does. If a path of `held`
            is in neither tree.

    Examples:
        >>> step = finetuning_step({"w": jnp.ones(2)}, {"w": jnp.full(2, 3.0)})
        >>> step["w"].tolist()
        [2.0, 2.0]
    """
    check_held(held, parent, child)
    moving, _ = split_one_of(parent, held)
    target, _ = split_one_of(child, held)
    _check_same_tree(moving, target)
    return {path: jnp.subtract(target[path], leaf) for path, leaf in moving.items()}


def _as_array(leaf: Any) -> Any:
    """Brings numbers of NumPy and Python to what JAX makes of them, so that value and tangent have one dtype."""
    return jnp.asarray(leaf) if isinstance(leaf, np.ndarray | np.generic | float | complex) else leaf


def _moves(path: str, leaf: Any, held: Sequence[str]) -> bool:
    return jnp.issubdtype(jnp.result_type(leaf), jnp.inexact) and not is_under(path, held)


def _check_same_tree(parent: Mapping[str, Array], child: Mapping[str, Array]) -> None:
    found = first_difference({"the parent": leaf_shapes(parent), "the child": leaf_shapes(child)})
    if found:
        raise ValueError(
            f"parent and child differ at '{found.path}': {found}; "
            "compare networks of one architecture, or hold this path with held=(..., 'path')"
        )
