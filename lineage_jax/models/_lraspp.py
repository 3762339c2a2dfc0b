"""Lite R-ASPP on a dilated MobileNetV3-Large, with torchvision's names."""

import functools
from collections.abc import Sequence
from typing import ClassVar

import flax.linen as nn
import jax.numpy as jnp
from jaxtyping import Array, Float, Shaped

from lineage_jax.models._inverted_residual import ConvNormActivation
from lineage_jax.models._layers import batch_norm, check_images, check_sizes, convolution
from lineage_jax.models._mobilenet_v3 import LARGE, layers
from lineage_jax.models._resize import resize

DILATED = (*LARGE[:12], *(block._replace(stride=1, dilation=2) for block in LARGE[12:]))
"""Blocks that keep a sixteenth of the image's side."""

LOW = 4
"""The layer, of an eighth of the image's side, whose details the head adds."""

WIDTH = 128
"""Channels of the head."""


class DilatedMobileNetV3(nn.Module):
    """The layers `0` to `16` of MobileNetV3-Large without its classifier."""

    @nn.compact
    def __call__(self, images: Float[Array, "n h w c"], *, train: bool) -> Sequence[Float[Array, "n _ _ _"]]:
        """Returns the output of every layer."""
        norm = functools.partial(batch_norm, epsilon=1e-3, momentum=0.99)
        outputs = [images]
        for index, layer in enumerate(layers(DILATED, norm=norm)):
            outputs.append(layer(name=str(index))(outputs[-1], train=train))
        return outputs[1:]


class LRASPPHead(nn.Module):
    """`cbr`, weighed by what the image's mean tells `scale1`; logits by `low_classifier` and `high_classifier`.

    Attributes:
        num_classes: number of logits a pixel.
    """

    num_classes: int

    @nn.compact
    def __call__(
        self, low: Float[Array, "n h w d"], high: Float[Array, "n h2 w2 d2"], *, train: bool
    ) -> Float[Array, "n h w c"]:
        x = ConvNormActivation(WIDTH, 1, nn.relu, name="cbr")(high, train=train)
        mean = jnp.mean(high, axis=(1, 2), keepdims=True)
        x = x * nn.sigmoid(convolution(WIDTH, 1, name="scale1")(mean))
        x = resize(x, low.shape[1:3])
        details = convolution(self.num_classes, 1, bias=True, name="low_classifier")(low)
        return details + convolution(self.num_classes, 1, bias=True, name="high_classifier")(x)


class LRASPP(nn.Module):
    """`backbone` (see `DilatedMobileNetV3`) and the head `classifier`.

    Attributes:
        num_classes: number of logits a pixel.
    """

    num_classes: int

    taps: ClassVar = tuple(f"backbone/{index}" for index in range(len(LARGE) + 2))
    head: ClassVar = "classifier"

    @nn.compact
    def __call__(self, images: Shaped[Array, "..."], *, train: bool = False) -> dict[str, Float[Array, "n h w c"]]:
        """Returns the logits of every pixel, `out`.

        With `train` the batch's own statistics normalise, and `batch_stats` must be mutable.
        """
        check_images(images)
        features = DilatedMobileNetV3(name="backbone")(images, train=train)
        logits = LRASPPHead(self.num_classes, name=self.head)(features[LOW], features[-1], train=train)
        return {"out": resize(logits, images.shape[1:3])}


def lraspp_mobilenet_v3_large(num_classes: int = 21) -> LRASPP:
    """Returns Lite R-ASPP on MobileNetV3-Large.

    Args:
        num_classes: number of logits a pixel, background included.

    Raises:
        ValueError: If `num_classes` is not positive.

    References:
        Howard et al., "Searching for MobileNetV3", ICCV 2019, section 6.4.

    Examples:
        >>> lraspp_mobilenet_v3_large().taps[-1]
        'backbone/16'
    """
    check_sizes(num_classes, (WIDTH,))
    return LRASPP(num_classes=num_classes)
