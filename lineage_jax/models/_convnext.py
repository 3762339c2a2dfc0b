"""ConvNeXt, with timm's names; torchvision's computes the same."""

import flax.linen as nn
from jaxtyping import Array, Float, Shaped

from lineage_jax.models._layers import MLP, GlobalAveragePool, Sequential, check_images, check_sizes, layer_norm

PATCH = 4
"""Side of the squares of pixels that the stem reads; every later stage halves the image."""

LAYER_SCALE = 1e-6
"""By what a fresh block multiplies its output, the paper's."""


class ConvNeXtBlock(nn.Module):
    """A depthwise 7x7 convolution `conv_dw`, `norm` and `mlp`, scaled by `gamma`, around a shortcut."""

    @nn.compact
    def __call__(self, x: Float[Array, "n h w d"]) -> Float[Array, "n h w d"]:
        d = x.shape[-1]
        y = nn.Conv(d, (7, 7), padding=3, feature_group_count=d, name="conv_dw")(x)
        y = layer_norm(name="norm")(y)
        y = MLP(name="mlp")(y)
        return x + self.param("gamma", nn.initializers.constant(LAYER_SCALE), (d,)) * y


class Downsample(nn.Module):
    """A normalisation `0` and a convolution `1` that turns each square of 2x2 pixels into one.

    Attributes:
        width: number of output channels.
    """

    width: int

    @nn.compact
    def __call__(self, x: Float[Array, "n h w d"]) -> Float[Array, "n h2 w2 d2"]:
        return nn.Conv(self.width, (2, 2), strides=2, padding="VALID", name="1")(layer_norm(name="0")(x))


class Stem(nn.Module):
    """A convolution `0` that reads squares of pixels, and a normalisation `1`.

    Attributes:
        width: number of output channels.
    """

    width: int

    @nn.compact
    def __call__(self, images: Float[Array, "n h w c"]) -> Float[Array, "n h2 w2 d"]:
        x = nn.Conv(self.width, (PATCH, PATCH), strides=PATCH, padding="VALID", name="0")(images)
        return layer_norm(name="1")(x)


class ConvNeXtStage(nn.Module):
    """`downsample`, where the width changes, and `blocks`.

    Attributes:
        width: number of output channels.
        depth: number of blocks.
    """

    width: int
    depth: int

    @nn.compact
    def __call__(self, x: Float[Array, "n h w d"]) -> Float[Array, "n h2 w2 d2"]:
        if x.shape[-1] != self.width:
            x = Downsample(self.width, name="downsample")(x)
        return Sequential((ConvNeXtBlock,) * self.depth, name="blocks")(x)


class ConvNeXt(nn.Module):
    """`stem`, the stages `stages_0` to `stages_3`, `global_pool`, `norm` and the head `head`.

    Stochastic depth, with which the weights were trained, is left out.

    Attributes:
        num_classes: number of logits.
        widths: number of channels of every stage.
        depths: number of blocks of every stage.
    """

    num_classes: int
    widths: tuple[int, ...]
    depths: tuple[int, ...]

    @property
    def taps(self) -> tuple[str, ...]:
        """Feature layers from input to output; the last one feeds the head."""
        return ("stem", *(f"stages_{index}" for index in range(len(self.widths))), "global_pool", "norm")

    @property
    def head(self) -> str:
        """Name of the final dense layer."""
        return "head"

    @nn.compact
    def __call__(self, images: Shaped[Array, "..."], *, train: bool = False) -> Float[Array, "n c"]:
        """Returns the logits; `train` changes nothing, since no layer behaves differently then."""
        check_images(images, smallest=PATCH * 2 ** (len(self.widths) - 1))
        x = Stem(self.widths[0], name="stem")(images)
        for index, (width, depth) in enumerate(zip(self.widths, self.depths, strict=True)):
            x = ConvNeXtStage(width, depth, name=f"stages_{index}")(x)
        x = GlobalAveragePool(name="global_pool")(x)
        x = layer_norm(name="norm")(x)
        return nn.Dense(self.num_classes, name=self.head)(x)


def convnext_tiny(num_classes: int = 1000) -> ConvNeXt:
    """Returns ConvNeXt-T: stages of 3, 3, 9 and 3 blocks; images need at least 32x32 pixels.

    Raises:
        ValueError: If `num_classes` is not positive.

    References:
        Liu et al., "A ConvNet for the 2020s", CVPR 2022.

    Examples:
        >>> convnext_tiny(num_classes=10).taps
        ('stem', 'stages_0', 'stages_1', 'stages_2', 'stages_3', 'global_pool', 'norm')
    """
    widths = (96, 192, 384, 768)
    check_sizes(num_classes, widths)
    return ConvNeXt(num_classes=num_classes, widths=widths, depths=(3, 3, 9, 3))
