"""Fully convolutional networks and DeepLabV3 on a dilated ResNet-50, with torchvision's names."""

from collections.abc import Callable
from typing import ClassVar

import flax.linen as nn
import jax.numpy as jnp
from jaxtyping import Array, Float, Shaped

from lineage_jax.models._layers import ReLU, batch_norm, check_images, check_sizes, convolution
from lineage_jax.models._resize import resize
from lineage_jax.models._resnet50_body import STAGES, ResNet50Body

RATES = (12, 24, 36)
"""Dilations of the 3x3 convolutions of the pyramid."""

PYRAMID_WIDTH = 256


class ConvNormReLU(nn.Module):
    """A convolution `0`, a batch normalisation `1` and ReLU `2`.

    Attributes:
        width: number of output channels.
        kernel: side of the convolution.
        dilation: distance between the pixels it sees.
    """

    width: int
    kernel: int
    dilation: int = 1

    @nn.compact
    def __call__(self, x: Float[Array, "n h w d"], *, train: bool) -> Float[Array, "n h w d2"]:
        x = convolution(self.width, self.kernel, dilation=self.dilation, name="0")(x)
        x = batch_norm(train=train, name="1")(x)
        return ReLU(name="2")(x)


class PooledConvNormReLU(nn.Module):
    """The mean of the image, a 1x1 convolution `1`, a batch normalisation `2` and ReLU `3`, at every pixel alike.

    Attributes:
        width: number of output channels.
    """

    width: int

    @nn.compact
    def __call__(self, x: Float[Array, "n h w d"], *, train: bool) -> Float[Array, "n h w d2"]:
        y = convolution(self.width, 1, name="1")(jnp.mean(x, axis=(1, 2), keepdims=True))
        y = batch_norm(train=train, name="2")(y)
        return jnp.broadcast_to(ReLU(name="3")(y), (*x.shape[:3], self.width))


class AtrousPyramid(nn.Module):
    """The branches `convs_0` to `convs_4` of different reach, joined by `project`."""

    @nn.compact
    def __call__(self, x: Float[Array, "n h w d"], *, train: bool) -> Float[Array, "n h w d2"]:
        branches: list[nn.Module] = [ConvNormReLU(PYRAMID_WIDTH, 1, name="convs_0")]
        for number, rate in enumerate(RATES, start=1):
            branches.append(ConvNormReLU(PYRAMID_WIDTH, 3, rate, name=f"convs_{number}"))
        branches.append(PooledConvNormReLU(PYRAMID_WIDTH, name=f"convs_{len(RATES) + 1}"))
        x = jnp.concatenate([branch(x, train=train) for branch in branches], axis=-1)
        return ConvNormReLU(PYRAMID_WIDTH, 1, name="project")(x, train=train)


class FCNHead(nn.Module):
    """A 3x3 convolution `0` to a quarter of the channels, normalised (`1`, ReLU `2`); the logits `4`.

    Attributes:
        num_classes: number of logits a pixel.
    """

    num_classes: int

    @nn.compact
    def __call__(self, x: Float[Array, "n h w d"], *, train: bool) -> Float[Array, "n h w c"]:
        x = convolution(x.shape[-1] // 4, 3, name="0")(x)
        x = batch_norm(train=train, name="1")(x)
        x = ReLU(name="2")(x)
        return convolution(self.num_classes, 1, bias=True, name="4")(x)


class DeepLabHead(nn.Module):
    """The pyramid `0`, a 3x3 convolution `1`, normalised (`2`, ReLU `3`); the logits `4`.

    Attributes:
        num_classes: number of logits a pixel.
    """

    num_classes: int

    @nn.compact
    def __call__(self, x: Float[Array, "n h w d"], *, train: bool) -> Float[Array, "n h w c"]:
        x = AtrousPyramid(name="0")(x, train=train)
        x = convolution(PYRAMID_WIDTH, 3, name="1")(x)
        x = batch_norm(train=train, name="2")(x)
        x = ReLU(name="3")(x)
        return convolution(self.num_classes, 1, bias=True, name="4")(x)


class SegmentationNetwork(nn.Module):
    """`backbone`, a ResNet-50 that keeps an eighth of the image's side, and the head `classifier`.

    Dropout in the heads, with which the weights were trained, is left out.

    Attributes:
        num_classes: number of logits a pixel.
        classifier: makes the head.
        aux: whether a second head, `aux_classifier`, stands on `layer3`, as in torchvision's own weights.
    """

    num_classes: int
    classifier: Callable[..., nn.Module]
    aux: bool

    taps: ClassVar = ("backbone/relu", *(f"backbone/{stage}" for stage in STAGES))
    head: ClassVar = "classifier"

    @nn.compact
    def __call__(self, images: Shaped[Array, "..."], *, train: bool = False) -> dict[str, Float[Array, "n h w c"]]:
        """Returns the logits of every pixel, `out` and where there is a second head `aux`.

        With `train` the batch's own statistics normalise, and `batch_stats` must be mutable.
        """
        check_images(images)
        *_, third, last = ResNet50Body(dilations=(1, 1, 2, 4), name="backbone")(images, train=train)
        logits = {"out": self.classifier(self.num_classes, name=self.head)(last, train=train)}
        if self.aux:
            logits["aux"] = FCNHead(self.num_classes, name="aux_classifier")(third, train=train)
        return {name: resize(array, images.shape[1:3]) for name, array in logits.items()}


def fcn_resnet50(num_classes: int = 21, *, aux: bool = False) -> SegmentationNetwork:
    """Returns the fully convolutional network on ResNet-50.

    Args:
        num_classes: number of logits a pixel, background included.
        aux: whether there is a second head, which helps in training.

    Raises:
        ValueError: If `num_classes` is not positive.

    References:
        Long, Shelhamer and Darrell, "Fully Convolutional Networks for Semantic Segmentation", CVPR 2015.

    Examples:
        >>> fcn_resnet50().taps[-1], fcn_resnet50().head
        ('backbone/layer4', 'classifier')
    """
    check_sizes(num_classes, (1,))
    return SegmentationNetwork(num_classes=num_classes, classifier=FCNHead, aux=aux)


def deeplabv3_resnet50(num_classes: int = 21, *, aux: bool = False) -> SegmentationNetwork:
    """Returns DeepLabV3 on ResNet-50; see `fcn_resnet50`.

    References:
        Chen et al., "Rethinking Atrous Convolution for Semantic Image Segmentation", arXiv 2017.
    """
    check_sizes(num_classes, (1,))
    return SegmentationNetwork(num_classes=num_classes, classifier=DeepLabHead, aux=aux)
