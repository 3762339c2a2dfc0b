"""The image sets that experiments read, pooled or cut to classes, and the probes drawn from them."""

import dataclasses
import functools
import os
from collections.abc import Sequence
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np

from lineage_jax import data

CHANNELS = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
"""Mean and deviation of the channels by which networks for ImageNet take their pixels."""

TrainTest = tuple[data.Images, data.Images]
"""Images to learn, and images of the same classes that nobody learns."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class FamilyImages:
    """What a family sees: parents learn `source`, children `target`, probes come from what no child has seen."""

    source: data.Images
    target: data.Images
    unseen: data.Images


def root() -> Path:
    """Returns `$LINEAGE_DATA`, by default the folder of shared data beside the repository."""
    return Path(os.environ.get("LINEAGE_DATA", Path(__file__).parents[3] / "shared" / "data"))


def load_family_images(source: str, target: str, *, pooling: int) -> FamilyImages:
    """Reads what the parents and the children of a family learn, with pixels pooled."""
    train, _ = load_pooled(source, pooling=pooling)
    other, unseen = load_pooled(target, pooling=pooling)
    return FamilyImages(source=train, target=other, unseen=unseen)


@functools.cache
def load_pooled(name: str, *, pooling: int) -> TrainTest:
    """Reads training and test images of `$LINEAGE_DATA/images/<name>.npz` and pools their pixels."""
    train, test = data.npz(root() / "images" / f"{name}.npz")
    return pooled(train, pooling), pooled(test, pooling)


def pooled(images: data.Images, side: int) -> data.Images:
    """Averages squares of `side` x `side` pixels."""
    n, h, w, c = images.images.shape
    squares = images.images.reshape(n, h // side, side, w // side, side, c)
    return dataclasses.replace(images, images=squares.mean(axis=(2, 4)))


def of_classes(both: TrainTest, classes: Sequence[int], *, count: int) -> TrainTest:
    """Returns training and test images of some classes, all where none is named; to train at most `count`.

    These are drawn at random, always the same ones: files may be sorted by class.
    """
    train, test = (data.select_classes(images, classes) if classes else images for images in both)
    drawn = np.random.default_rng(0).permutation(len(train))[:count]
    return dataclasses.replace(train, images=train.images[drawn], labels=train.labels[drawn]), test


def draw_probes(images: data.Images, count: int, *, seed: int) -> jax.Array:
    """Draws probes from images that no child has seen."""
    return jnp.asarray(data.probes(images, count, seed=seed))


@functools.cache
def load_folder(name: str, *, side: int, per_class: int) -> TrainTest:
    """Reads the first images of every class of `$LINEAGE_DATA/images/<name>/{train,test}/<class>/`, in order of names.

    Raises:
        FileNotFoundError: If there is no such folder.
    """
    train, test = (_read_classes(root() / "images" / name / part, side, per_class) for part in ("train", "test"))
    return train, test


def read_square(file: Path, side: int) -> np.ndarray:
    """Returns the square in the middle of an image, `[side, side, 3]`, scaled and standardised.

    Raises:
        ImportError: If Pillow is not installed.
    """
    try:
        from PIL import Image, ImageOps
    except ImportError as error:
        raise ImportError("images in folders are read by Pillow: pip install 'lineage-jax[experiments]'") from error
    with Image.open(file) as image:
        square = ImageOps.fit(image.convert("RGB"), (side, side), Image.Resampling.BILINEAR)
    mean, deviation = (np.array(channel, np.float32) for channel in CHANNELS)
    return (np.asarray(square, np.float32) / 255 - mean) / deviation


def _read_classes(folder: Path, side: int, per_class: int) -> data.Images:
    classes = sorted(path for path in folder.iterdir() if path.is_dir())
    files = [(file, label) for label, path in enumerate(classes) for file in sorted(path.iterdir())[:per_class]]
    pixels = np.stack([read_square(file, side) for file, _ in files])
    labels = np.array([label for _, label in files], np.int32)
    order = np.random.default_rng(0).permutation(len(files))  # so that the first ones are of all classes
    return data.Images(images=pixels[order], labels=labels[order], num_classes=len(classes))
