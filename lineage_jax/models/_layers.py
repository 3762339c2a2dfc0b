"""The stages that the networks share, small enough to be named and tapped.

What PyTorch calls as a function between two layers is a parameterless module here, because a feature tap is a
module path.
"""

import functools

import flax.linen as nn
import jax.numpy as jnp
from jaxtyping import Array, Float, Shaped


class ReLU(nn.Module):
    """Keeps what is positive."""

    @nn.compact
    def __call__(self, x: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
        return nn.relu(x)


class MaxPool(nn.Module):
    """Takes the largest value of each window; the border is padded with minus infinity.

    Written as an element-wise maximum over the places of the window: on a CPU the tangent of `nn.max_pool` takes about
    ten times as long, as long as a convolution beside it. Equal values share the derivative.

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
        return functools.reduce(jnp.maximum, places)


class GlobalAveragePool(nn.Module):
    """Averages over the image, one number a channel."""

    @nn.compact
    def __call__(self, x: Float[Array, "n h w d"]) -> Float[Array, "n d"]:
        return jnp.mean(x, axis=(1, 2))


def convolution(width: int, kernel: int, *, name: str, stride: int = 1, bias: bool = False) -> nn.Conv:
    """Returns a square convolution that pads `kernel // 2` on every side, as PyTorch's networks do.

    Flax's default "SAME" pads a strided convolution at the far border only, and so computes something else.
    """
    border = (kernel // 2, kernel // 2)
    return nn.Conv(width, (kernel, kernel), stride, padding=(border, border), use_bias=bias, name=name)


def batch_norm(*, train: bool, name: str) -> nn.BatchNorm:
    """Returns a batch normalisation with PyTorch's defaults; Flax's momentum 0.9 is PyTorch's 0.1."""
    return nn.BatchNorm(use_running_average=not train, momentum=0.9, epsilon=1e-5, name=name)


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
