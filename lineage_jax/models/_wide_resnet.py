"""The wide residual networks for CIFAR: normalisation and activation stand before the convolutions."""

import functools

import flax.linen as nn
from jaxtyping import Array, Float, Shaped

from lineage_jax.models._layers import GlobalAveragePool, ReLU, batch_norm, check_images, check_sizes, convolution
from lineage_jax.models._residual import stage

WIDTHS = (16, 32, 64)
"""Channels of every stage of a network of width 1."""


class PreactivatedBlock(nn.Module):
    """Two 3x3 convolutions, each after its normalisation and activation, around a shortcut.

    Where the number of channels changes, the shortcut is a 1x1 convolution `convShortcut` of the activated input.

    Attributes:
        width: number of output channels.
        stride: step of the first convolution.

    References:
        Zagoruyko and Komodakis, "Wide Residual Networks", BMVC 2016, figure 1c.
    """

    width: int
    stride: int

    @nn.compact
    def __call__(self, x: Float[Array, "n h w d"], *, train: bool) -> Float[Array, "n h2 w2 d2"]:
        y = batch_norm(train=train, name="bn1")(x)
        y = ReLU(name="relu1")(y)
        if x.shape[-1] != self.width:
            x = convolution(self.width, 1, stride=self.stride, name="convShortcut")(y)
        y = convolution(self.width, 3, stride=self.stride, name="conv1")(y)
        y = batch_norm(train=train, name="bn2")(y)
        y = ReLU(name="relu2")(y)
        return x + convolution(self.width, 3, name="conv2")(y)


class CifarWideResNet(nn.Module):
    """`conv1`, the stages `block1` to `block3`, `bn1`, `relu`, `avgpool` and the head `fc`.

    Attributes:
        num_classes: number of logits.
        depth: number of blocks of every stage.
        width: channels of every stage, in units of 16, 32 and 64.
    """

    num_classes: int
    depth: int
    width: int

    @property
    def taps(self) -> tuple[str, ...]:
        """Feature layers from input to output; the last one feeds the head."""
        return ("conv1", "block1", "block2", "block3", "relu", "avgpool")

    @property
    def head(self) -> str:
        """Name of the final dense layer."""
        return "fc"

    @nn.compact
    def __call__(self, images: Shaped[Array, "..."], *, train: bool = False) -> Float[Array, "n c"]:
        """Returns the logits; with `train` the batch's own statistics normalise, and `batch_stats` must be mutable."""
        check_images(images)
        x = convolution(WIDTHS[0], 3, name="conv1")(images)
        for number, width in enumerate(WIDTHS, start=1):
            block = functools.partial(PreactivatedBlock, width=width * self.width)
            x = stage(block, self.depth, stride=min(number, 2), name=f"block{number}")(x, train=train)
        x = batch_norm(train=train, name="bn1")(x)
        x = ReLU(name="relu")(x)
        x = GlobalAveragePool(name="avgpool")(x)
        return nn.Dense(self.num_classes, name=self.head)(x)


def cifar_wide_resnet16_1(num_classes: int = 10) -> CifarWideResNet:
    """Returns WRN-16-1: two blocks a stage, of the width of ResNets; the dropout of training is left out.

    Raises:
        ValueError: If `num_classes` is not positive.

    References:
        Zagoruyko and Komodakis, "Wide Residual Networks", BMVC 2016, table 1.

    Examples:
        >>> cifar_wide_resnet16_1().taps
        ('conv1', 'block1', 'block2', 'block3', 'relu', 'avgpool')
    """
    return _cifar_wide_resnet(num_classes, depth=2, width=1)


def cifar_wide_resnet40_2(num_classes: int = 10) -> CifarWideResNet:
    """Returns WRN-40-2: six blocks a stage, twice as wide; see `cifar_wide_resnet16_1`."""
    return _cifar_wide_resnet(num_classes, depth=6, width=2)


def _cifar_wide_resnet(num_classes: int, *, depth: int, width: int) -> CifarWideResNet:
    check_sizes(num_classes, WIDTHS)
    return CifarWideResNet(num_classes=num_classes, depth=depth, width=width)
