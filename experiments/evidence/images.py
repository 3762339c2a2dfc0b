"""Four image sets of one shape that show unlike things: digits, clothes, blood cells, and membranes of brain tissue.

All are gray, 14 x 14 pixels or 7 x 7, of ten classes, of which the last two sets have examples of three and two: one
compiled program then serves every network of a kind.
"""

import dataclasses
import functools
import itertools
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np

from experiments.lab import images
from lineage_jax import data

SIDE, CLASSES = 14, 10

CELLS = ("RBC", "WBC", "Platelets")

HELD_OUT = 6
"""Of so many parts of the files one is for tests."""

Square = np.ndarray
"""Gray pixels [14, 14]."""


@functools.cache
def load(name: str, *, side: int, count: int) -> images.TrainTest:
    """Reads images to learn and images to test with.

    Args:
        name: `mnist`, `fashion_mnist`, `cells` or `membranes`.
        side: pixels of a side, 14 or 7.
        count: images to learn, and at most as many to test with; where there are fewer, mirrored ones are added.
    """
    if side != SIDE:
        train, test = (images.pooled(part, SIDE // side) for part in load(name, side=SIDE, count=count))
        return train, test
    if name in READERS:
        train, test = (_balanced(part, count) for part in READERS[name](images.root() / "images"))
        mean, deviation = train.images.mean(), train.images.std()
    else:
        train, test = (_drawn(part, count) for part in images.load_pooled(name, pooling=2))
        mean, deviation = np.float32(0), np.float32(1)
    train, test = (dataclasses.replace(part, images=(part.images - mean) / deviation) for part in (train, test))
    return train, test


def _drawn(part: data.Images, count: int) -> data.Images:
    chosen = np.random.default_rng(0).permutation(len(part))[:count]
    return dataclasses.replace(part, images=part.images[chosen], labels=part.labels[chosen])


def _balanced(squares: list[list[Square]], count: int) -> data.Images:
    """Draws equally many of each class, mirrored ones where they do not suffice, in a random order."""
    rng = np.random.default_rng(0)
    pixels, labels = [], []
    for label, of_class in enumerate(squares):
        mirrored = [flip(square) for flip in (np.fliplr, np.flipud, np.rot90) for square in of_class]
        chosen = rng.permutation(len(of_class))[: count // len(squares)]
        more = rng.permutation(len(mirrored))[: count // len(squares) - len(chosen)]
        pixels += [of_class[place] for place in chosen] + [mirrored[place] for place in more]
        labels += [label] * (len(chosen) + len(more))
    order = rng.permutation(len(pixels))
    return data.Images(
        images=np.stack(pixels)[order, ..., None].astype(np.float32),
        labels=np.array(labels, np.int32)[order],
        num_classes=CLASSES,
    )


def _cells(folder: Path) -> tuple[list[list[Square]], list[list[Square]]]:
    """Cuts out every cell of the files that annotations are there for: three classes."""
    train: list[list[Square]] = [[] for _ in CELLS]
    test: list[list[Square]] = [[] for _ in CELLS]
    for number, path in enumerate(sorted((folder / "bccd" / "Annotations").glob("*.xml"))):
        part = train if number % HELD_OUT else test
        picture = _gray(folder / "bccd" / "JPEGImages" / path.with_suffix(".jpg").name)
        for cell in ElementTree.parse(path).getroot().iter("object"):
            left, top, right, bottom = (int(cell.findtext(f"bndbox/{side}", "0")) for side in EDGES)
            if right - left > 1 and bottom - top > 1:
                square = picture.crop((left, top, right, bottom)).resize((SIDE, SIDE))
                part[CELLS.index(cell.findtext("name", ""))].append(np.asarray(square, np.float32))
    return train, test


EDGES = ("xmin", "ymin", "xmax", "ymax")


def _membranes(folder: Path) -> tuple[list[list[Square]], list[list[Square]]]:
    """Cuts tiles of 28 x 28 pixels and pools them; two classes: whether a membrane goes through the centre."""
    train: list[list[Square]] = [[], []]
    test: list[list[Square]] = [[], []]
    files = sorted((folder / "membrane" / "image").glob("*.png"))
    for number, path in enumerate(files):
        picture, mask = (np.asarray(_gray(folder / "membrane" / part / path.name)) for part in ("image", "label"))
        for top, left in itertools.product(range(0, picture.shape[0] - 2 * SIDE + 1, SIDE), repeat=2):
            tile = picture[top : top + 2 * SIDE, left : left + 2 * SIDE].astype(np.float32)
            inside = mask[top + SIDE, left + SIDE] > 127
            part = train if number % HELD_OUT else test
            part[int(inside)].append(tile.reshape(SIDE, 2, SIDE, 2).mean(axis=(1, 3)))
    return train, test


def _gray(path: Path) -> Any:
    try:
        from PIL import Image
    except ImportError as error:
        raise ImportError("images in files are read by Pillow: pip install 'lineage-jax[experiments]'") from error
    with Image.open(path) as image:
        return image.convert("L")


READERS = {"cells": _cells, "membranes": _membranes}
