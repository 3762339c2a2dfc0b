"""What networks learn: a loss of what they say and of what is true."""

from collections.abc import Callable
from typing import Any, TypeAlias

import jax.numpy as jnp
import optax
from jaxtyping import Array, Float, Int

Objective: TypeAlias = Callable[[Any, Any], tuple[Float[Array, ""], Float[Array, ""]]]
"""From what a network says of a minibatch and its targets to the loss, and to the share that is right, from 0 to 1."""


def classification(logits: Float[Array, "*n c"], labels: Int[Array, "*n"]) -> tuple[Float[Array, ""], Float[Array, ""]]:
    """Returns the mean cross-entropy in nats and the share of right classes: of images, or of pixels in segmentation.

    Args:
        logits: `[n, c]` of images, or `[n, h, w, c]` of their pixels.
        labels: `[n]` or `[n, h, w]`.

    Examples:
        >>> loss, right = classification(jnp.zeros((2, 4)), jnp.array([0, 3]))
        >>> round(float(loss), 3), float(right)
        (1.386, 0.5)
    """
    loss = optax.softmax_cross_entropy_with_integer_labels(logits, labels).mean()
    return loss, jnp.mean(jnp.argmax(logits, axis=-1) == labels)
