"""The transformer over the tokens of one candidate."""

import flax.linen as nn
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

LONGEST, SHORTEST = 4.0, 0.02
"""Wavelengths of the depth encoding; depth runs from 0 to 1."""


class Block(nn.Module):
    """Attention with one head and a two-layer perceptron, each behind a layer norm and beside a shortcut.

    References:
        Xiong et al., "On Layer Normalization in the Transformer Architecture", ICML 2020.
    """

    @nn.compact
    def __call__(self, tokens: Float[Array, "*p t e"], mask: Bool[Array, " t"]) -> Float[Array, "*p t e"]:
        """Returns the tokens, each of which has looked at those that `mask` names."""
        width = tokens.shape[-1]
        seen = nn.LayerNorm(name="ln1")(tokens)
        tokens += nn.MultiHeadDotProductAttention(num_heads=1, name="attention")(seen, mask=mask[None, None, :])
        hidden = nn.Dense(2 * width, name="fc1")(nn.LayerNorm(name="ln2")(tokens))
        return tokens + nn.Dense(width, name="fc2")(nn.gelu(hidden, approximate=False))


def depth_encoding(layers: int, width: int) -> Float[np.ndarray, "l e"]:
    """Returns sines and cosines of the layers' relative depths, 0 for the first and 1 for the last.

    Nothing in it is learned, so that a detector trained on some layers takes any number of them.

    Examples:
        >>> depth_encoding(3, 4).shape
        (3, 4)
    """
    depth = np.arange(layers) / max(layers - 1, 1)
    waves = 2 * np.pi / np.geomspace(LONGEST, SHORTEST, width // 2)
    angles = depth[:, None] * waves
    return np.concatenate([np.sin(angles), np.cos(angles)], axis=1).astype(jnp.float32)
