"""Centring and rescaling of features, accurate in float32 and exact for constant features.

Measures that ignore the features' mean and scale remove both first: products of the raw entries would cancel where the
mean is large and overflow or underflow where the scale is far from 1. Where any shift will do the mean is a bad one:
a single large example moves it away from all others, which lose their digits.
"""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

ROUNDS = 2
"""Looks for the nearer half: the first may take a large example for near that the largest one hides."""


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


def settled(a: Float[Array, "n d"]) -> Float[Array, "n d"]:
    """Shifts the features so that the nearer half of the examples has mean 0; a constant feature becomes exactly zero.

    For what ignores a common shift. Which examples are the nearer half is found from their mean in `ROUNDS` rounds, by
    largest difference; up to half of the examples may be far out, and the others keep all their digits. Which they
    are counts as a constant in derivatives, and so does the first shift; as in `centred` a second one makes them exact.
    """
    fixed = jax.lax.stop_gradient(a)
    least, most = fixed.min(axis=0), fixed.max(axis=0)
    centre, near = jnp.clip(fixed.mean(axis=0), least, most), jnp.ones(len(a), bool)
    for _ in range(ROUNDS):
        distance = jnp.abs(fixed - centre).max(axis=1)
        near = distance <= jnp.median(distance)  # NaN is near nothing: the mean of nothing is NaN again
        centre = jnp.clip(_mean_of(fixed, near), least, most)
    shifted = a - centre
    return shifted - _mean_of(shifted, near)


def balanced(a: Float[Array, "n d"]) -> Float[Array, "n d"]:
    """Divides by the geometric mean of the largest entries of the two largest examples; leaves zeros as they are.

    For what compares different examples, and ignores the scale: products of the two largest are then near 1, whatever
    lies between them. As in `rescaled` the divisor counts as a constant in derivatives.
    """
    sizes = jnp.abs(jax.lax.stop_gradient(a)).max(axis=1)
    roots = jnp.sqrt(jax.lax.top_k(sizes, min(2, len(a)))[0])
    divisor = roots[0] * jnp.where(roots[-1] == 0, roots[0], roots[-1])
    return a / jnp.where(divisor == 0, 1.0, divisor)


def rescaled(a: Float[Array, "n d"], *, axis: int | None = None) -> Float[Array, "n d"]:
    """Divides by the largest magnitude, of the matrix or along `axis`; leaves zeros as they are.

    Only for what ignores the scale afterwards: the divisor counts as a constant in derivatives, which is exact there.
    """
    largest = jnp.abs(jax.lax.stop_gradient(a)).max(axis=axis, keepdims=True)
    return a / jnp.where(largest == 0, 1.0, largest)


def _mean_of(a: Float[Array, "n d"], part: Bool[Array, " n"]) -> Float[Array, " d"]:
    share = part.astype(a.dtype)
    return (a * share[:, None]).sum(axis=0) / share.sum()
