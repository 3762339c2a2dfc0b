"""Was a fine-tuning lazy, that is, did the network stay in its parent's tangent space?"""

import dataclasses
from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from lineage_jax.linearize._compiled import compiled
from lineage_jax.linearize._held import HELD, check_held
from lineage_jax.linearize._kernels import relative_kernel_change
from lineage_jax.linearize._step import finetuning_step, split_one_of
from lineage_jax.linearize._tangent import as_matrices, tangents
from lineage_jax.typing import FeatureFn, Features, Inputs, Params


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True, kw_only=True)
class LinearisationError:
    """How well the tangent explains the change of features, per layer and alpha; leaves are `[k]`.

    Attributes:
        alphas: how far along the step.
        error: |f(theta_p + alpha D) - f_p - alpha J D| / |f(theta_p + alpha D) - f_p|; by limit 0 where both vanish.
        explained: 1 - error^2, the explained fraction of the squared change; negative if the tangent misleads.
        cosine: between the true change and J D; by limit 1 where the true change and alpha J D both vanish.
    """

    alphas: Float[Array, " k"]
    error: Features
    explained: Features
    cosine: Features


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True, kw_only=True)
class Laziness:
    """The evidence on whether a fine-tuning was lazy.

    Attributes:
        curve: the linearisation error along the step; the last alpha is 1, the child.
        kernel_change: relative change of the trace kernel, one number a layer; None if it was not asked for.
        weight_change: |D| / |theta_p| over all moving leaves.
        threshold: least explained fraction at the child that counts as lazy.
    """

    curve: LinearisationError
    kernel_change: Features | None
    weight_change: Float[Array, ""]
    threshold: float = dataclasses.field(metadata={"static": True})

    @property
    def lazy(self) -> bool:
        """Whether the tangent explains at least `threshold` of the change at every layer."""
        return all(bool(explained[-1] >= self.threshold) for explained in jax.tree.leaves(self.curve.explained))


def linearisation_error(
    feature_fn: FeatureFn,
    parent: Params,
    child: Params,
    inputs: Inputs,
    *,
    alphas: Sequence[float] | Float[np.ndarray, " k"] = (0.25, 0.5, 0.75, 1.0),
    held: Sequence[str] = HELD,
) -> LinearisationError:
    """Compares the features along the step with their linearisation, one forward pass an alpha.

    In float32 the change at a small alpha is lost in rounding, about 1e-7 |f_p|; use float64 there.

    Args:
        feature_fn: pure function `(params, inputs) -> [n, ...]` or `{layer: [n, ...]}`.
        parent: variables of the parent.
        child: variables of the child.
        inputs: probes.
        alphas: how far along the step; 0 has error 0, by limit.
        held: path prefixes that stay the parent's.

    Raises:
        ValueError: If there is no alpha, or `parent` and `child` differ outside `held`.
    """
    if len(alphas) == 0:
        raise ValueError("expected at least one alpha, got none")
    check_held(held, parent, child)
    grid = jnp.asarray(alphas, float)
    return compiled(_along_the_step, feature_fn, tuple(held))(parent, child, inputs, grid)


def laziness(
    feature_fn: FeatureFn,
    parent: Params,
    child: Params,
    inputs: Inputs,
    *,
    alphas: Sequence[float] | Float[np.ndarray, " k"] = (0.25, 0.5, 0.75, 1.0),
    threshold: float = 0.9,
    with_kernel: bool = False,
    held: Sequence[str] = HELD,
) -> Laziness:
    """Answers whether a fine-tuning was lazy, with its evidence.

    Args:
        feature_fn: pure function `(params, inputs) -> [n, ...]` or `{layer: [n, ...]}`.
        parent: variables of the parent.
        child: variables of the child.
        inputs: probes.
        alphas: how far along the step; the last one is 1.
        threshold: least explained fraction at every layer; 0.9, an error of about 0.3, is our convention.
        with_kernel: whether to compute the trace kernels too: n d linear passes for d features, by far the most of the
            work, and for a wide layer out of reach.
        held: path prefixes that stay the parent's.

    Raises:
        ValueError: If the last alpha is not 1, or `parent` and `child` differ outside `held`.

    References:
        Chizat, Oyallon and Bach, "On lazy training in differentiable programming", NeurIPS 2019.

    Examples:
        >>> f = lambda w, x: x @ w
        >>> laziness(f, jnp.ones((3, 1)), jnp.full((3, 1), 2.0), jnp.ones((2, 3))).lazy
        True
    """
    if len(alphas) == 0 or alphas[-1] != 1:
        raise ValueError(f"expected alphas that end at 1, the child; got {alphas}")
    curve = linearisation_error(feature_fn, parent, child, inputs, alphas=alphas, held=held)
    change = relative_kernel_change(feature_fn, parent, child, inputs, held=held) if with_kernel else None
    moving, _ = split_one_of(parent, held)
    weights = _norm(finetuning_step(parent, child, held=held)) / _norm(moving)
    return Laziness(curve=curve, kernel_change=change, weight_change=weights, threshold=threshold)


def _along_the_step(
    feature_fn: FeatureFn,
    held: tuple[str, ...],
    parent: Params,
    child: Params,
    inputs: Inputs,
    alphas: Float[Array, " k"],
) -> LinearisationError:
    moving, rebuild = split_one_of(parent, held)
    step = finetuning_step(parent, child, held=held)
    value, tangent = tangents(feature_fn, parent, child, inputs, held=held)

    def at(alpha: Array) -> Features:
        leaves = {path: leaf + alpha.astype(leaf.dtype) * step[path] for path, leaf in moving.items()}
        features = as_matrices(feature_fn(rebuild(leaves), inputs))
        return jax.tree.map(lambda f, v, t: _compare(f - v, alpha * t), features, value, tangent)

    pairs = jax.lax.map(at, alphas)
    error, cosine = (jax.tree.map(lambda _, pair, i=i: pair[i], value, pairs) for i in (0, 1))
    explained = jax.tree.map(lambda e: 1 - e**2, error)
    return LinearisationError(alphas=alphas, error=error, explained=explained, cosine=cosine)


def _compare(change: Array, linear: Array) -> tuple[Array, Array]:
    true, predicted = jnp.linalg.norm(change), jnp.linalg.norm(linear)
    still = (true == 0) & (predicted == 0)
    error = jnp.where(still, 0, jnp.linalg.norm(change - linear) / jnp.where(still, 1, true))
    product = true * predicted
    cosine = jnp.where(product > 0, (change * linear).sum() / jnp.where(product > 0, product, 1), still)
    return error, cosine


def _norm(leaves: dict[str, Array]) -> Array:
    return jnp.sqrt(sum((jnp.square(leaf).sum() for leaf in leaves.values()), start=jnp.zeros(())))
