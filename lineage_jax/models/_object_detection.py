"""Object detection: RetinaNet and FCOS on ResNet-50 with a feature pyramid, with torchvision's names.

They return what their heads say, before boxes are decoded and overlapping ones are dropped.
"""

from collections.abc import Sequence
from typing import ClassVar

import flax.linen as nn
import jax.numpy as jnp
from jaxtyping import Array, Float, Shaped

from lineage_jax.models._feature_pyramid import TAPS, WIDTH, PyramidBackbone
from lineage_jax.models._layers import check_images, check_sizes, convolution

DEPTH = 4
"""Convolutions of a tower."""

ANCHORS = 9
"""Boxes that RetinaNet starts from at every pixel of every level."""

COORDINATES = 4

Levels = Sequence[Float[Array, "n _ _ _"]]


class Tower(nn.Module):
    """Convolutions `conv_0`, `conv_1`, ... with ReLU, the same on every level.

    Attributes:
        norm: whether a normalisation `norm_*` of 32 groups of channels stands before ReLU.
    """

    norm: bool

    @nn.compact
    def __call__(self, levels: Levels) -> Levels:
        for index in range(DEPTH):
            conv = convolution(WIDTH, 3, bias=True, name=f"conv_{index}")
            levels = [conv(level) for level in levels]
            if self.norm:
                # Flax's fast variance loses digits where features are far from zero
                norm = nn.GroupNorm(32, epsilon=1e-5, use_fast_variance=False, name=f"norm_{index}")
                levels = [norm(level) for level in levels]
            levels = [nn.relu(level) for level in levels]
        return levels


class Scores(nn.Module):
    """A tower `conv` and a convolution `cls_logits`: numbers for every class at every anchor.

    Attributes:
        num_classes: number of logits an anchor.
        anchors: number of anchors a pixel.
        norm: see `Tower`.
    """

    num_classes: int
    anchors: int
    norm: bool

    @nn.compact
    def __call__(self, levels: Levels) -> Float[Array, "n a c"]:
        levels = Tower(self.norm, name="conv")(levels)
        last = convolution(self.anchors * self.num_classes, 3, bias=True, name="cls_logits")
        return joined([last(level) for level in levels], self.num_classes)


class Boxes(nn.Module):
    """A tower `conv` and a convolution `bbox_reg`: the coordinates of a box at every anchor.

    Attributes:
        anchors: number of anchors a pixel.
    """

    anchors: int

    @nn.compact
    def __call__(self, levels: Levels) -> Float[Array, "n a 4"]:
        levels = Tower(norm=False, name="conv")(levels)
        last = convolution(self.anchors * COORDINATES, 3, bias=True, name="bbox_reg")
        return joined([last(level) for level in levels], COORDINATES)


class CentredBoxes(nn.Module):
    """A tower `conv`; `bbox_reg`, how far the sides of a box are from a pixel; `bbox_ctrness`, how central that is."""

    @nn.compact
    def __call__(self, levels: Levels) -> tuple[Float[Array, "n a 4"], Float[Array, "n a 1"]]:
        levels = Tower(norm=True, name="conv")(levels)
        sides = convolution(COORDINATES, 3, bias=True, name="bbox_reg")
        centredness = convolution(1, 3, bias=True, name="bbox_ctrness")
        distances = nn.relu(joined([sides(level) for level in levels], COORDINATES))
        return distances, joined([centredness(level) for level in levels], 1)


class RetinaNetHead(nn.Module):
    """`classification_head` and `regression_head`.

    Attributes:
        num_classes: number of logits an anchor.
    """

    num_classes: int

    @nn.compact
    def __call__(self, levels: Levels) -> dict[str, Float[Array, "n a _"]]:
        scores = Scores(self.num_classes, ANCHORS, norm=False, name="classification_head")
        boxes = Boxes(ANCHORS, name="regression_head")
        return {"cls_logits": scores(levels), "bbox_regression": boxes(levels)}


class FCOSHead(nn.Module):
    """`classification_head` and `regression_head`.

    Attributes:
        num_classes: number of logits a pixel.
    """

    num_classes: int

    @nn.compact
    def __call__(self, levels: Levels) -> dict[str, Float[Array, "n a _"]]:
        cls_logits = Scores(self.num_classes, 1, norm=True, name="classification_head")(levels)
        boxes, centredness = CentredBoxes(name="regression_head")(levels)
        return {"cls_logits": cls_logits, "bbox_regression": boxes, "bbox_ctrness": centredness}


class RetinaNet(nn.Module):
    """`backbone` (see `PyramidBackbone`) and `head`.

    Attributes:
        num_classes: number of logits an anchor.
        epsilon: of the backbone's normalisations.
    """

    num_classes: int
    epsilon: float

    taps: ClassVar = TAPS
    head: ClassVar = "head"

    @nn.compact
    def __call__(self, images: Shaped[Array, "..."], *, train: bool = False) -> dict[str, Float[Array, "n a _"]]:
        """Returns the logits and coordinates of every anchor, from the finest level to the coarsest, row by row.

        `train` changes nothing, since the normalisations are frozen.
        """
        check_images(images)
        return RetinaNetHead(self.num_classes, name=self.head)(PyramidBackbone(self.epsilon, name="backbone")(images))


class FCOS(nn.Module):
    """`backbone` (see `PyramidBackbone`) and `head`.

    Attributes:
        num_classes: number of logits a pixel.
    """

    num_classes: int

    taps: ClassVar = TAPS
    head: ClassVar = "head"

    @nn.compact
    def __call__(self, images: Shaped[Array, "..."], *, train: bool = False) -> dict[str, Float[Array, "n a _"]]:
        """Returns the logits, distances and centredness of every pixel of the levels, from finest to coarsest.

        `train` changes nothing, since the normalisations are frozen.
        """
        check_images(images)
        return FCOSHead(self.num_classes, name=self.head)(PyramidBackbone(epsilon=1e-5, name="backbone")(images))


def joined(levels: Levels, numbers: int) -> Float[Array, "n a k"]:
    """Puts the anchors of all levels in one row, each with its numbers."""
    return jnp.concatenate([level.reshape(len(level), -1, numbers) for level in levels], axis=1)


def retinanet_resnet50_fpn(num_classes: int = 91, *, epsilon: float = 1e-5) -> RetinaNet:
    """Returns RetinaNet on ResNet-50.

    Args:
        num_classes: number of logits an anchor.
        epsilon: of the backbone's normalisations; 0 with torchvision's COCO weights and what was tuned from them.

    Raises:
        ValueError: If `num_classes` is not positive.

    References:
        Lin et al., "Focal Loss for Dense Object Detection", ICCV 2017.

    Examples:
        >>> retinanet_resnet50_fpn().head
        'head'
    """
    check_sizes(num_classes, (WIDTH,))
    return RetinaNet(num_classes=num_classes, epsilon=epsilon)


def fcos_resnet50_fpn(num_classes: int = 91) -> FCOS:
    """Returns FCOS on ResNet-50.

    Raises:
        ValueError: If `num_classes` is not positive.

    References:
        Tian et al., "FCOS: Fully Convolutional One-Stage Object Detection", ICCV 2019.

    Examples:
        >>> fcos_resnet50_fpn().taps[-1]
        'backbone/fpn/p7'
    """
    check_sizes(num_classes, (WIDTH,))
    return FCOS(num_classes=num_classes)
