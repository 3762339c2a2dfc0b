"""SSDLite on MobileNetV3-Large with a reduced tail, with torchvision's names.

It returns what its head says, before boxes are decoded and overlapping ones are dropped.
"""

import functools
from collections.abc import Callable, Sequence
from typing import ClassVar

import flax.linen as nn
from jaxtyping import Array, Float, Shaped

from lineage_jax.models._inverted_residual import ConvNormActivation
from lineage_jax.models._layers import Sequential, batch_norm, check_images, check_sizes, convolution
from lineage_jax.models._mobilenet_v3 import LARGE, layers, weighing
from lineage_jax.models._object_detection import COORDINATES, Levels, joined

SPLIT = 12
"""Number of the block inside which the backbone is split; it and those after it have half the usual channels."""

BLOCKS = (
    *LARGE[:SPLIT],
    LARGE[SPLIT]._replace(width=80),
    *(block._replace(inner=480, width=80) for block in LARGE[SPLIT + 1 :]),
)
EXTRAS = (512, 256, 256, 128)
"""Channels of the levels beyond the backbone; each has half the side of the one before."""

ANCHORS = 6
"""Boxes that the network starts from at every pixel of every level."""

norm = functools.partial(batch_norm, epsilon=1e-3, momentum=0.97)
unit = functools.partial(ConvNormActivation, activation=nn.relu6, norm=norm)


class SSDLiteBackbone(nn.Module):
    """`features_0`, up to the middle of a block, `features_1`, the rest, and `extra_0` to `extra_3`."""

    @nn.compact
    def __call__(self, images: Float[Array, "n h w c"], *, train: bool) -> Sequence[Float[Array, "n _ _ _"]]:
        """Returns six levels from the largest to the smallest."""
        made = layers(BLOCKS, norm=norm)
        before, after = made[: SPLIT + 1], made[SPLIT + 2 :]
        block = BLOCKS[SPLIT]
        swish = functools.partial(unit, activation=nn.hard_swish)
        widen = functools.partial(swish, block.inner, 1)
        rest = (
            functools.partial(swish, block.inner, block.kernel, stride=block.stride, groups=block.inner),
            weighing(block.inner),
            functools.partial(unit, block.width, 1, activation=None),
        )
        features_1: tuple[Callable[..., nn.Module], ...] = (functools.partial(Sequential, rest), *after)
        levels = [Sequential((*before, widen), name="features_0")(images, train=train)]
        levels.append(Sequential(features_1, name="features_1")(levels[-1], train=train))
        for index, width in enumerate(EXTRAS):
            inner = width // 2
            halve = functools.partial(unit, inner, 3, stride=2, groups=inner)
            extra = (functools.partial(unit, inner, 1), halve, functools.partial(unit, width, 1))
            levels.append(Sequential(extra, name=f"extra_{index}")(levels[-1], train=train))
        return levels


class Prediction(nn.Module):
    """A convolution of each channel `0`, normalised, and a 1x1 convolution `1`.

    Attributes:
        width: number of output channels.
    """

    width: int

    @nn.compact
    def __call__(self, x: Float[Array, "n h w d"], *, train: bool) -> Float[Array, "n h w d2"]:
        x = unit(x.shape[-1], 3, groups=x.shape[-1], name="0")(x, train=train)
        return convolution(self.width, 1, bias=True, name="1")(x)


class Predictions(nn.Module):
    """`module_list_0` to `module_list_5`, one for each level: some numbers for every anchor.

    Attributes:
        numbers: of every anchor.
    """

    numbers: int

    @nn.compact
    def __call__(self, levels: Levels, *, train: bool) -> Float[Array, "n a k"]:
        width = ANCHORS * self.numbers
        modules = [Prediction(width, name=f"module_list_{index}") for index in range(len(levels))]
        found = [module(level, train=train) for module, level in zip(modules, levels, strict=True)]
        return joined(found, self.numbers)


class SSDLiteHead(nn.Module):
    """`classification_head` and `regression_head`.

    Attributes:
        num_classes: number of logits an anchor.
    """

    num_classes: int

    @nn.compact
    def __call__(self, levels: Levels, *, train: bool) -> dict[str, Float[Array, "n a _"]]:
        cls_logits = Predictions(self.num_classes, name="classification_head")(levels, train=train)
        boxes = Predictions(COORDINATES, name="regression_head")(levels, train=train)
        return {"cls_logits": cls_logits, "bbox_regression": boxes}


class SSDLite(nn.Module):
    """`backbone` (see `SSDLiteBackbone`) and `head`.

    Attributes:
        num_classes: number of logits an anchor.
    """

    num_classes: int

    taps: ClassVar = (
        "backbone/features_0",
        "backbone/features_1",
        *(f"backbone/extra_{index}" for index in range(len(EXTRAS))),
    )
    head: ClassVar = "head"

    @nn.compact
    def __call__(self, images: Shaped[Array, "..."], *, train: bool = False) -> dict[str, Float[Array, "n a _"]]:
        """Returns the logits and coordinates of every anchor, from the finest level to the coarsest, row by row.

        With `train` the batch's own statistics normalise, and `batch_stats` must be mutable.
        """
        check_images(images)
        levels = SSDLiteBackbone(name="backbone")(images, train=train)
        return SSDLiteHead(self.num_classes, name=self.head)(levels, train=train)


def ssdlite320_mobilenet_v3_large(num_classes: int = 91) -> SSDLite:
    """Returns SSDLite for images of 320x320 pixels.

    Args:
        num_classes: number of logits an anchor, background included.

    Raises:
        ValueError: If `num_classes` is not positive.

    References:
        Howard et al., "Searching for MobileNetV3", ICCV 2019, section 6.3.
        Sandler et al., "MobileNetV2: Inverted Residuals and Linear Bottlenecks", CVPR 2018, section 6.2.

    Examples:
        >>> ssdlite320_mobilenet_v3_large().taps[:2]
        ('backbone/features_0', 'backbone/features_1')
    """
    check_sizes(num_classes, (ANCHORS,))
    return SSDLite(num_classes=num_classes)
