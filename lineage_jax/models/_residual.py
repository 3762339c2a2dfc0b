"""The residual blocks and the stage of blocks, shared by the families of residual networks."""

import functools
from collections.abc import Callable

import flax.linen as nn
from jaxtyping import Array, Float

from lineage_jax.models._layers import ReLU, Sequential, batch_norm, convolution


class ProjectedShortcut(nn.Module):
    """Fits the input with a 1x1 convolution `0` and a batch normalisation `1` ("option B").

    Attributes:
        width: number of output channels.
        stride: step of the convolution.
        norm: makes the normalisation.
    """

    width: int
    stride: int
    norm: Callable[..., nn.Module] = batch_norm

    @nn.compact
    def __call__(self, x: Float[Array, "n h w d"], *, train: bool) -> Float[Array, "n h2 w2 d2"]:
        x = convolution(self.width, 1, stride=self.stride, name="0")(x)
        return self.norm(train=train, name="1")(x)


class BasicBlock(nn.Module):
    """Two 3x3 convolutions around a shortcut.

    Attributes:
        width: number of output channels.
        stride: step of the first convolution.
        shortcut: makes the module, named `downsample`, that fits the input where its shape changes.

    References:
        He et al., "Deep Residual Learning for Image Recognition", CVPR 2016, figure 5 left.
    """

    width: int
    stride: int
    shortcut: Callable[..., nn.Module] = ProjectedShortcut

    @nn.compact
    def __call__(self, x: Float[Array, "n h w d"], *, train: bool) -> Float[Array, "n h2 w2 d2"]:
        y = convolution(self.width, 3, stride=self.stride, name="conv1")(x)
        y = batch_norm(train=train, name="bn1")(y)
        y = ReLU(name="relu1")(y)
        y = convolution(self.width, 3, name="conv2")(y)
        y = batch_norm(train=train, name="bn2")(y)
        if x.shape != y.shape:
            x = self.shortcut(width=self.width, stride=self.stride, name="downsample")(x, train=train)
        return ReLU(name="relu2")(x + y)


class Bottleneck(nn.Module):
    """A 3x3 convolution between two of 1x1, around a projected shortcut.

    The 3x3 convolution takes the step, as in torchvision; the paper's first 1x1 convolution does.

    Attributes:
        width: number of output channels.
        stride: step of the 3x3 convolution.
        inner: number of channels of the 3x3 convolution.
        groups: of the 3x3 convolution's channels, each seen by itself.
        dilation: distance between the pixels that the 3x3 convolution sees.
        norm: makes the normalisations.

    References:
        He et al., "Deep Residual Learning for Image Recognition", CVPR 2016, figure 5 right.
    """

    width: int
    stride: int
    inner: int
    groups: int = 1
    dilation: int = 1
    norm: Callable[..., nn.Module] = batch_norm

    @nn.compact
    def __call__(self, x: Float[Array, "n h w d"], *, train: bool) -> Float[Array, "n h2 w2 d2"]:
        y = convolution(self.inner, 1, name="conv1")(x)
        y = self.norm(train=train, name="bn1")(y)
        y = ReLU(name="relu1")(y)
        y = convolution(self.inner, 3, stride=self.stride, groups=self.groups, dilation=self.dilation, name="conv2")(y)
        y = self.norm(train=train, name="bn2")(y)
        y = ReLU(name="relu2")(y)
        y = convolution(self.width, 1, name="conv3")(y)
        y = self.norm(train=train, name="bn3")(y)
        if x.shape != y.shape:
            shortcut = ProjectedShortcut(width=self.width, stride=self.stride, norm=self.norm, name="downsample")
            x = shortcut(x, train=train)
        return ReLU(name="relu3")(x + y)


def stage(block: Callable[..., nn.Module], depth: int, *, stride: int, name: str) -> Sequential:
    """Returns `depth` equal blocks, of which the first takes the step.

    Args:
        block: makes a block when called with its `stride` and `name`.
        depth: number of blocks.
        stride: step of the first block.
        name: of the stage.
    """
    strides = (stride, *[1] * (depth - 1))
    return Sequential(tuple(functools.partial(block, stride=step) for step in strides), name=name)
