"""Pictures with more than a class: membranes with the class of every pixel, blood with the box of every cell.

Of every six files one is for tests; the others are halves that share no file: what parents learn, and what children do.
"""

import dataclasses
import functools
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np

from experiments.lab import images
from experiments.variety.boxes import Boxes
from experiments.variety.points import targets_of
from lineage_jax import data

HALVES = ("first", "second")

HELD_OUT = 6
"""Of so many files one is for tests."""

HEIGHT, WIDTH = 48, 64
"""Pixels to which a picture of blood is scaled, from 480 x 640."""

EDGES = ("xmin", "ymin", "xmax", "ymax")


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Blood(data.Annotated):
    """Pictures of blood cells; `targets` are those of every point.

    Attributes:
        boxes: by picture and class the boxes of the cells.
    """

    boxes: list[list[Boxes]]


def membranes(half: str, *, side: int, pooling: int) -> tuple[data.Annotated, data.Annotated]:
    """Reads tiles of brain tissue to learn and to test with; class 1 is a membrane, class 0 what lies between.

    Args:
        half: of the files that are not for tests.
        side: pixels of a tile.
        pooling: side of the squares that are averaged before; a square is of the class that most of it is.
    """
    train, test = _read_membranes(half, side, pooling)
    mean, deviation = train[0].mean(), train[0].std()
    learned, unseen = (
        data.Annotated(images=(pixels - mean) / deviation, targets=classes, num_classes=2)
        for pixels, classes in (train, test)
    )
    return learned, unseen


def blood(half: str, *, cells: Sequence[str]) -> tuple[Blood, Blood]:
    """Reads pictures of blood to learn, mirrored ones too, and to test with.

    Args:
        half: of the files that are not for tests.
        cells: the classes that are looked for.
    """
    learned, unseen = (_annotated(_read_blood(part), cells) for part in (half, "test"))
    return learned, unseen


def _part(number: int) -> str:
    return HALVES[number % 2] if number % HELD_OUT else "test"


@functools.cache
def _read_membranes(half: str, side: int, pooling: int) -> tuple[tuple[np.ndarray, np.ndarray], ...]:
    folder = images.root() / "images" / "membrane"
    parts: dict[str, list[tuple[np.ndarray, np.ndarray]]] = {"test": [], half: []}
    for number, path in enumerate(sorted((folder / "image").glob("*.png"), key=lambda path: int(path.stem))):
        if _part(number) in parts:
            pixels, inside = (_pooled(_read(folder / kind / path.name, "L"), pooling) for kind in ("image", "label"))
            parts[_part(number)] += zip(
                _tiles(pixels, side), _tiles((inside < 128).astype(np.int32), side), strict=True
            )
    stacked = [[np.stack(arrays) for arrays in zip(*parts[part], strict=True)] for part in (half, "test")]
    return tuple((pixels[..., None], classes) for pixels, classes in stacked)


def _tiles(picture: np.ndarray, side: int) -> list[np.ndarray]:
    starts = [range(0, length - side + 1, side) for length in picture.shape]
    return [picture[top : top + side, left : left + side] for top in starts[0] for left in starts[1]]


def _pooled(picture: np.ndarray, side: int) -> np.ndarray:
    h, w = picture.shape
    return picture.reshape(h // side, side, w // side, side).mean(axis=(1, 3)).astype(np.float32)


@functools.cache
def _read_blood(part: str) -> list[tuple[np.ndarray, dict[str, Boxes]]]:
    folder = images.root() / "images" / "bccd"
    read = []
    for number, path in enumerate(sorted((folder / "Annotations").glob("*.xml"))):
        if _part(number) == part:
            pixels = _read(folder / "JPEGImages" / path.with_suffix(".jpg").name, "RGB", size=(WIDTH, HEIGHT))
            read.append((pixels / np.float32(255), _boxes(path)))
    return read


def _boxes(path: Path) -> dict[str, Boxes]:
    """Returns by class the boxes of a file of Pascal VOC, scaled to the picture; boxes without a size are left out."""
    root = ElementTree.parse(path).getroot()
    size = np.array([float(root.findtext(f"size/{name}", "0")) for name in ("width", "height")] * 2)
    scale = np.array([WIDTH, HEIGHT, WIDTH, HEIGHT]) / size
    boxes: dict[str, list[np.ndarray]] = {}
    for cell in root.iter("object"):
        box = scale * [float(cell.findtext(f"bndbox/{edge}", "0")) for edge in EDGES]
        if (box[2:] > box[:2]).all():
            boxes.setdefault(cell.findtext("name", ""), []).append(box)
    return {name: np.array(of_name, np.float32) for name, of_name in boxes.items()}


def _annotated(read: Sequence[tuple[np.ndarray, dict[str, Boxes]]], cells: Sequence[str]) -> Blood:
    mean, deviation = (np.array(channel, np.float32) for channel in images.CHANNELS)
    none = np.zeros((0, 4), np.float32)
    both = [(pixels, [found.get(cell, none) for cell in cells]) for pixels, found in read]
    both += [(pixels[:, ::-1], [_mirrored(boxes) for boxes in found]) for pixels, found in both]
    targets = [_targets(boxes) for _, boxes in both]
    return Blood(
        images=np.stack([(pixels - mean) / deviation for pixels, _ in both]),
        targets={name: np.stack([each[name] for each in targets]) for name in targets[0]},
        num_classes=len(cells),
        boxes=[boxes for _, boxes in both],
    )


def _mirrored(boxes: Boxes) -> Boxes:
    return np.stack([WIDTH - boxes[:, 2], boxes[:, 1], WIDTH - boxes[:, 0], boxes[:, 3]], axis=-1)


def _targets(boxes: Sequence[Boxes]) -> dict[str, np.ndarray]:
    classes = np.repeat(np.arange(len(boxes)), [len(of_class) for of_class in boxes])
    return targets_of(np.concatenate(boxes), classes, (HEIGHT, WIDTH))


def _read(path: Path, mode: str, *, size: tuple[int, int] | None = None) -> np.ndarray:
    try:
        from PIL import Image
    except ImportError as error:
        raise ImportError("images in files are read by Pillow: pip install 'lineage-jax[experiments]'") from error
    with Image.open(path) as file:
        picture: Any = file.convert(mode)
        return np.asarray(picture.resize(size, Image.Resampling.BILINEAR) if size else picture, np.float32)
