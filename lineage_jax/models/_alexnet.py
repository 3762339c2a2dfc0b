"""AlexNet with torchvision's names."""

import flax.linen as nn
from jaxtyping import Array, Float, Shaped

from lineage_jax.models._layers import AdaptiveAveragePool, MaxPool, ReLU, check_images, check_sizes, convolution

HIDDEN = 4096
"""Units of the two dense layers before the head."""


class Convolutions(nn.Module):
    """Five convolutions, each with its activation, and three poolings: `0` to `12` as they come."""

    @nn.compact
    def __call__(self, x: Float[Array, "n h w d"]) -> Float[Array, "n h2 w2 d2"]:
        x = ReLU(name="1")(convolution(64, 11, stride=4, padding=2, bias=True, name="0")(x))
        x = MaxPool(window=3, stride=2, name="2")(x)
        x = ReLU(name="4")(convolution(192, 5, bias=True, name="3")(x))
        x = MaxPool(window=3, stride=2, name="5")(x)
        x = ReLU(name="7")(convolution(384, 3, bias=True, name="6")(x))
        x = ReLU(name="9")(convolution(256, 3, bias=True, name="8")(x))
        x = ReLU(name="11")(convolution(256, 3, bias=True, name="10")(x))
        return MaxPool(window=3, stride=2, name="12")(x)


class AlexNet(nn.Module):
    """`features`, `avgpool` and the classifier: `classifier1`, `classifier2`, `classifier4`, `classifier5`, the head.

    Attributes:
        num_classes: number of logits.
        hidden: number of units of the two dense layers before the head.
    """

    num_classes: int
    hidden: int = HIDDEN

    @property
    def taps(self) -> tuple[str, ...]:
        """Feature layers from input to output; the last one feeds the head."""
        return (*(f"features/{index}" for index in (2, 5, 7, 9, 12)), "avgpool", "classifier2", "classifier5")

    @property
    def head(self) -> str:
        """Name of the final dense layer."""
        return "classifier6"

    @nn.compact
    def __call__(self, images: Shaped[Array, "..."], *, train: bool = False) -> Float[Array, "n c"]:
        """Returns the logits; `train` changes nothing, since no layer behaves differently then."""
        check_images(images, smallest=63)
        x = Convolutions(name="features")(images)
        x = AdaptiveAveragePool(size=6, name="avgpool")(x)
        x = x.reshape(len(x), -1)
        x = ReLU(name="classifier2")(nn.Dense(self.hidden, name="classifier1")(x))
        x = ReLU(name="classifier5")(nn.Dense(self.hidden, name="classifier4")(x))
        return nn.Dense(self.num_classes, name=self.head)(x)


def alexnet(num_classes: int = 1000) -> AlexNet:
    """Returns AlexNet for images of at least 63x63 pixels; the dropout before the dense layers in training is left out.

    Raises:
        ValueError: If `num_classes` is not positive.

    References:
        Krizhevsky, "One Weird Trick for Parallelizing Convolutional Neural Networks", arXiv 1404.5997, 2014.

    Examples:
        >>> alexnet().taps[-3:]
        ('avgpool', 'classifier2', 'classifier5')
    """
    check_sizes(num_classes, (HIDDEN,))
    return AlexNet(num_classes=num_classes)
