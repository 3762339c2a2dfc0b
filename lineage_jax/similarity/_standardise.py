"""Centring and rescaling of features, accurate in float32 and exact for constant features.

Measures that ignore the features' mean and scale remove both first: products of the raw entries would cancel where the
mean is large and overflow or underflow where the scale is far from 1.
"""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float


def centred(a: Float[Array, "n d"]) -> Float[Array, "n d"]:
    """Subtracts each feature's mean over the examples; a constant feature becomes exactly zero.

    The rounded mean of equal numbers may differ from them in the last digit, and rescaling would blow up that digit to
    a signal. So the mean is kept between the feature's extremes, where a constant feature leaves it no room, and what
    rounding left of the mean is removed by a second pass. The first shift counts as a constant in derivatives; the
    second pass makes them exact.
    """
    fixed = jax.lax.stop_gradient(a)
    shifted = a - jnp.clip(fixed.mean(axis=0), fixed.min(axis=0), fixed.max(axis=0))
    return shifted - shifted.mean(axis=0)


def rescaled(a: Float[Array, "n d"], *, axis: int | None = None) -> Float[Array, "n d"]:
    """Divides by the largest magnitude, of the matrix or along `axis`; leaves zeros as they are.

    Only for what ignores the scale afterwards: the divisor counts as a constant in derivatives, which is exact there.
    """
    largest = jnp.abs(jax.lax.stop_gradient(a)).max(axis=axis, keepdims=True)
    return a / jnp.where(largest == 0, 1.0, largest)
