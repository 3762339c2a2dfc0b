"""VGG networks, with and without normalisation, with torchvision's names."""

import itertools

import flax.linen as nn
from jaxtyping import Array, Float, Shaped

from lineage_jax.models._layers import (
    AdaptiveAveragePool,
    MaxPool,
    ReLU,
    batch_norm,
    check_images,
    check_sizes,
    convolution,
)

VGG11 = ((64,), (128,), (256, 256), (512, 512), (512, 512))
VGG16 = ((64, 64), (128, 128), (256, 256, 256), (512, 512, 512), (512, 512, 512))
HIDDEN = 4096
"""Units of the two dense layers before the head."""


class Convolutions(nn.Module):
    """3x3 convolutions, each with its activation; every stage ends in a pooling that halves the image.

    All are counted `0`, `1`, ... as they come.

    Attributes:
        stages: number of channels of every convolution of every stage.
        normalised: whether a batch normalisation follows every convolution.
    """

    stages: tuple[tuple[int, ...], ...]
    normalised: bool

    @nn.compact
    def __call__(self, x: Float[Array, "n h w d"], *, train: bool) -> Float[Array, "n h2 w2 d2"]:
        names = map(str, itertools.count())
        for stage in self.stages:
            for width in stage:
                x = convolution(width, 3, bias=True, name=next(names))(x)
                if self.normalised:
                    x = batch_norm(train=train, name=next(names))(x)
                x = ReLU(name=next(names))(x)
            x = MaxPool(window=2, stride=2, name=next(names))(x)
        return x


class VGG(nn.Module):
    """`features`, `avgpool` and the classifier: `classifier0`, `classifier1`, `classifier3`, `classifier4`, the head.

    Attributes:
        num_classes: number of logits.
        stages: number of channels of every convolution of every stage.
        normalised: whether a batch normalisation follows every convolution.
        hidden: number of units of the two dense layers before the head.
    """

    num_classes: int
    stages: tuple[tuple[int, ...], ...]
    normalised: bool = False
    hidden: int = HIDDEN

    @property
    def taps(self) -> tuple[str, ...]:
        """Feature layers from input to output, the poolings among them; the last one feeds the head."""
        modules = 3 if self.normalised else 2
        ends = itertools.accumulate(modules * len(stage) + 1 for stage in self.stages)
        return (*(f"features/{end - 1}" for end in ends), "avgpool", "classifier1", "classifier4")

    @property
    def head(self) -> str:
        """Name of the final dense layer."""
        return "classifier6"

    @nn.compact
    def __call__(self, images: Shaped[Array, "..."], *, train: bool = False) -> Float[Array, "n c"]:
        """Returns the logits; with `train` the batch's own statistics normalise, and `batch_stats` must be mutable."""
        check_images(images, smallest=2 ** len(self.stages))
        x = Convolutions(self.stages, self.normalised, name="features")(images, train=train)
        x = AdaptiveAveragePool(size=7, name="avgpool")(x)
        x = x.reshape(len(x), -1)
        x = ReLU(name="classifier1")(nn.Dense(self.hidden, name="classifier0")(x))
        x = ReLU(name="classifier4")(nn.Dense(self.hidden, name="classifier3")(x))
        return nn.Dense(self.num_classes, name=self.head)(x)


def vgg11(num_classes: int = 1000) -> VGG:
    """Returns VGG-11 for images of at least 32x32 pixels; the dropout before the dense layers in training is left out.

    Raises:
        ValueError: If `num_classes` is not positive.

    References:
        Simonyan and Zisserman, "Very Deep Convolutional Networks for Large-Scale Image Recognition", ICLR 2015,
        table 1 A.

    Examples:
        >>> vgg11().taps[4:]
        ('features/20', 'avgpool', 'classifier1', 'classifier4')
    """
    return _vgg(num_classes, VGG11)


def vgg11_bn(num_classes: int = 1000) -> VGG:
    """Returns VGG-11 with batch normalisation; see `vgg11`."""
    return _vgg(num_classes, VGG11, normalised=True)


def vgg16(num_classes: int = 1000) -> VGG:
    """Returns VGG-16, of the paper's table 1 D; see `vgg11`."""
    return _vgg(num_classes, VGG16)


def vgg16_bn(num_classes: int = 1000) -> VGG:
    """Returns VGG-16 with batch normalisation; see `vgg11`."""
    return _vgg(num_classes, VGG16, normalised=True)


def _vgg(num_classes: int, stages: tuple[tuple[int, ...], ...], *, normalised: bool = False) -> VGG:
    check_sizes(num_classes, (HIDDEN,))
    return VGG(num_classes=num_classes, stages=stages, normalised=normalised)
