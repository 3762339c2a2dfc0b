"""Whether a difference of two products can be trusted.

The difference z_c - z_p of a layer's outputs under two near sets of weights keeps the errors of both products: with
factors rounded to TF32 (11 bits) or bfloat16 (8 bits) and weights that differ by 1e-3, it is wrong by tens of percent
and more. The product with the difference of the weights has no such loss.
"""

from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp

ACCURATE = {"highest", "float32", "f32_f32_f32", "f64_f64_f64"}
"""Names of precisions whose products keep all bits of float32 factors."""

PRODUCTS = ("dot_general", "dot_general_cls", "conv_general_dilated", "conv_general_dilated_cls")
"""Fields of a layer that bring a product of the user's own."""


def has_accurate_products(layer: nn.Module, dtype: jnp.dtype) -> bool:
    """Tells from what is known before running whether a layer's products keep all bits of their factors.

    float32 products do on a CPU. On other backends they do only where a precision says so: the layer's own, or
    JAX's default (`jax.default_matmul_precision("highest")`). A product of the user's own may be anything.

    Args:
        layer: a `Dense` or `Conv`.
        dtype: of its output.
    """
    bits = jnp.finfo(dtype).bits
    if bits < 32 or any(getattr(layer, product, None) is not None for product in PRODUCTS):
        return False
    default = jax.config.jax_default_matmul_precision  # type: ignore[attr-defined]
    own = getattr(layer, "precision", None)
    chosen = default if own is None else own
    names = [_name(part) for part in (chosen if isinstance(chosen, tuple) else (chosen,))]
    if all(name in ACCURATE for name in names) or bits > 32:
        return True
    # a CPU takes the three precisions alike, but not an algorithm that is asked for by name, such as bf16_bf16_f32
    return jax.default_backend() == "cpu" and not any(name.count("_") > 1 for name in names)


def _name(precision: Any) -> str:
    return str(getattr(precision, "name", precision)).lower()
