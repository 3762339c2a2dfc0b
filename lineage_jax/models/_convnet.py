"""A small convolutional network without normalisation."""

from collections.abc import Sequence

import flax.linen as nn
from jaxtyping import Array, Float, Shaped

from lineage_jax.models._layers import GlobalAveragePool, MaxPool, ReLU, check_images, check_sizes, convolution

POOLED = 2
"""How many of the first convolutions are followed by a pooling that halves the image."""


class ConvNet(nn.Module):
    """Convolutions `conv1`, `conv2`, ... each with its `relu1`, ...; `pool1` and `pool2`; `avgpool`; the head `fc`.

    Attributes:
        num_classes: number of logits.
        widths: number of channels of every convolution.
    """

    num_classes: int
    widths: tuple[int, ...]

    @property
    def taps(self) -> tuple[str, ...]:
        """Feature layers from input to output; the last one feeds the head."""
        return (*(f"relu{number}" for number in range(1, len(self.widths) + 1)), "avgpool")

    @property
    def head(self) -> str:
        """Name of the final dense layer."""
        return "fc"

    @nn.compact
    def __call__(self, images: Shaped[Array, "..."], *, train: bool = False) -> Float[Array, "n c"]:
        """Returns the logits; `train` changes nothing, since no layer behaves differently then."""
        check_images(images, smallest=2 ** min(POOLED, len(self.widths)))
        x = images
        for number, width in enumerate(self.widths, start=1):
            x = convolution(width, 3, bias=True, name=f"conv{number}")(x)
            x = ReLU(name=f"relu{number}")(x)
            if number <= POOLED:
                x = MaxPool(window=2, stride=2, name=f"pool{number}")(x)
        x = GlobalAveragePool(name="avgpool")(x)
        return nn.Dense(self.num_classes, name=self.head)(x)


def convnet(num_classes: int = 10, *, widths: Sequence[int] = (32, 64, 64)) -> ConvNet:
    """Returns a small network of 3x3 convolutions; images need at least 4x4 pixels, 2x2 where there is one convolution.

    Args:
        num_classes: number of logits.
        widths: number of channels of every convolution.

    Raises:
        ValueError: If there is no convolution or a size is not positive.

    Examples:
        >>> network = convnet(num_classes=5)
        >>> network.taps, network.head
        (('relu1', 'relu2', 'relu3', 'avgpool'), 'fc')
    """
    check_sizes(num_classes, tuple(widths))
    return ConvNet(num_classes=num_classes, widths=tuple(widths))
