"""The residual networks for ImageNet, with torchvision's names."""

import flax.linen as nn
from jaxtyping import Array, Float, Shaped

from lineage_jax.models._layers import (
    GlobalAveragePool,
    MaxPool,
    ReLU,
    batch_norm,
    check_images,
    check_sizes,
    convolution,
)
from lineage_jax.models._residual import Stage

WIDTHS = (64, 128, 256, 512)


class ProjectedShortcut(nn.Module):
    """Fits the input with a 1x1 convolution `0` and a batch normalisation `1` ("option B").

    Attributes:
        width: number of output channels.
        stride: step of the convolution.
    """

    width: int
    stride: int

    @nn.compact
    def __call__(self, x: Float[Array, "n h w d"], *, train: bool) -> Float[Array, "n h2 w2 d2"]:
        x = convolution(self.width, 1, stride=self.stride, name="0")(x)
        return batch_norm(train=train, name="1")(x)


class ResNet(nn.Module):
    """`conv1`, `bn1`, `relu`, `maxpool`, the stages `layer1` to `layer4`, `avgpool` and the head `fc`.

    Attributes:
        num_classes: number of logits.
        depths: number of blocks of every stage.
    """

    num_classes: int
    depths: tuple[int, ...]

    @property
    def taps(self) -> tuple[str, ...]:
        """Feature layers from input to output; the last one feeds the head."""
        return ("relu", *(f"layer{number}" for number in range(1, len(self.depths) + 1)), "avgpool")

    @property
    def head(self) -> str:
        """Name of the final dense layer."""
        return "fc"

    @nn.compact
    def __call__(self, images: Shaped[Array, "..."], *, train: bool = False) -> Float[Array, "n c"]:
        """Returns the logits; with `train` the batch's own statistics normalise, and `batch_stats` must be mutable."""
        check_images(images)
        x = convolution(WIDTHS[0], 7, stride=2, name="conv1")(images)
        x = batch_norm(train=train, name="bn1")(x)
        x = ReLU(name="relu")(x)
        x = MaxPool(window=3, stride=2, padding=1, name="maxpool")(x)
        for number, (depth, width) in enumerate(zip(self.depths, WIDTHS, strict=True), start=1):
            stage = Stage(depth, width, 1 if number == 1 else 2, ProjectedShortcut, name=f"layer{number}")
            x = stage(x, train=train)
        x = GlobalAveragePool(name="avgpool")(x)
        return nn.Dense(self.num_classes, name=self.head)(x)


def resnet18(num_classes: int = 1000) -> ResNet:
    """Returns ResNet-18: two blocks a stage.

    Raises:
        ValueError: If `num_classes` is not positive.

    References:
        He et al., "Deep Residual Learning for Image Recognition", CVPR 2016, table 1.

    Examples:
        >>> resnet18(num_classes=10).taps
        ('relu', 'layer1', 'layer2', 'layer3', 'layer4', 'avgpool')
    """
    check_sizes(num_classes, WIDTHS)
    return ResNet(num_classes=num_classes, depths=(2, 2, 2, 2))
