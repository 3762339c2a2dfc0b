"""The stages that the networks share, small enough to be named and tapped.

What PyTorch calls as a function between two layers is a parameterless module here, because a feature tap is a
module path.
"""

import functools
from collections.abc import Callable
from typing import Any, Literal

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Shaped

HIDDEN = 4
"""Units of the hidden layer of an MLP for each of its input."""


def gelu(x: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
    """Multiplies by the normal distribution function, exactly as PyTorch does; JAX's default is an approximation."""
    return nn.gelu(x, approximate=False)


class ReLU(nn.Module):
    """Keeps what is positive."""

    @nn.compact
    def __call__(self, x: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
        return nn.relu(x)


class Activation(nn.Module):
    """Applies a function to every element.

    Attributes:
        function: such as `nn.silu`.
    """

    function: Callable[[Array], Array]

    @nn.compact
    def __call__(self, x: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
        return self.function(x)


class MLP(nn.Module):
    """Dense layers `fc1` and `fc2` with the exact GELU between them."""

    @nn.compact
    def __call__(self, x: Float[Array, "*shape d"]) -> Float[Array, "*shape d"]:
        y = nn.Dense(HIDDEN * x.shape[-1], name="fc1")(x)
        y = Activation(gelu, name="act")(y)
        return nn.Dense(x.shape[-1], name="fc2")(y)


class MaxPool(nn.Module):
    """Takes the largest value of each window; the border is padded with minus infinity.

    Written as an element-wise maximum over the places of the window: on a CPU the tangent of `nn.max_pool` takes about
    ten times as long, as long as a convolution beside it. Of equal values the first one has the derivative.

    Attributes:
        window: side of the square window.
        stride: step between windows.
        padding: rows and columns added on every side.
    """

    window: int
    stride: int
    padding: int = 0

    @nn.compact
    def __call__(self, x: Float[Array, "n h w d"]) -> Float[Array, "n h2 w2 d"]:
        border = (self.padding, self.padding)
        x = jnp.pad(x, ((0, 0), border, border, (0, 0)), constant_values=-jnp.inf)
        rows, columns = ((side - self.window) // self.stride + 1 for side in x.shape[1:3])
        places = [
            x[:, top : top + self.stride * rows : self.stride, left : left + self.stride * columns : self.stride]
            for top in range(self.window)
            for left in range(self.window)
        ]
        return _largest(places)


@jax.custom_jvp
def _largest(places: list[Float[Array, "*shape"]]) -> Float[Array, "*shape"]:
    """Takes the largest value of each element; its tangent keeps which place that was, one small integer each.

    A chain of `jnp.maximum` would keep two floats for every place, which a tangent pass then reads for each child.
    """
    return functools.reduce(jnp.maximum, places)


@_largest.defjvp
def _tangent_of_largest(primals: tuple, tangents: tuple) -> tuple[Array, Array]:
    (places,), (steps,) = primals, tangents
    value = _largest(places)
    numbers = range(len(places) - 1)
    last = jnp.full(value.shape, len(numbers), np.min_scalar_type(len(numbers)))
    which = functools.reduce(
        lambda rest, i: jnp.where(places[i] == value, last.dtype.type(i), rest), numbers[::-1], last
    )
    return value, functools.reduce(lambda rest, i: jnp.where(which == i, steps[i], rest), numbers, steps[-1])


class AveragePool(nn.Module):
    """Averages over windows of 2x2 pixels; an odd last row or column is left out."""

    @nn.compact
    def __call__(self, x: Float[Array, "n h w d"]) -> Float[Array, "n h2 w2 d"]:
        return nn.avg_pool(x, (2, 2), (2, 2))


class AdaptiveAveragePool(nn.Module):
    """Averages over `size` x `size` windows of nearly equal sides that cover the image; they overlap where it is small.

    Attributes:
        size: side of the output.
    """

    size: int

    @nn.compact
    def __call__(self, x: Float[Array, "n h w d"]) -> Float[Array, "n h2 w2 d"]:
        if x.shape[1:3] == (self.size, self.size):
            return x
        rows, columns = (_averages(self.size, side).astype(x.dtype) for side in x.shape[1:3])
        return jnp.einsum("ih,jw,nhwd->nijd", rows, columns, x, precision="highest")


def _averages(windows: int, side: int) -> np.ndarray:
    """Returns the matrix `[windows, side]` that averages over the windows of a row of pixels."""
    numbers = np.arange(windows)[:, None]
    start, end = numbers * side // windows, -(-(numbers + 1) * side // windows)
    inside = (np.arange(side) >= start) & (np.arange(side) < end)
    return inside / (end - start)


class GlobalAveragePool(nn.Module):
    """Averages over the image, one number a channel."""

    @nn.compact
    def __call__(self, x: Float[Array, "n h w d"]) -> Float[Array, "n d"]:
        return jnp.mean(x, axis=(1, 2))


class Sequential(nn.Module):
    """Runs modules `0`, `1`, ... one after another; each gets the keyword arguments, such as `train`.

    Attributes:
        layers: each makes a module when called with its `name`.
    """

    layers: tuple[Callable[..., nn.Module], ...]

    @nn.compact
    def __call__(self, x: Float[Array, "n ..."], **keywords: Any) -> Float[Array, "n ..."]:
        for index, layer in enumerate(self.layers):
            x = layer(name=str(index))(x, **keywords)
        return x


def convolution(
    width: int,
    kernel: int,
    *,
    name: str,
    stride: int = 1,
    bias: bool = False,
    groups: int = 1,
    dilation: int = 1,
    padding: int | Literal["SAME"] | None = None,
) -> nn.Conv:
    """Returns a square convolution that pads half its reach on every side, as most of PyTorch's networks do.

    TensorFlow's and Flax's "SAME" pads a strided convolution at the far border only, and so computes something else.
    """
    return nn.Conv(
        width,
        (kernel, kernel),
        stride,
        padding=dilation * (kernel // 2) if padding is None else padding,
        kernel_dilation=dilation,
        feature_group_count=groups,
        use_bias=bias,
        name=name,
    )


def batch_norm(*, train: bool, name: str, epsilon: float = 1e-5, momentum: float = 0.9) -> nn.BatchNorm:
    """Returns a batch normalisation with PyTorch's defaults; Flax's momentum 0.9 is PyTorch's 0.1."""
    return nn.BatchNorm(use_running_average=not train, momentum=momentum, epsilon=epsilon, name=name)


def layer_norm(*, name: str) -> nn.LayerNorm:
    """Returns a layer normalisation with the epsilon of vision transformers; the variance is taken about the mean.

    Flax's default, the mean square less the squared mean, loses digits where features are far from zero.
    """
    return nn.LayerNorm(epsilon=1e-6, use_fast_variance=False, name=name)


def check_images(images: Shaped[Array, "..."], *, smallest: int = 1) -> None:
    """Refuses what is no batch of images.

    Raises:
        ValueError: If `images` are not `[n, h, w, c]`, or smaller than `smallest` pixels a side.
        TypeError: If `images` are not floating point.
    """
    if images.ndim != 4:
        raise ValueError(f"expected images [n, h, w, c], got shape {images.shape}: add the missing axes")
    if not jnp.issubdtype(images.dtype, jnp.floating):
        raise TypeError(f"expected images of floats, got {images.dtype}: scale and standardise the pixels first")
    if min(images.shape[1:3]) < smallest:
        raise ValueError(
            f"expected images of at least {smallest} x {smallest} pixels, got shape {images.shape}: enlarge them"
        )


def check_sizes(num_classes: int, widths: tuple[int, ...]) -> None:
    """Refuses a network with no layer or an empty one.

    Raises:
        ValueError: If there are no widths, or a width or `num_classes` is not positive.
    """
    if not widths or min(num_classes, *widths) < 1:
        raise ValueError(
            f"expected at least one width and positive sizes, got num_classes={num_classes} and widths={widths}"
        )
