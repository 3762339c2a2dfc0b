"""What every measure asks of its two feature matrices before it compares them.

The checks are static: they read shapes and dtypes, never values, so they cost nothing under `jax.jit`.
"""

import jax.numpy as jnp
from jaxtyping import Array, Float


def paired(a: Float[Array, "n d1"], b: Float[Array, "n d2"]) -> tuple[Float[Array, "n d1"], Float[Array, "n d2"]]:
    """Checks that row i of `a` and row i of `b` can be features of one example, and casts both up for accumulation.

    Half-precision features (bfloat16, float16) become float32, because sums over many entries lose them otherwise; if
    either matrix is float64, both become float64.

    Returns:
        `a` and `b` in one dtype, float32 or float64.

    Raises:
        TypeError: If either dtype is not a real floating one.
        ValueError: If either is not a matrix with an example and a feature, or the numbers of examples differ.
    """
    _check_matrix("a", a)
    _check_matrix("b", b)
    if a.shape[0] != b.shape[0]:
        raise ValueError(
            f"expected features of the same examples, got {a.shape[0]} in a and {b.shape[0]} in b; "
            "show both networks the same inputs"
        )
    dtype = jnp.float64 if jnp.float64 in (a.dtype, b.dtype) else jnp.float32
    return a.astype(dtype), b.astype(dtype)


def aligned(a: Float[Array, "n d"], b: Float[Array, "n d"]) -> tuple[Float[Array, "n d"], Float[Array, "n d"]]:
    """Does what `paired` does, and checks that the features correspond too, for measures that compare entry by entry.

    Raises:
        TypeError: As `paired`.
        ValueError: As `paired`, or if the numbers of features differ.
    """
    a, b = paired(a, b)
    if a.shape[1] != b.shape[1]:
        raise ValueError(
            f"expected equally many features, got {a.shape[1]} in a and {b.shape[1]} in b; "
            "use linear_cka or distance_correlation, which compare different widths"
        )
    return a, b


def _check_matrix(name: str, features: Array) -> None:
    if not jnp.issubdtype(features.dtype, jnp.floating):
        raise TypeError(
            f"expected floating-point features, got {name} of dtype {features.dtype}; "
            f"convert with {name}.astype(jnp.float32)"
        )
    if features.ndim != 2:
        raise ValueError(
            f"expected features as a matrix [n, d], got {name} of shape {features.shape}; "
            f"flatten with {name}.reshape(n, -1)"
        )
    if 0 in features.shape:
        raise ValueError(
            f"expected at least one example and one feature, got {name} of shape {features.shape}; "
            "leave empty layers and empty batches out"
        )
