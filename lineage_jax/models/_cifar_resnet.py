"""The residual networks for CIFAR: three stages, each of twice the channels."""

import functools

import flax.linen as nn
import jax.numpy as jnp
from jaxtyping import Array, Float, Shaped

from lineage_jax.models._layers import GlobalAveragePool, ReLU, batch_norm, check_images, check_sizes, convolution
from lineage_jax.models._residual import BasicBlock, ProjectedShortcut, stage

WIDTH = 16
"""Channels of the first stage in the original."""


class PaddedShortcut(nn.Module):
    """Takes every other pixel and fills the new channels with zeros, half of them on each side ("option A").

    Attributes:
        width: number of output channels.
        stride: step between the pixels taken.
    """

    width: int
    stride: int

    @nn.compact
    def __call__(self, x: Float[Array, "n h w d"], *, train: bool) -> Float[Array, "n h2 w2 d2"]:
        new = self.width - x.shape[-1]
        return jnp.pad(x[:, :: self.stride, :: self.stride], ((0, 0), (0, 0), (0, 0), (new // 2, new - new // 2)))


class CifarResNet(nn.Module):
    """`conv1`, `bn1`, `relu`, the stages `layer1` to `layer3`, `avgpool` and the head `linear`.

    Attributes:
        num_classes: number of logits.
        depth: number of blocks of every stage.
        width: number of channels of the first stage; the others have two and four times as many.
        projected: whether shortcuts that change the shape are projections ("option B"), not padded with zeros.
    """

    num_classes: int
    depth: int
    width: int = WIDTH
    projected: bool = False

    @property
    def taps(self) -> tuple[str, ...]:
        """Feature layers from input to output; the last one feeds the head."""
        return ("relu", "layer1", "layer2", "layer3", "avgpool")

    @property
    def head(self) -> str:
        """Name of the final dense layer."""
        return "linear"

    @nn.compact
    def __call__(self, images: Shaped[Array, "..."], *, train: bool = False) -> Float[Array, "n c"]:
        """Returns the logits; with `train` the batch's own statistics normalise, and `batch_stats` must be mutable."""
        check_images(images)
        x = convolution(self.width, 3, name="conv1")(images)
        x = batch_norm(train=train, name="bn1")(x)
        x = ReLU(name="relu")(x)
        shortcut = ProjectedShortcut if self.projected else PaddedShortcut
        for number in (1, 2, 3):
            block = functools.partial(BasicBlock, width=self.width * 2 ** (number - 1), shortcut=shortcut)
            x = stage(block, self.depth, stride=min(number, 2), name=f"layer{number}")(x, train=train)
        x = GlobalAveragePool(name="avgpool")(x)
        return nn.Dense(self.num_classes, name=self.head)(x)


def cifar_resnet20(num_classes: int = 10, *, width: int = WIDTH, projected: bool = False) -> CifarResNet:
    """Returns ResNet-20: three blocks a stage.

    Args:
        num_classes: number of logits.
        width: number of channels of the first stage; the others have two and four times as many.
        projected: whether shortcuts that change the shape are projections, not padded with zeros.

    Raises:
        ValueError: If a size is not positive.

    References:
        He et al., "Deep Residual Learning for Image Recognition", CVPR 2016, section 4.2.

    Examples:
        >>> cifar_resnet20().taps
        ('relu', 'layer1', 'layer2', 'layer3', 'avgpool')
    """
    return _cifar_resnet(num_classes, depth=3, width=width, projected=projected)


def cifar_resnet32(num_classes: int = 10, *, width: int = WIDTH) -> CifarResNet:
    """Returns ResNet-32: five blocks a stage; see `cifar_resnet20`."""
    return _cifar_resnet(num_classes, depth=5, width=width)


def cifar_resnet44(num_classes: int = 10, *, width: int = WIDTH) -> CifarResNet:
    """Returns ResNet-44: seven blocks a stage; see `cifar_resnet20`."""
    return _cifar_resnet(num_classes, depth=7, width=width)


def cifar_resnet56(num_classes: int = 10, *, width: int = WIDTH) -> CifarResNet:
    """Returns ResNet-56: nine blocks a stage; see `cifar_resnet20`."""
    return _cifar_resnet(num_classes, depth=9, width=width)


def _cifar_resnet(num_classes: int, *, depth: int, width: int, projected: bool = False) -> CifarResNet:
    check_sizes(num_classes, (width,))
    return CifarResNet(num_classes=num_classes, depth=depth, width=width, projected=projected)
