"""U-Net, which names every pixel, with the names of milesial/Pytorch-UNet but for two levels of nesting."""

import flax.linen as nn
import jax.numpy as jnp
from jaxtyping import Array, Float, Shaped

from lineage_jax.models._layers import MaxPool, ReLU, batch_norm, check_images, check_sizes, convolution
from lineage_jax.models._resize import enlarge

LEVELS = 4
"""How often the image is halved, and the channels doubled."""


class DoubleConv(nn.Module):
    """Two 3x3 convolutions `0` and `3`, each with a batch normalisation, `1` and `4`, and ReLU, `2` and `5`.

    Attributes:
        widths: number of output channels of the two.
        bias: whether the convolutions have one.
    """

    widths: tuple[int, int]
    bias: bool

    @nn.compact
    def __call__(self, x: Float[Array, "n h w d"], *, train: bool) -> Float[Array, "n h w d2"]:
        for place, width in zip((0, 3), self.widths, strict=True):
            x = convolution(width, 3, bias=self.bias, name=str(place))(x)
            x = batch_norm(train=train, name=str(place + 1))(x)
            x = ReLU(name=str(place + 2))(x)
        return x


class Down(nn.Module):
    """Halves the image, then `conv`.

    Attributes:
        width: number of output channels.
        bias: see `DoubleConv`.
    """

    width: int
    bias: bool

    @nn.compact
    def __call__(self, x: Float[Array, "n h w d"], *, train: bool) -> Float[Array, "n h2 w2 d2"]:
        x = MaxPool(window=2, stride=2, name="pool")(x)
        return DoubleConv((self.width, self.width), self.bias, name="conv")(x, train=train)


class Up(nn.Module):
    """Doubles the image, joins it to an earlier one, then `conv`.

    Attributes:
        width: number of output channels.
        bilinear: whether pixels are interpolated; else a transposed convolution `up` doubles, and halves the channels.
        bias: see `DoubleConv`.
    """

    width: int
    bilinear: bool
    bias: bool

    @nn.compact
    def __call__(
        self, x: Float[Array, "n h w d"], earlier: Float[Array, "n h2 w2 d2"], *, train: bool
    ) -> Float[Array, "n h2 w2 d3"]:
        _, h, w, d = x.shape
        if self.bilinear:
            x = enlarge(x, (2 * h, 2 * w))
        else:
            x = nn.ConvTranspose(d // 2, (2, 2), strides=(2, 2), padding="VALID", name="up")(x)
        rows, columns = earlier.shape[1] - 2 * h, earlier.shape[2] - 2 * w  # one where an odd side was halved
        x = jnp.pad(x, ((0, 0), (rows // 2, rows - rows // 2), (columns // 2, columns - columns // 2), (0, 0)))
        x = jnp.concatenate([earlier, x], axis=-1)
        inner = x.shape[-1] // 2 if self.bilinear else self.width
        return DoubleConv((inner, self.width), self.bias, name="conv")(x, train=train)


class UNet(nn.Module):
    """`inc`, `down1` to `down4`, `up1` to `up4`, and the head `outc`, a 1x1 convolution.

    Attributes:
        num_classes: number of logits a pixel.
        width: number of channels of `inc`.
        bilinear: see `Up`.
        bias: see `DoubleConv`.
    """

    num_classes: int
    width: int
    bilinear: bool
    bias: bool

    @property
    def taps(self) -> tuple[str, ...]:
        """Feature layers from input to output; the last one feeds the head."""
        numbers = range(1, LEVELS + 1)
        return ("inc", *(f"down{number}" for number in numbers), *(f"up{number}" for number in numbers))

    @property
    def head(self) -> str:
        """Name of the final layer."""
        return "outc"

    @nn.compact
    def __call__(self, images: Shaped[Array, "..."], *, train: bool = False) -> Float[Array, "n h w c"]:
        """Returns the logits of every pixel; with `train` the batch's own statistics normalise."""
        check_images(images, smallest=2**LEVELS)
        halved = 2 if self.bilinear else 1  # interpolation keeps the channels, so what is interpolated has half of them
        levels = [DoubleConv((self.width, self.width), self.bias, name="inc")(images, train=train)]
        for number in range(1, LEVELS + 1):
            width = self.width * 2**number // (halved if number == LEVELS else 1)
            levels.append(Down(width, self.bias, name=f"down{number}")(levels[-1], train=train))
        x = levels.pop()
        for number in range(1, LEVELS + 1):
            width = self.width * 2 ** (LEVELS - number) // (halved if number < LEVELS else 1)
            x = Up(width, self.bilinear, self.bias, name=f"up{number}")(x, levels.pop(), train=train)
        return convolution(self.num_classes, 1, bias=True, name=self.head)(x)


def unet(num_classes: int = 2, *, width: int = 64, bilinear: bool = False, bias: bool = False) -> UNet:
    """Returns U-Net with padded convolutions and batch normalisation; images need at least 16x16 pixels.

    Args:
        num_classes: number of logits a pixel.
        width: number of channels at full size; they double with each of four halvings.
        bilinear: whether pixels are interpolated on the way up, instead of convolved.
        bias: whether convolutions before a normalisation have one, as they had in the first versions.

    Raises:
        ValueError: If a size is not positive.

    References:
        Ronneberger, Fischer and Brox, "U-Net: Convolutional Networks for Biomedical Image Segmentation", MICCAI 2015.

    Examples:
        >>> unet().taps
        ('inc', 'down1', 'down2', 'down3', 'down4', 'up1', 'up2', 'up3', 'up4')
    """
    check_sizes(num_classes, (width,))
    return UNet(num_classes=num_classes, width=width, bilinear=bilinear, bias=bias)
