"""Magnitudes, roots and ratios, defined at zero with a finite derivative there.

Roots and ratios use the double `where`: the inner one keeps the singular point out of the operation, the outer one sets
the value. A single `where` would leave infinity times zero, NaN, in the derivative. A NaN operand stays NaN, so that a
diverged network never earns a good score.
"""

import jax.numpy as jnp
from jaxtyping import Array, Float


def magnitude(x: Float[Array, "..."]) -> Float[Array, "..."]:
    """Returns |x|, whose derivative is sign(x): 0 at 0, where that of `jnp.abs` is 1."""
    return x * jnp.sign(x)


def clipped_root(x: Float[Array, "..."], *, degree: int) -> Float[Array, "..."]:
    """Returns `max(x, 0) ** (1 / degree)`, whose derivative is taken to be 0 wherever `x <= 0`."""
    clipped = x <= 0
    return jnp.where(clipped, 0.0, jnp.where(clipped, 1.0, x) ** (1 / degree))


def ratio(numerator: Float[Array, "..."], denominator: Float[Array, "..."]) -> Float[Array, "..."]:
    """Returns `numerator / denominator`, or 0 with zero derivative where the denominator is 0."""
    undefined = denominator == 0
    return jnp.where(undefined, 0.0, numerator / jnp.where(undefined, 1.0, denominator))
