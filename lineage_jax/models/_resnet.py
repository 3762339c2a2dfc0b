"""The residual networks for ImageNet, with torchvision's names."""

import functools
from collections.abc import Callable
from typing import Any

import flax.linen as nn
from jaxtyping import Array, Float, Shaped

from lineage_jax.models._layers import (
    GlobalAveragePool,
    MaxPool,
    ReLU,
    batch_norm,
    check_images,
    check_sizes,
    convolution,
)
from lineage_jax.models._residual import BasicBlock, Bottleneck, stage

WIDTHS = (64, 128, 256, 512)
"""Channels of every stage of basic blocks."""

EXPANSION = 4
"""Output channels of a bottleneck, in units of the stage's width."""


def stem(images: Float[Array, "n h w c"], *, norm: Callable[..., nn.Module], train: bool) -> Float[Array, "n h2 w2 d"]:
    """Calls `conv1`, `bn1`, `relu` and `maxpool`, modules of the network that calls this, on images."""
    x = convolution(WIDTHS[0], 7, stride=2, name="conv1")(images)
    x = norm(train=train, name="bn1")(x)
    x = ReLU(name="relu")(x)
    return MaxPool(window=3, stride=2, padding=1, name="maxpool")(x)


class ResNet(nn.Module):
    """`conv1`, `bn1`, `relu`, `maxpool`, the stages `layer1` to `layer4`, `avgpool` and the head `fc`.

    Attributes:
        num_classes: number of logits.
        depths: number of blocks of every stage.
        bottleneck: whether the blocks are bottlenecks, with four times the output channels.
        widening: channels inside a bottleneck, in units of the stage's width.
        groups: of the channels inside a bottleneck.
    """

    num_classes: int
    depths: tuple[int, ...]
    bottleneck: bool = False
    widening: int = 1
    groups: int = 1

    @property
    def taps(self) -> tuple[str, ...]:
        """Feature layers from input to output; the last one feeds the head."""
        return ("relu", *(f"layer{number}" for number in range(1, len(self.depths) + 1)), "avgpool")

    @property
    def head(self) -> str:
        """Name of the final dense layer."""
        return "fc"

    @nn.compact
    def __call__(self, images: Shaped[Array, "..."], *, train: bool = False) -> Float[Array, "n c"]:
        """Returns the logits; with `train` the batch's own statistics normalise, and `batch_stats` must be mutable."""
        check_images(images)
        x = stem(images, norm=batch_norm, train=train)
        for number, (depth, width) in enumerate(zip(self.depths, WIDTHS, strict=True), start=1):
            blocks = stage(self._block(width), depth, stride=min(number, 2), name=f"layer{number}")
            x = blocks(x, train=train)
        x = GlobalAveragePool(name="avgpool")(x)
        return nn.Dense(self.num_classes, name=self.head)(x)

    def _block(self, width: int) -> Callable[..., nn.Module]:
        if not self.bottleneck:
            return functools.partial(BasicBlock, width=width)
        inner = width * self.widening
        return functools.partial(Bottleneck, width=width * EXPANSION, inner=inner, groups=self.groups)


def resnet18(num_classes: int = 1000) -> ResNet:
    """Returns ResNet-18: two basic blocks a stage.

    Raises:
        ValueError: If `num_classes` is not positive.

    References:
        He et al., "Deep Residual Learning for Image Recognition", CVPR 2016, table 1.

    Examples:
        >>> resnet18(num_classes=10).taps
        ('relu', 'layer1', 'layer2', 'layer3', 'layer4', 'avgpool')
    """
    return _resnet(num_classes, (2, 2, 2, 2))


def resnet34(num_classes: int = 1000) -> ResNet:
    """Returns ResNet-34: 3, 4, 6 and 3 basic blocks; see `resnet18`."""
    return _resnet(num_classes, (3, 4, 6, 3))


def resnet50(num_classes: int = 1000) -> ResNet:
    """Returns ResNet-50: 3, 4, 6 and 3 bottlenecks; see `resnet18`."""
    return _resnet(num_classes, (3, 4, 6, 3), bottleneck=True)


def resnet101(num_classes: int = 1000) -> ResNet:
    """Returns ResNet-101: 3, 4, 23 and 3 bottlenecks; see `resnet18`."""
    return _resnet(num_classes, (3, 4, 23, 3), bottleneck=True)


def wide_resnet50_2(num_classes: int = 1000) -> ResNet:
    """Returns Wide ResNet-50-2: ResNet-50 with twice the channels inside its bottlenecks.

    Raises:
        ValueError: If `num_classes` is not positive.

    References:
        Zagoruyko and Komodakis, "Wide Residual Networks", BMVC 2016, section 3.3.
    """
    return _resnet(num_classes, (3, 4, 6, 3), bottleneck=True, widening=2)


def resnext50_32x4d(num_classes: int = 1000) -> ResNet:
    """Returns ResNeXt-50 32x4d: bottlenecks with 32 groups of channels, four of them each in the first stage.

    Raises:
        ValueError: If `num_classes` is not positive.

    References:
        Xie et al., "Aggregated Residual Transformations for Deep Neural Networks", CVPR 2017, table 1.
    """
    return _resnet(num_classes, (3, 4, 6, 3), bottleneck=True, widening=2, groups=32)


def _resnet(num_classes: int, depths: tuple[int, ...], **blocks: Any) -> ResNet:
    check_sizes(num_classes, WIDTHS)
    return ResNet(num_classes=num_classes, depths=depths, **blocks)
