"""The residual block and the stage of blocks, shared by the two families of residual networks."""

from collections.abc import Callable

import flax.linen as nn
from jaxtyping import Array, Float

from lineage_jax.models._layers import ReLU, batch_norm, convolution


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
    shortcut: Callable[..., nn.Module]

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


class Stage(nn.Module):
    """Blocks `0`, `1`, ... of one width; the first may halve the image.

    Attributes:
        depth: number of blocks.
        width: number of output channels of every block.
        stride: step of the first block.
        shortcut: see `BasicBlock`.
    """

    depth: int
    width: int
    stride: int
    shortcut: Callable[..., nn.Module]

    @nn.compact
    def __call__(self, x: Float[Array, "n h w d"], *, train: bool) -> Float[Array, "n h2 w2 d2"]:
        for index in range(self.depth):
            stride = self.stride if index == 0 else 1
            x = BasicBlock(width=self.width, stride=stride, shortcut=self.shortcut, name=str(index))(x, train=train)
        return x
