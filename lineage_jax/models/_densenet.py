"""DenseNet with torchvision's names: every layer reads all that its block has computed so far."""

import flax.linen as nn
import jax.numpy as jnp
from jaxtyping import Array, Float, Shaped

from lineage_jax.models._layers import (
    AveragePool,
    GlobalAveragePool,
    MaxPool,
    ReLU,
    batch_norm,
    check_images,
    check_sizes,
    convolution,
)

STEM = 64
"""Channels of the first convolution."""


class DenseLayer(nn.Module):
    """A 1x1 and a 3x3 convolution, each after its normalisation and activation.

    Attributes:
        growth: number of output channels; there are four times as many inside.
    """

    growth: int

    @nn.compact
    def __call__(self, x: Float[Array, "n h w d"], *, train: bool) -> Float[Array, "n h w d2"]:
        x = ReLU(name="relu1")(batch_norm(train=train, name="norm1")(x))
        x = convolution(4 * self.growth, 1, name="conv1")(x)
        x = ReLU(name="relu2")(batch_norm(train=train, name="norm2")(x))
        return convolution(self.growth, 3, name="conv2")(x)


class DenseBlock(nn.Module):
    """Layers `denselayer1`, ...; the output is the input and the outputs of all layers, side by side.

    Attributes:
        depth: number of layers.
        growth: number of output channels of every layer.
    """

    depth: int
    growth: int

    @nn.compact
    def __call__(self, x: Float[Array, "n h w d"], *, train: bool) -> Float[Array, "n h w d2"]:
        for number in range(1, self.depth + 1):
            new = DenseLayer(self.growth, name=f"denselayer{number}")(x, train=train)
            x = jnp.concatenate([x, new], axis=-1)
        return x


class Transition(nn.Module):
    """Halves the channels by a 1x1 convolution, and the image by a mean."""

    @nn.compact
    def __call__(self, x: Float[Array, "n h w d"], *, train: bool) -> Float[Array, "n h2 w2 d2"]:
        x = ReLU(name="relu")(batch_norm(train=train, name="norm")(x))
        x = convolution(x.shape[-1] // 2, 1, name="conv")(x)
        return AveragePool(name="pool")(x)


class Convolutions(nn.Module):
    """`conv0`, `norm0`, `relu0`, `pool0`, then `denseblock1`, `transition1`, ... and `norm5`.

    Attributes:
        depths: number of layers of every dense block.
        growth: number of output channels of every layer.
    """

    depths: tuple[int, ...]
    growth: int

    @nn.compact
    def __call__(self, x: Float[Array, "n h w d"], *, train: bool) -> Float[Array, "n h2 w2 d2"]:
        x = convolution(STEM, 7, stride=2, name="conv0")(x)
        x = ReLU(name="relu0")(batch_norm(train=train, name="norm0")(x))
        x = MaxPool(window=3, stride=2, padding=1, name="pool0")(x)
        for number, depth in enumerate(self.depths, start=1):
            x = DenseBlock(depth, self.growth, name=f"denseblock{number}")(x, train=train)
            if number < len(self.depths):
                x = Transition(name=f"transition{number}")(x, train=train)
        return batch_norm(train=train, name="norm5")(x)


class DenseNet(nn.Module):
    """`features`, `relu`, `avgpool` and the head `classifier`.

    Attributes:
        num_classes: number of logits.
        depths: number of layers of every dense block.
        growth: number of output channels of every layer.
    """

    num_classes: int
    depths: tuple[int, ...]
    growth: int = 32

    @property
    def taps(self) -> tuple[str, ...]:
        """Feature layers from input to output; the last one feeds the head."""
        blocks = (f"features/denseblock{number}" for number in range(1, len(self.depths) + 1))
        return ("features/relu0", *blocks, "relu", "avgpool")

    @property
    def head(self) -> str:
        """Name of the final dense layer."""
        return "classifier"

    @nn.compact
    def __call__(self, images: Shaped[Array, "..."], *, train: bool = False) -> Float[Array, "n c"]:
        """Returns the logits; with `train` the batch's own statistics normalise, and `batch_stats` must be mutable."""
        check_images(images, smallest=29)  # a pixel is left after the stem's two steps and three halvings
        x = Convolutions(self.depths, self.growth, name="features")(images, train=train)
        x = ReLU(name="relu")(x)
        x = GlobalAveragePool(name="avgpool")(x)
        return nn.Dense(self.num_classes, name=self.head)(x)


def densenet121(num_classes: int = 1000) -> DenseNet:
    """Returns DenseNet-121 for images of at least 29x29 pixels: blocks of 6, 12, 24 and 16 layers.

    Raises:
        ValueError: If `num_classes` is not positive.

    References:
        Huang et al., "Densely Connected Convolutional Networks", CVPR 2017, table 1.

    Examples:
        >>> densenet121().taps[1:3]
        ('features/denseblock1', 'features/denseblock2')
    """
    check_sizes(num_classes, (STEM,))
    return DenseNet(num_classes=num_classes, depths=(6, 12, 24, 16))
