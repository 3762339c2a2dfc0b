"""Images at another size, pixel by pixel as PyTorch does it."""

from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float


def resize(x: Float[Array, "n h w d"], size: Sequence[int]) -> Float[Array, "n h2 w2 d"]:
    """Interpolates bilinearly between pixels that are areas (`align_corners=False`); shrinking does not average."""
    return jax.image.resize(x, (len(x), *size, x.shape[-1]), "bilinear", antialias=False)


def enlarge(x: Float[Array, "n h w d"], size: Sequence[int]) -> Float[Array, "n h2 w2 d"]:
    """Interpolates bilinearly between pixels that are points, the corners staying where they are (`align_corners`)."""
    for axis, new in zip((1, 2), size, strict=True):
        places = np.linspace(0, x.shape[axis] - 1, new)
        before = places.astype(int)
        after = np.minimum(before + 1, x.shape[axis] - 1)
        share = jnp.asarray(places - before, x.dtype).reshape(-1, *[1] * (3 - axis))
        x = (1 - share) * x.take(before, axis) + share * x.take(after, axis)
    return x
