"""What may be done to features before they are compared; measures do what belongs to their definition themselves."""

from jaxtyping import Array, Float

from lineage_jax.similarity._standardise import centred, rescaled
from lineage_jax.similarity._zero_safe import clipped_root, ratio


def centre(features: Float[Array, "n d"]) -> Float[Array, "n d"]:
    """Subtracts each feature's mean over the examples; a constant feature becomes exactly zero.

    Examples:
        >>> import jax.numpy as jnp
        >>> centre(jnp.array([[1.0, 5.0], [3.0, 5.0]])).tolist()
        [[-1.0, 0.0], [1.0, 0.0]]
    """
    return centred(features)


def normalise(features: Float[Array, "n d"]) -> Float[Array, "n d"]:
    """Brings each example's features to length 1; a row of zeros stays.

    Examples:
        >>> import jax.numpy as jnp
        >>> [[round(x, 4) for x in row] for row in normalise(jnp.array([[3.0, 4.0], [0.0, 0.0]])).tolist()]
        [[0.6, 0.8], [0.0, 0.0]]
    """
    largest = rescaled(features, axis=1)
    return ratio(largest, clipped_root((largest * largest).sum(axis=1, keepdims=True), degree=2))


def pool(features: Float[Array, "n h w c"]) -> Float[Array, "n c"]:
    """Averages the features of a convolution over the image, so that where something is seen does not matter.

    Raises:
        ValueError: If the features are not `[n, h, w, c]`.

    Examples:
        >>> import jax.numpy as jnp
        >>> pool(jnp.ones((5, 4, 4, 3))).shape
        (5, 3)
    """
    if features.ndim != 4:
        raise ValueError(f"expected features of a convolution [n, h, w, c], got {features.shape}; leave others alone")
    return features.mean(axis=(1, 2))
