"""From stored pixels to standardised float32."""

import numpy as np
from jaxtyping import Float, Float32, Shaped


def to_images(pixels: Shaped[np.ndarray, "..."]) -> Float32[np.ndarray, "n h w c"]:
    """Returns pixels as float32 images: uint8 is divided by 255, floats stay as they are, a missing channel is added.

    Raises:
        ValueError: If the pixels are neither uint8 nor floats, no `[n, h, w]` or `[n, h, w, c]`, or none.
    """
    if pixels.ndim not in (3, 4) or pixels.size == 0:
        raise ValueError(f"expected at least one image as [n, h, w] or [n, h, w, c], got shape {pixels.shape}")
    images = to_floats(pixels)
    return images if images.ndim == 4 else images[..., None]


def to_floats(values: Shaped[np.ndarray, "*shape"]) -> Float32[np.ndarray, "*shape"]:
    """Returns float32: uint8 divided by 255, floats as they are.

    Raises:
        ValueError: If the values are neither uint8 nor floats.
    """
    if values.dtype != np.uint8 and not np.issubdtype(values.dtype, np.floating):
        raise ValueError(f"expected uint8 or floats, got {values.dtype}: save the array as one of these")
    with np.errstate(over="ignore"):  # what float32 cannot hold turns infinite, and the check of values refuses it
        floats = values.astype(np.float32)
    return floats / np.float32(255) if values.dtype == np.uint8 else floats


def moments(images: Float32[np.ndarray, "..."]) -> tuple[float, float]:
    """Returns mean and standard deviation over all pixels and channels, accumulated in float64.

    Raises:
        ValueError: If a value is not finite, or all are the same, so that nothing can be standardised.
    """
    check_finite(images, "the images")
    mean, std = float(np.mean(images, dtype=np.float64)), float(np.std(images, dtype=np.float64))
    if images.min() == images.max():
        raise ValueError(f"expected images that differ somewhere, got {images.flat[0]} in every pixel")
    return mean, std


def standardise(images: Float32[np.ndarray, "*shape"], *, mean: float, std: float) -> Float32[np.ndarray, "*shape"]:
    """Returns `(images - mean) / std` in float32."""
    return (images - np.float32(mean)) / np.float32(std)


def check_finite(values: Float[np.ndarray, "..."], what: str) -> None:
    """Refuses NaN and infinity.

    Raises:
        ValueError: Saying how many values are not finite and where the first one is.
    """
    bad = ~np.isfinite(values)
    if bad.any():
        first = tuple(int(index) for index in np.unravel_index(bad.argmax(), bad.shape))
        raise ValueError(f"expected finite numbers in {what}, got {bad.sum()} NaN or infinite, the first at {first}")
