"""The kinds of networks: fully connected, convolutional with BatchNorm and without, residual, a transformer."""

import flax.linen as nn
import ml_collections
from jaxtyping import Array, Float

from experiments.evidence.images import CLASSES
from lineage_jax import models


class NormalisedConvNet(nn.Module):
    """3x3 convolutions `conv1`, ... without bias, each with its `bn1`, ... and ReLU; every other halves the image.

    Attributes:
        num_classes: number of logits.
        widths: number of channels of every convolution.
    """

    num_classes: int
    widths: tuple[int, ...]

    @property
    def taps(self) -> tuple[str, ...]:
        """Feature layers from input to output; the last one feeds the head."""
        return tuple(f"bn{number}" for number in range(1, len(self.widths) + 1))

    @property
    def head(self) -> str:
        """Name of the final dense layer."""
        return "fc"

    @nn.compact
    def __call__(self, images: Float[Array, "n h w c"], *, train: bool = False) -> Float[Array, "n c"]:
        """Returns the logits; with `train` the batch's own statistics normalise, and `batch_stats` must be mutable."""
        x = images
        for number, width in enumerate(self.widths, start=1):
            stride = 1 if number % 2 else 2
            x = nn.Conv(width, (3, 3), strides=stride, padding=1, use_bias=False, name=f"conv{number}")(x)
            x = nn.relu(nn.BatchNorm(use_running_average=not train, momentum=0.9, name=f"bn{number}")(x))
        return nn.Dense(self.num_classes, name=self.head)(x.mean(axis=(1, 2)))


def input_of(settings: ml_collections.ConfigDict) -> tuple[int, ...]:
    """Returns the shape of a batch of one image."""
    return (1, settings.side, settings.side, 1)


def build(settings: ml_collections.ConfigDict) -> nn.Module:
    """Returns the network of a configuration: its `architecture` with the other settings."""
    sizes = {key: value for key, value in settings.to_dict().items() if key != "architecture"}
    if settings.architecture == "vit":
        return models.ViT(num_classes=CLASSES, **sizes)
    if settings.architecture == "normalised_convnet":
        return NormalisedConvNet(num_classes=CLASSES, **sizes)
    return models.build(settings.architecture, num_classes=CLASSES, **sizes)
