"""MobileNetV3 with torchvision's names."""

import functools
from collections.abc import Callable, Sequence
from typing import NamedTuple

import flax.linen as nn
from jaxtyping import Array, Float, Shaped

from lineage_jax.models._inverted_residual import ConvNormActivation, InvertedResidual, SqueezeExcitation, divisible
from lineage_jax.models._layers import (
    Activation,
    GlobalAveragePool,
    Sequential,
    batch_norm,
    check_images,
    check_sizes,
    convolution,
)

STEM = 16
"""Channels of the first convolution."""


class Block(NamedTuple):
    """One row of the paper's tables 1 and 2.

    Attributes:
        kernel: side of the convolution of each channel.
        inner: number of channels inside.
        width: number of output channels.
        squeezed: whether the channels are weighed.
        swish: whether the activation is the hard swish, not ReLU.
        stride: step of the convolution of each channel.
        dilation: distance between the pixels it sees.
    """

    kernel: int
    inner: int
    width: int
    squeezed: bool
    swish: bool
    stride: int
    dilation: int = 1


LARGE = (
    Block(3, 16, 16, False, False, 1),
    Block(3, 64, 24, False, False, 2),
    Block(3, 72, 24, False, False, 1),
    Block(5, 72, 40, True, False, 2),
    Block(5, 120, 40, True, False, 1),
    Block(5, 120, 40, True, False, 1),
    Block(3, 240, 80, False, True, 2),
    Block(3, 200, 80, False, True, 1),
    Block(3, 184, 80, False, True, 1),
    Block(3, 184, 80, False, True, 1),
    Block(3, 480, 112, True, True, 1),
    Block(3, 672, 112, True, True, 1),
    Block(5, 672, 160, True, True, 2),
    Block(5, 960, 160, True, True, 1),
    Block(5, 960, 160, True, True, 1),
)
SMALL = (
    Block(3, 16, 16, True, False, 2),
    Block(3, 72, 24, False, False, 2),
    Block(3, 88, 24, False, False, 1),
    Block(5, 96, 40, True, True, 2),
    Block(5, 240, 40, True, True, 1),
    Block(5, 240, 40, True, True, 1),
    Block(5, 120, 48, True, True, 1),
    Block(5, 144, 48, True, True, 1),
    Block(5, 288, 96, True, True, 2),
    Block(5, 576, 96, True, True, 1),
    Block(5, 576, 96, True, True, 1),
)


def layers(blocks: Sequence[Block], *, norm: Callable[..., nn.Module]) -> tuple[Callable[..., nn.Module], ...]:
    """Returns what makes the first convolution, the blocks and the last convolution."""
    first = functools.partial(ConvNormActivation, STEM, 3, activation=nn.hard_swish, stride=2, norm=norm)
    last = functools.partial(ConvNormActivation, 6 * blocks[-1].width, 1, activation=nn.hard_swish, norm=norm)
    return (first, *(residual(block, norm=norm) for block in blocks), last)


def residual(block: Block, *, norm: Callable[..., nn.Module]) -> Callable[..., nn.Module]:
    """Returns what makes one block."""
    return functools.partial(
        InvertedResidual,
        block.inner,
        block.width,
        block.kernel,
        block.stride,
        squeeze=weighing(block.inner) if block.squeezed else None,
        unit=functools.partial(
            ConvNormActivation,
            activation=nn.hard_swish if block.swish else nn.relu,
            conv=functools.partial(convolution, dilation=block.dilation),  # makes no difference to one pixel
            norm=norm,
        ),
    )


def weighing(channels: int) -> Callable[..., nn.Module]:
    """Returns what makes the module that weighs so many channels."""
    return functools.partial(SqueezeExcitation, divisible(channels // 4), activation=nn.relu, gate=nn.hard_sigmoid)


class MobileNetV3(nn.Module):
    """`features` (`0` the first convolution, then the blocks, then the last convolution), `avgpool` and the classifier.

    The classifier is `classifier0`, its activation `classifier1` and the head `classifier3`.

    Attributes:
        num_classes: number of logits.
        blocks: what stands between the first and the last convolution.
        hidden: number of units before the head.
        epsilon: of every normalisation; torchvision has 1e-3, timm 1e-5.
        momentum: of every normalisation's statistics, in Flax's convention; torchvision has 0.99, timm 0.9.
    """

    num_classes: int
    blocks: tuple[Block, ...]
    hidden: int
    epsilon: float = 1e-3
    momentum: float = 0.99

    @property
    def taps(self) -> tuple[str, ...]:
        """Feature layers from input to output; the last one feeds the head."""
        return (*(f"features/{index}" for index in range(len(self.blocks) + 2)), "avgpool", "classifier1")

    @property
    def head(self) -> str:
        """Name of the final dense layer."""
        return "classifier3"

    @nn.compact
    def __call__(self, images: Shaped[Array, "..."], *, train: bool = False) -> Float[Array, "n c"]:
        """Returns the logits; with `train` the batch's own statistics normalise, and `batch_stats` must be mutable."""
        check_images(images)
        norm = functools.partial(batch_norm, epsilon=self.epsilon, momentum=self.momentum)
        x = Sequential(layers(self.blocks, norm=norm), name="features")(images, train=train)
        x = GlobalAveragePool(name="avgpool")(x)
        x = nn.Dense(self.hidden, name="classifier0")(x)
        x = Activation(nn.hard_swish, name="classifier1")(x)
        return nn.Dense(self.num_classes, name=self.head)(x)


def mobilenet_v3_large(num_classes: int = 1000, *, epsilon: float = 1e-3, momentum: float = 0.99) -> MobileNetV3:
    """Returns MobileNetV3-Large; the dropout before the head in training is left out.

    Args:
        num_classes: number of logits.
        epsilon: of every normalisation.
        momentum: of every normalisation's statistics, in Flax's convention.

    Raises:
        ValueError: If `num_classes` is not positive.

    References:
        Howard et al., "Searching for MobileNetV3", ICCV 2019, table 1.

    Examples:
        >>> len(mobilenet_v3_large().taps)
        19
    """
    check_sizes(num_classes, (STEM,))
    return MobileNetV3(num_classes=num_classes, blocks=LARGE, hidden=1280, epsilon=epsilon, momentum=momentum)


def mobilenet_v3_small(num_classes: int = 1000, *, epsilon: float = 1e-3, momentum: float = 0.99) -> MobileNetV3:
    """Returns MobileNetV3-Small, of the paper's table 2; see `mobilenet_v3_large`."""
    check_sizes(num_classes, (STEM,))
    return MobileNetV3(num_classes=num_classes, blocks=SMALL, hidden=1024, epsilon=epsilon, momentum=momentum)
