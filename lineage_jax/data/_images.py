"""A labelled image set as arrays."""

import dataclasses
from collections.abc import Sequence
from typing import Any

import jax
import numpy as np
from jaxtyping import Float32, Int32

from lineage_jax.data._pixels import check_finite


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Images:
    """Standardised images and their classes.

    Attributes:
        images: float32 `[n, h, w, c]`. Sources standardise them to mean zero and deviation one over the training
            images, `idx` over its own; this is not checked, and a choice of them has other moments.
        labels: int32 `[n]`, each in `[0, num_classes)`.
        num_classes: number of classes, of which some may have no example here.

    Raises:
        ValueError: If the set is empty, an array has another shape, a pixel is not finite or a label out of range.
    """

    images: Float32[np.ndarray, "..."]
    labels: Int32[np.ndarray, "..."]
    num_classes: int

    def __post_init__(self) -> None:
        """Checks the values once, where data enters."""
        _check_images(self.images)
        if self.labels.shape != self.images.shape[:1]:
            raise ValueError(f"expected one label an image, got {self.labels.shape} for {len(self.images)} images")
        if self.labels.min() < 0 or self.labels.max() >= self.num_classes:
            span = f"{self.labels.min()} to {self.labels.max()}"
            raise ValueError(f"expected labels from 0 to {self.num_classes - 1}, got {span}: relabel the classes")

    @property
    def targets(self) -> Int32[np.ndarray, " n"]:
        """Returns the labels, which are what a network is to say."""
        return self.labels

    def __len__(self) -> int:
        return len(self.images)


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Annotated:
    """Standardised images and more than a class of each, such as the class of every pixel, or boxes.

    Attributes:
        images: float32 `[n, h, w, c]`.
        targets: what is true of them, an array or nested dictionaries of arrays `[n, ...]`.
        num_classes: number of classes.

    Raises:
        ValueError: If the set is empty, an array has another number of rows, or a pixel is not finite.

    Examples:
        >>> tiles = np.zeros((2, 4, 4, 1), np.float32)
        >>> len(Annotated(images=tiles, targets=np.ones((2, 4, 4), np.int32), num_classes=2))
        2
    """

    images: Float32[np.ndarray, "..."]
    targets: Any
    num_classes: int

    def __post_init__(self) -> None:
        """Checks the values once, where data enters."""
        _check_images(self.images)
        found = {leaf.shape[:1] for leaf in jax.tree.leaves(self.targets)}
        if found != {self.images.shape[:1]}:
            rows = ", ".join(str(shape) for shape in sorted(found)) or "none"
            raise ValueError(f"expected targets of {len(self.images)} images in the first axis, got {rows}")

    def __len__(self) -> int:
        return len(self.images)


def _check_images(images: Float32[np.ndarray, "..."]) -> None:
    """Refuses no images, and pixels that are no numbers.

    Raises:
        ValueError: If there is no image, the rank is not four or a pixel is not finite.
    """
    if images.ndim != 4 or images.size == 0:
        raise ValueError(f"expected at least one image as [n, h, w, c], got shape {images.shape}")
    check_finite(images, "the images")


def select_classes(images: Images, classes: Sequence[int]) -> Images:
    """Returns the images of some classes, relabelled `0, 1, ...` in the order given.

    Raises:
        ValueError: If no class is named, one is named twice or one has no image.

    Examples:
        >>> pixels = np.eye(3, dtype="float32").reshape(3, 3, 1, 1)
        >>> three = Images(images=pixels, labels=np.arange(3, dtype="int32"), num_classes=3)
        >>> select_classes(three, (2, 0)).labels.tolist()
        [1, 0]
    """
    if not classes or len(set(classes)) < len(classes):
        raise ValueError(f"expected at least one class and none twice, got {tuple(classes)}")
    absent = [label for label in classes if label not in images.labels]
    if absent:
        raise ValueError(f"class {absent[0]} has no image among {images.num_classes} classes: name another")
    matches = images.labels[:, None] == np.asarray(classes)
    kept = matches.any(axis=1)
    labels = matches[kept].argmax(axis=1).astype(np.int32)
    return Images(images=images.images[kept], labels=labels, num_classes=len(classes))
