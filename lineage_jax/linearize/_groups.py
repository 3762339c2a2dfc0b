"""Which part of the network a tangent comes from: one tangent per group of parameters."""

from collections.abc import Mapping, Sequence

import jax
import jax.numpy as jnp

from lineage_jax.leaves import is_under
from lineage_jax.linearize._held import HELD
from lineage_jax.linearize._rows import check_rows
from lineage_jax.linearize._step import finetuning_step, split_one_of
from lineage_jax.linearize._tangent import as_matrices
from lineage_jax.typing import FeatureFn, Features, Inputs, Params


def tangents_by_group(
    feature_fn: FeatureFn,
    parent: Params,
    child: Params,
    inputs: Inputs,
    *,
    groups: Mapping[str, tuple[str, ...]] | None = None,
    held: Sequence[str] = HELD,
) -> dict[str, Features]:
    """Splits the tangent into one for each group of parameters, at one linear pass a group; they sum to the whole.

    Args:
        feature_fn: pure function `(params, inputs) -> [n, ...]` or `{layer: [n, ...]}`.
        parent: variables of the candidate parent.
        child: variables of the child.
        inputs: probes.
        groups: path prefixes of each group; by default one group a top-level module.
        held: path prefixes that stay the parent's.

    Returns:
        The tangent of each group, arrays `[n, d]`.

    Raises:
        ValueError: If a moving leaf is in no group or in several, or `parent` and `child` differ outside `held`.

    Examples:
        >>> f = lambda p, x: x * p["a"] + p["b"]
        >>> split = tangents_by_group(
        ...     f, {"a": jnp.ones(1), "b": jnp.ones(1)}, {"a": jnp.full(1, 3.0), "b": jnp.zeros(1)}, jnp.ones((1, 1))
        ... )
        >>> {group: tangent.item() for group, tangent in split.items()}
        {'a': 2.0, 'b': -1.0}
    """
    check_rows(feature_fn, parent, inputs)
    moving, rebuild = split_one_of(parent, held)
    step = finetuning_step(parent, child, held=held)
    chosen = {_module(path): (_module(path),) for path in moving} if groups is None else groups
    _check_partition(tuple(moving), chosen)
    _, push = jax.linearize(lambda leaves: as_matrices(feature_fn(rebuild(leaves), inputs)), moving)

    def part(prefixes: tuple[str, ...]) -> dict[str, jax.Array]:
        return {path: d if is_under(path, prefixes) else jnp.zeros_like(d) for path, d in step.items()}

    return {group: push(part(prefixes)) for group, prefixes in chosen.items()}


def group_shares(split: Mapping[str, Features]) -> dict[str, Features]:
    r"""Computes each group's share $\langle t_g, t \rangle / \|t\|^2$ of the squared norm of the tangent, per layer.

    Shares sum to 1; one is negative where a group works against the others. A zero tangent has shares 0.

    Args:
        split: the tangent of each group.

    Returns:
        One number a layer, for each group.
    """
    whole = jax.tree.map(lambda *parts: sum(parts), *split.values())

    def share(part: jax.Array, total: jax.Array) -> jax.Array:
        norm = jnp.square(total).sum()
        return jnp.where(norm > 0, (part * total).sum() / jnp.where(norm > 0, norm, 1), 0)

    return {group: jax.tree.map(share, part, whole) for group, part in split.items()}


def _module(path: str) -> str:
    steps = path.split("/")
    return "/".join(steps[:2] if steps[0] == "params" else steps[:1])


def _check_partition(paths: tuple[str, ...], groups: Mapping[str, tuple[str, ...]]) -> None:
    for path in paths:
        owners = [group for group, prefixes in groups.items() if is_under(path, prefixes)]
        if len(owners) != 1:
            raise ValueError(f"expected '{path}' in exactly one group, got {owners}; change groups, or hold it")
