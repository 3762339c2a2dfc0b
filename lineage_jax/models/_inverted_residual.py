"""The inverted residual block, shared by MobileNets and EfficientNets: wide inside, narrow between blocks."""

import functools
from collections.abc import Callable

import flax.linen as nn
import jax.numpy as jnp
from jaxtyping import Array, Float

from lineage_jax.models._layers import Activation, Sequential, batch_norm, convolution

Function = Callable[[Array], Array]


class ConvNormActivation(nn.Module):
    """A convolution `0`, a batch normalisation `1` and, if there is one, an activation `2`.

    Attributes:
        width: number of output channels.
        kernel: side of the convolution.
        activation: what ends it, or nothing.
        stride: step of the convolution.
        groups: of the channels.
        conv: makes the convolution.
        norm: makes the normalisation.
    """

    width: int
    kernel: int
    activation: Function | None
    stride: int = 1
    groups: int = 1
    conv: Callable[..., nn.Module] = convolution
    norm: Callable[..., nn.Module] = batch_norm

    @nn.compact
    def __call__(self, x: Float[Array, "n h w d"], *, train: bool) -> Float[Array, "n h2 w2 d2"]:
        x = self.conv(self.width, self.kernel, stride=self.stride, groups=self.groups, name="0")(x)
        x = self.norm(train=train, name="1")(x)
        return x if self.activation is None else Activation(self.activation, name="2")(x)


class SqueezeExcitation(nn.Module):
    """Weighs every channel by what the means of all channels tell; `train` changes nothing.

    Attributes:
        width: number of channels between the two 1x1 convolutions `fc1` and `fc2`.
        activation: between them.
        gate: from the last one's output to weights.

    References:
        Hu et al., "Squeeze-and-Excitation Networks", CVPR 2018, figure 2.
    """

    width: int
    activation: Function
    gate: Function

    @nn.compact
    def __call__(self, x: Float[Array, "n h w d"], *, train: bool) -> Float[Array, "n h w d"]:
        y = jnp.mean(x, axis=(1, 2), keepdims=True)
        y = convolution(self.width, 1, bias=True, name="fc1")(y)
        y = Activation(self.activation, name="activation")(y)
        y = convolution(x.shape[-1], 1, bias=True, name="fc2")(y)
        return x * Activation(self.gate, name="scale_activation")(y)


class InvertedResidual(nn.Module):
    """Widens by a 1x1 convolution, filters each channel by itself, weighs the channels and narrows again.

    These are the modules `0`, `1`, ... of `block`; widening and weighing may be absent. The input is added to an output
    of its shape.

    Attributes:
        inner: number of channels between the 1x1 convolutions.
        width: number of output channels.
        kernel: side of the convolution of each channel.
        stride: step of that convolution.
        squeeze: makes the module that weighs the channels, or nothing.
        unit: makes a convolution with normalisation and activation, such as `ConvNormActivation`.

    References:
        Sandler et al., "MobileNetV2: Inverted Residuals and Linear Bottlenecks", CVPR 2018, figure 3.
    """

    inner: int
    width: int
    kernel: int
    stride: int
    squeeze: Callable[..., nn.Module] | None
    unit: Callable[..., nn.Module]

    @nn.compact
    def __call__(self, x: Float[Array, "n h w d"], *, train: bool) -> Float[Array, "n h2 w2 d2"]:
        widen = functools.partial(self.unit, self.inner, 1) if self.inner != x.shape[-1] else None
        filters = functools.partial(self.unit, self.inner, self.kernel, stride=self.stride, groups=self.inner)
        narrow = functools.partial(self.unit, self.width, 1, activation=None)
        layers = tuple(layer for layer in (widen, filters, self.squeeze, narrow) if layer is not None)
        y = Sequential(layers, name="block")(x, train=train)
        return x + y if self.stride == 1 and x.shape[-1] == self.width else y


def divisible(channels: int) -> int:
    """Rounds to a multiple of eight channels, up where rounding down would lose more than a tenth.

    Examples:
        >>> divisible(30), divisible(18), divisible(3)
        (32, 24, 8)
    """
    rounded = max(8, (channels + 4) // 8 * 8)
    return rounded + 8 if rounded < 0.9 * channels else rounded
