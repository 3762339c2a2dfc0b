"""EfficientNet with torchvision's names."""

import functools
from collections.abc import Callable
from typing import NamedTuple

import flax.linen as nn
from jaxtyping import Array, Float, Shaped

from lineage_jax.models._inverted_residual import ConvNormActivation, InvertedResidual, SqueezeExcitation
from lineage_jax.models._layers import (
    GlobalAveragePool,
    Sequential,
    batch_norm,
    check_images,
    check_sizes,
    convolution,
)

STEM, LAST = 32, 1280
"""Channels of the first and of the last convolution."""


class Stage(NamedTuple):
    """One row of the paper's table 1.

    Attributes:
        widening: channels inside a block, in units of its input channels.
        kernel: side of the convolution of each channel.
        stride: step of the first block.
        width: number of output channels.
        depth: number of blocks.
    """

    widening: int
    kernel: int
    stride: int
    width: int
    depth: int


B0 = (
    Stage(1, 3, 1, 16, 1),
    Stage(6, 3, 2, 24, 2),
    Stage(6, 5, 2, 40, 2),
    Stage(6, 3, 2, 80, 3),
    Stage(6, 5, 1, 112, 3),
    Stage(6, 5, 2, 192, 4),
    Stage(6, 3, 1, 320, 1),
)


class EfficientNet(nn.Module):
    """`features` (`0` the first convolution, then the stages, then the last convolution), `avgpool`, the head.

    Attributes:
        num_classes: number of logits.
        stages: what stands between the first and the last convolution.
        epsilon: of every normalisation; 1e-3 in networks trained in TensorFlow.
        same_padding: whether strided convolutions are padded as in TensorFlow, not alike on both sides.
    """

    num_classes: int
    stages: tuple[Stage, ...]
    epsilon: float = 1e-5
    same_padding: bool = False

    @property
    def taps(self) -> tuple[str, ...]:
        """Feature layers from input to output; the last one feeds the head."""
        return (*(f"features/{index}" for index in range(len(self.stages) + 2)), "avgpool")

    @property
    def head(self) -> str:
        """Name of the final dense layer."""
        return "classifier1"

    @nn.compact
    def __call__(self, images: Shaped[Array, "..."], *, train: bool = False) -> Float[Array, "n c"]:
        """Returns the logits; with `train` the batch's own statistics normalise, and `batch_stats` must be mutable."""
        check_images(images)
        unit = functools.partial(
            ConvNormActivation,
            activation=nn.silu,
            conv=functools.partial(convolution, padding="SAME") if self.same_padding else convolution,
            norm=functools.partial(batch_norm, epsilon=self.epsilon),
        )
        widths = (STEM, *(stage.width for stage in self.stages))
        first, last = functools.partial(unit, STEM, 3, stride=2), functools.partial(unit, LAST, 1)
        stages = (
            functools.partial(Sequential, _blocks(stage, before, unit))
            for stage, before in zip(self.stages, widths, strict=False)
        )
        x = Sequential((first, *stages, last), name="features")(images, train=train)
        x = GlobalAveragePool(name="avgpool")(x)
        return nn.Dense(self.num_classes, name=self.head)(x)


def _blocks(stage: Stage, before: int, unit: Callable[..., nn.Module]) -> tuple[Callable[..., nn.Module], ...]:
    """Returns what makes the blocks of a stage whose input has `before` channels."""

    def block(channels: int, stride: int) -> Callable[..., nn.Module]:
        squeeze = functools.partial(SqueezeExcitation, channels // 4, activation=nn.silu, gate=nn.sigmoid)
        inner = channels * stage.widening
        return functools.partial(InvertedResidual, inner, stage.width, stage.kernel, stride, squeeze=squeeze, unit=unit)

    return (block(before, stage.stride), *(block(stage.width, 1) for _ in range(stage.depth - 1)))


def efficientnet_b0(num_classes: int = 1000, *, epsilon: float = 1e-5, same_padding: bool = False) -> EfficientNet:
    """Returns EfficientNet-B0; the dropout and the dropped blocks of training are left out.

    Args:
        num_classes: number of logits.
        epsilon: of every normalisation; 1e-3 in networks trained in TensorFlow.
        same_padding: whether strided convolutions are padded as in TensorFlow, not alike on both sides.

    Raises:
        ValueError: If `num_classes` is not positive.

    References:
        Tan and Le, "EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks", ICML 2019, table 1.

    Examples:
        >>> efficientnet_b0().taps[-2:]
        ('features/8', 'avgpool')
    """
    check_sizes(num_classes, (STEM,))
    return EfficientNet(num_classes=num_classes, stages=B0, epsilon=epsilon, same_padding=same_padding)
