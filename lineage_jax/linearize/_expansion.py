"""Taylor expansion of features along the fine-tuning step, beyond the first order."""

import math
from collections.abc import Callable, Sequence

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from lineage_jax.linearize._held import HELD
from lineage_jax.linearize._rows import check_rows
from lineage_jax.linearize._step import finetuning_step, split_one_of
from lineage_jax.linearize._tangent import as_matrices
from lineage_jax.typing import FeatureFn, Features, Inputs, Params


def taylor_terms(
    feature_fn: FeatureFn,
    parent: Params,
    child: Params,
    inputs: Inputs,
    *,
    degree: int,
    held: Sequence[str] = HELD,
) -> tuple[Features, ...]:
    r"""Computes the directional terms $D^k f[\Delta, \dots, \Delta] / k!$ for k = 0 to `degree`.

    Forward-mode passes are nested, so the work grows as 2 to the power of `degree`.

    Args:
        feature_fn: pure function `(params, inputs) -> [n, ...]` or `{layer: [n, ...]}`.
        parent: variables of the candidate parent.
        child: variables of the child.
        inputs: probes.
        degree: highest order.
        held: path prefixes that stay the parent's.

    Returns:
        `degree + 1` features, arrays `[n, d]`; their sum is the expansion at the child.

    Raises:
        ValueError: If `degree < 0`, or `parent` and `child` differ outside `held`.

    Examples:
        >>> terms = taylor_terms(lambda w, x: x * w**2, jnp.ones(1), jnp.full(1, 3.0), jnp.ones((1, 1)), degree=2)
        >>> [term.item() for term in terms]
        [1.0, 4.0, 4.0]
    """
    if degree < 0:
        raise ValueError(f"expected degree of at least 0, got {degree}")
    check_rows(feature_fn, parent, inputs)
    moving, rebuild = split_one_of(parent, held)
    step = finetuning_step(parent, child, held=held)

    def along(t: Float[Array, ""]) -> tuple[Features, ...]:
        leaves = {path: leaf + t.astype(leaf.dtype) * step[path] for path, leaf in moving.items()}
        return (as_matrices(feature_fn(rebuild(leaves), inputs)),)

    derivatives = along
    for _ in range(degree):
        derivatives = _with_next(derivatives)
    values = derivatives(jnp.zeros(()))
    return tuple(jax.tree.map(lambda v, k=k: v / math.factorial(k), value) for k, value in enumerate(values))


def predict_second_order(
    feature_fn: FeatureFn,
    parent: Params,
    child: Params,
    inputs: Inputs,
    *,
    alpha: float | Float[Array, ""] = 1.0,
    held: Sequence[str] = HELD,
) -> Features:
    r"""Predicts the child's features to second order: $F_p + \alpha J \Delta + \alpha^2 \Delta^T H \Delta / 2$.

    Args:
        feature_fn: pure function `(params, inputs) -> [n, ...]` or `{layer: [n, ...]}`.
        parent: variables of the candidate parent.
        child: variables of the child.
        inputs: probes.
        alpha: how far to go along the step.
        held: path prefixes that stay the parent's.

    Returns:
        Arrays `[n, d]` in the structure of the features.

    Raises:
        ValueError: If `parent` and `child` differ outside `held`.
    """
    terms = taylor_terms(feature_fn, parent, child, inputs, degree=2, held=held)
    return jax.tree.map(lambda value, first, second: value + alpha * first + alpha**2 * second, *terms)


def _with_next(derivatives: Callable) -> Callable:
    def extended(t: Float[Array, ""]) -> tuple[Features, ...]:
        values, rates = jax.jvp(derivatives, (t,), (jnp.ones_like(t),))
        return (*values, rates[-1])

    return extended
