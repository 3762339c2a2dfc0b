"""Fine-tuning in the parent's tangent space."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, Float, PRNGKeyArray

from lineage_jax.linearize._held import HELD
from lineage_jax.linearize._step import split_moving
from lineage_jax.linearize._tangent import predict_finetuned
from lineage_jax.typing import FeatureFn, Features, Inputs, Params


class Finetuned(NamedTuple):
    """A network fine-tuned in the tangent space.

    Attributes:
        variables: of the child; held leaves are the parent's.
        losses: of the minibatch before every step.
    """

    variables: Params
    losses: Float[Array, " steps"]


def linearized(feature_fn: FeatureFn, parent: Params, *, held: Sequence[str] = HELD) -> FeatureFn:
    """Makes the feature function that is affine in its variables: f_p + J (theta - theta_p), arrays `[n, d]`.

    Args:
        feature_fn: pure function `(params, inputs) -> [n, ...]` or `{layer: [n, ...]}`.
        parent: variables around which to linearise.
        held: path prefixes that stay the parent's.
    """
    return lambda variables, inputs: predict_finetuned(feature_fn, parent, variables, inputs, held=held)


def finetune_linearized(
    feature_fn: FeatureFn,
    parent: Params,
    inputs: Inputs,
    targets: Array | np.ndarray,
    *,
    loss: Callable[[Features, Array], Float[Array, ""]],
    optimizer: optax.GradientTransformation,
    steps: int,
    batch_size: int,
    key: PRNGKeyArray,
    held: Sequence[str] = HELD,
) -> Finetuned:
    """Trains the linearised network; every step draws `batch_size` examples without replacement.

    Args:
        feature_fn: pure function `(params, inputs) -> [n, ...]` or `{layer: [n, ...]}`.
        parent: variables to start from, and around which to linearise.
        inputs: examples.
        targets: `[n, ...]`, such as integer labels.
        loss: `(features, targets) -> number`.
        optimizer: of the moving leaves.
        steps: number of updates.
        batch_size: examples a step.
        key: for the minibatches.
        held: path prefixes that stay the parent's.

    Raises:
        ValueError: If there are not as many targets as examples, or `batch_size` is not between 1 and their number.

    References:
        Ortiz-Jimenez, Favero and Frossard, "Task arithmetic in the tangent space", NeurIPS 2023.
    """
    if len(targets) != len(inputs):
        raise ValueError(f"expected a target for each of {len(inputs)} examples, got {len(targets)} targets")
    if not 1 <= batch_size <= len(inputs):
        raise ValueError(f"expected batch_size from 1 to {len(inputs)} examples, got {batch_size}")
    moving, rebuild = split_moving(parent, held=held)
    model = linearized(feature_fn, parent, held=held)
    examples, answers = jnp.asarray(inputs), jnp.asarray(targets)

    def update(state: tuple, step_key: PRNGKeyArray) -> tuple[tuple, Array]:
        leaves, memory = state
        chosen = jax.random.choice(step_key, len(examples), (batch_size,), replace=False)

        def objective(moved: dict[str, Array]) -> Float[Array, ""]:
            return loss(model(rebuild(moved), examples[chosen]), answers[chosen])

        value, gradient = jax.value_and_grad(objective)(leaves)
        changes, memory = optimizer.update(gradient, memory, leaves)
        return (optax.apply_updates(leaves, changes), memory), value

    (leaves, _), losses = jax.lax.scan(update, (moving, optimizer.init(moving)), jax.random.split(key, steps))
    return Finetuned(rebuild(leaves), losses)
