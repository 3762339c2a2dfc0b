"""Products of matrices in full precision."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float


def product(x: Float[Array, "i j"], y: Float[Array, "j k"]) -> Float[Array, "i k"]:
    """Multiplies in full precision: accelerators round float32 operands to fewer bits unless told otherwise."""
    return jnp.matmul(x, y, precision=jax.lax.Precision.HIGHEST)


def inner(x: Float[Array, "i j"], y: Float[Array, "i j"]) -> Float[Array, ""]:
    """Sums x_ij y_ij by rows first: one large entry among many small equal ones would round them all the same way."""
    by_row = jax.lax.optimization_barrier((x * y).sum(axis=1))  # or a compiler makes one sum of both
    return by_row.sum()
