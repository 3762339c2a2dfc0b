"""The image sets that experiments read, and how their pixels are pooled."""

import dataclasses
import os
from pathlib import Path

from lineage_jax import data


def load(name: str) -> tuple[data.Images, data.Images]:
    """Reads training and test images of a set from `$LINEAGE_DATA/images` (default: `../shared/data/images`)."""
    default = Path(__file__).parents[2] / "shared" / "data"
    return data.npz(Path(os.environ.get("LINEAGE_DATA", default)) / "images" / f"{name}.npz")


def pooled(images: data.Images, side: int) -> data.Images:
    """Averages squares of `side` x `side` pixels."""
    n, h, w, c = images.images.shape
    squares = images.images.reshape(n, h // side, side, w // side, side, c)
    return dataclasses.replace(images, images=squares.mean(axis=(2, 4)))
