"""Tangents of features: one forward-mode pass gives value and tangent at every tapped layer."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import jax
from jaxtyping import Array, Float

from lineage_jax.linearize._held import HELD
from lineage_jax.linearize._rows import check_rows
from lineage_jax.linearize._step import finetuning_step, split_one_of
from lineage_jax.typing import FeatureFn, Features, Inputs, Params


class Tangents(NamedTuple):
    """The parent's features and how they move along the fine-tuning step.

    Attributes:
        value: F_p, arrays `[n, d]` in the structure the feature function returns.
        tangent: J D, the same structure and shapes.
    """

    value: Features
    tangent: Features


def as_matrices(features: Features) -> Features:
    """Flattens every array of features to `[n, d]`.

    Raises:
        ValueError: If an array is a scalar.

    Examples:
        >>> import jax.numpy as jnp
        >>> as_matrices({"conv1": jnp.zeros((5, 4, 4, 3))})["conv1"].shape
        (5, 48)
    """

    def flatten(leaf: Array) -> Array:
        if leaf.ndim == 0:
            raise ValueError("expected features of shape [n, ...], got a scalar; return one row per example")
        return leaf.reshape(leaf.shape[0], -1)

    return jax.tree.map(flatten, features)


def linearize(
    feature_fn: FeatureFn, parent: Params, inputs: Inputs, *, held: Sequence[str] = HELD
) -> tuple[Features, Callable[[Params], Features]]:
    """Linearises the features around one parent, for many children.

    The parent's forward pass is done once; each further child costs one linear pass.

    Args:
        feature_fn: pure function `(params, inputs) -> [n, ...]` or `{layer: [n, ...]}`.
        parent: variables of the parent.
        inputs: probes.
        held: path prefixes that stay the parent's.

    Returns:
        F_p, and the function from a child's variables to its tangent J (theta_c - theta_p).

    Raises:
        TypeError: If `held` is a single string.
        ValueError: If features have not one row for each probe, or, once there is a child, if it differs from the
            parent outside `held`, or a path of `held` is in neither.
    """
    check_rows(feature_fn, parent, inputs)
    moving, rebuild = split_one_of(parent, held)
    value, push = jax.linearize(lambda leaves: as_matrices(feature_fn(rebuild(leaves), inputs)), moving)
    return value, lambda child: push(finetuning_step(parent, child, held=held))


def tangents(
    feature_fn: FeatureFn, parent: Params, child: Params, inputs: Inputs, *, held: Sequence[str] = HELD
) -> Tangents:
    r"""Computes the parent's features and their tangent $J(\theta_c - \theta_p)$ in one forward-mode pass.

    The Jacobian is never formed: time and memory are those of about two forward passes, whatever the number of layers.

    Args:
        feature_fn: pure function `(params, inputs) -> [n, ...]` or `{layer: [n, ...]}`.
        parent: variables of the candidate parent.
        child: variables of the child, same tree and leaf shapes outside `held`.
        inputs: probes.
        held: path prefixes that stay the parent's; by default the batch statistics.

    Raises:
        TypeError: If `held` is a single string.
        ValueError: If `parent` and `child` differ outside `held` (the first path that differs is named), a path of
            `held` is in neither, or features have not one row for each probe.

    References:
        Yu and Wang, "Neural Lineage", CVPR 2024. Jacot et al., "Neural Tangent Kernel", NeurIPS 2018.

    Examples:
        >>> import jax.numpy as jnp
        >>> f = lambda params, x: x @ params["w"]
        >>> value, tangent = tangents(f, {"w": jnp.zeros((3, 1))}, {"w": jnp.ones((3, 1))}, jnp.ones((2, 3)))
        >>> value.tolist(), tangent.tolist()
        ([[0.0], [0.0]], [[3.0], [3.0]])
    """
    check_rows(feature_fn, parent, inputs)
    moving, rebuild = split_one_of(parent, held)
    step = finetuning_step(parent, child, held=held)
    value, tangent = jax.jvp(lambda leaves: as_matrices(feature_fn(rebuild(leaves), inputs)), (moving,), (step,))
    return Tangents(value, tangent)


def predict_finetuned(
    feature_fn: FeatureFn,
    parent: Params,
    child: Params,
    inputs: Inputs,
    *,
    alpha: float | Float[Array, ""] = 1.0,
    held: Sequence[str] = HELD,
) -> Features:
    r"""Predicts the child's features from the parent's tangent space: $F_p + \alpha J (\theta_c - \theta_p)$.

    Args:
        feature_fn: pure function `(params, inputs) -> [n, ...]` or `{layer: [n, ...]}`.
        parent: variables of the candidate parent.
        child: variables of the child.
        inputs: probes.
        alpha: strength of the approximation; 0 gives the parent's own features.
        held: path prefixes that stay the parent's.

    Raises:
        ValueError: If `parent` and `child` differ outside `held`.

    References:
        Yu and Wang, "Neural Lineage", CVPR 2024.

    Examples:
        A network that is linear in its parameters is reproduced exactly:

        >>> import jax.numpy as jnp
        >>> f = lambda w, x: x @ w
        >>> predict_finetuned(f, jnp.zeros((3, 1)), jnp.ones((3, 1)), jnp.ones((2, 3))).tolist()
        [[3.0], [3.0]]
    """
    value, tangent = tangents(feature_fn, parent, child, inputs, held=held)
    return jax.tree.map(lambda v, t: v + alpha * t, value, tangent)
