"""MobileNetV2, its blocks named as those of torchvision's later networks."""

import functools
from collections.abc import Callable

import flax.linen as nn
from jaxtyping import Array, Float, Shaped

from lineage_jax.models._inverted_residual import ConvNormActivation, InvertedResidual
from lineage_jax.models._layers import GlobalAveragePool, Sequential, check_images, check_sizes

STEM, LAST = 32, 1280
"""Channels of the first and of the last convolution."""

STAGES = ((1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1))
"""Widening inside the blocks, output channels, number of blocks and step of the first: the paper's table 2."""


class MobileNetV2(nn.Module):
    """`features` (`0` the first convolution, then the blocks, then the last convolution), `avgpool`, the head.

    Attributes:
        num_classes: number of logits.
        stages: see `STAGES`.
    """

    num_classes: int
    stages: tuple[tuple[int, int, int, int], ...] = STAGES

    @property
    def taps(self) -> tuple[str, ...]:
        """Feature layers from input to output; the last one feeds the head."""
        blocks = sum(depth for _, _, depth, _ in self.stages)
        return (*(f"features/{index}" for index in range(blocks + 2)), "avgpool")

    @property
    def head(self) -> str:
        """Name of the final dense layer."""
        return "classifier1"

    @nn.compact
    def __call__(self, images: Shaped[Array, "..."], *, train: bool = False) -> Float[Array, "n c"]:
        """Returns the logits; with `train` the batch's own statistics normalise, and `batch_stats` must be mutable."""
        check_images(images)
        unit = functools.partial(ConvNormActivation, activation=nn.relu6)
        layers: list[Callable[..., nn.Module]] = [functools.partial(unit, STEM, 3, stride=2)]
        before = STEM
        for widening, width, depth, stride in self.stages:
            for step in (stride, *[1] * (depth - 1)):
                block = functools.partial(InvertedResidual, before * widening, width, 3, step)
                layers.append(functools.partial(block, squeeze=None, unit=unit))
                before = width
        layers.append(functools.partial(unit, LAST, 1))
        x = Sequential(tuple(layers), name="features")(images, train=train)
        x = GlobalAveragePool(name="avgpool")(x)
        return nn.Dense(self.num_classes, name=self.head)(x)


def mobilenet_v2(num_classes: int = 1000) -> MobileNetV2:
    """Returns MobileNetV2; the dropout before the head in training is left out.

    Raises:
        ValueError: If `num_classes` is not positive.

    References:
        Sandler et al., "MobileNetV2: Inverted Residuals and Linear Bottlenecks", CVPR 2018, table 2.

    Examples:
        >>> mobilenet_v2().taps[-2:]
        ('features/18', 'avgpool')
    """
    check_sizes(num_classes, (STEM,))
    return MobileNetV2(num_classes=num_classes)
