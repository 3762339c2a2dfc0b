"""The arrays of a file as a Flax network takes them."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from flax import linen as nn

    from converters import Checkpoint, Match
    from lineage_jax.typing import Params


def in_flax(file: "Checkpoint", match: "Match", network: "nn.Module", input_shape: tuple[int, int, int]) -> "Params":
    """Brings the arrays of a file to Flax's names and layouts in float32; a head that it lacks becomes zeros.

    Args:
        file: what was read.
        match: the entry that it was recognised as.
        network: the network of that entry.
        input_shape: one image `(h, w, c)`.
    """
    import numpy as np

    import converters
    from lineage_jax import models

    target = models.shapes_of(network, input_shape)
    tensors = in_float32(match.select(file.tensors))
    if not match.headless:
        return converters.to_flax(tensors, target, match.entry).variables
    head = f"params/{network.head}/"
    body = {path: shape for path, shape in target.items() if not path.startswith(head)}
    variables = converters.to_flax(tensors, body, match.entry).variables
    leaves = {path.removeprefix(head): shape for path, shape in target.items() if path.startswith(head)}
    variables["params"][network.head] = {leaf: np.zeros(shape, np.float32) for leaf, shape in leaves.items()}
    return variables


def in_float32(tensors: Mapping[str, "np.ndarray"]) -> dict[str, "np.ndarray"]:
    """Brings floating-point arrays of any precision to float32; others, and float32 itself, stay as they are."""
    import jax.numpy as jnp

    return {
        name: array.astype("float32", copy=False) if jnp.issubdtype(array.dtype, jnp.floating) else array
        for name, array in tensors.items()
    }
