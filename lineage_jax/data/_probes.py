"""Probe inputs from a file."""

from pathlib import Path

import numpy as np
from jaxtyping import Array, Float32, Shaped

from lineage_jax.data._files import GZIP, first_bytes, read_idx, read_npz, require_file
from lineage_jax.data._pixels import check_finite, moments, standardise, to_floats

KEYS = ("probes", "images", "x", "x_test")
"""Names under which an .npz file of several arrays may hold the probes; the first one found wins."""


def load_probes(path: str | Path) -> Float32[np.ndarray, "n ..."]:
    """Reads probes from an .npy, .npz or IDX file, the last gzipped or not.

    Floats are taken as they are, in float32. Values of uint8 are pixels: they are divided by 255, standardised to mean
    zero and deviation one over the whole file, and `[n, h, w]` becomes `[n, h, w, 1]`.

    Args:
        path: the file; an .npz file holds one array, or several of which one is called `probes`, `images`, `x` or
            `x_test`, of which the first found is taken.

    Returns:
        `[n, ...]`, whatever the rank.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If the file is malformed or needs unpickling, or the probes are none, not finite, of another dtype,
            or pixels that are all the same.
    """
    path = require_file(path, "a file of probes")
    values = _read(path)
    if values.ndim == 0 or values.size == 0:
        raise ValueError(f"expected at least one probe in {path}, got an array of shape {values.shape}")
    floats = to_floats(values)
    check_finite(floats, f"the probes of {path}")
    if values.dtype != np.uint8:
        return floats
    mean, std = moments(floats)
    pixels = standardise(floats, mean=mean, std=std)
    return pixels[..., None] if pixels.ndim == 3 else pixels


def check_input_shape(inputs: Shaped[np.ndarray, "n ..."] | Shaped[Array, "n ..."], shape: tuple[int, ...]) -> None:
    """Refuses probes that are not what a network takes.

    Args:
        inputs: `[n, ...]`.
        shape: one input of the network, such as `(h, w, c)`.

    Raises:
        ValueError: If they are not.

    Examples:
        >>> check_input_shape(np.zeros((4, 28, 28, 1)), (32, 32, 3))
        Traceback (most recent call last):
            ...
        ValueError: expected probes of shape [n, 32, 32, 3], got (4, 28, 28, 1)
    """
    if inputs.shape[1:] != shape:
        raise ValueError(f"expected probes of shape [n, {', '.join(map(str, shape))}], got {inputs.shape}")


def _read(path: Path) -> Shaped[np.ndarray, "..."]:
    start = first_bytes(path)
    if start.startswith((b"\0\0", GZIP)):
        return read_idx(path)
    if start.startswith((b"\x93NUMPY", b"PK")):
        return _choose(read_npz(path), path)
    raise ValueError(f"expected probes as .npy, .npz or IDX, got {path} that starts with {start!r}: save them as .npy")


def _choose(arrays: dict[str, np.ndarray], path: Path) -> Shaped[np.ndarray, "..."]:
    names = list(arrays) if len(arrays) == 1 else [key for key in KEYS if key in arrays]
    if not names:
        raise ValueError(f"expected one array or one of the keys {', '.join(KEYS)} in {path}, got {list(arrays)}")
    return arrays[names[0]]
