"""How one array is laid out in PyTorch and in Flax: permutations, undone bit for bit.

| layout | PyTorch | Flax |
|---|---|---|
| `plain` | any; trailing axes of length 1 may be missing in Flax | the same |
| `kernel` | dense `[out, in]`, convolution `[out, in / groups, h, w]` | `[in, out]`, `[h, w, in / groups, out]` |
| `pointwise` | convolution `[out, in, 1, 1]` of what is one number a channel | dense `[in, out]` |
| `transposed_kernel` | `[in, out, h, w]`, applied as the gradient of a convolution | `[h, w, in, out]`, flipped |
| `flattened(c, h, w)` | dense after a flattened `[c, h, w]` image | dense after a flattened `[h, w, c]` image |
"""

import dataclasses
from collections.abc import Callable

import numpy as np

Shape = tuple[int, ...]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Layout:
    """A pair of inverse rearrangements.

    Attributes:
        to_flax: from PyTorch's array to Flax's.
        to_torch: the way back.
    """

    to_flax: Callable[[np.ndarray], np.ndarray]
    to_torch: Callable[[np.ndarray], np.ndarray]


def _kernel_to_flax(weight: np.ndarray) -> np.ndarray:
    return weight.transpose(*range(2, weight.ndim), 1, 0)


def _kernel_to_torch(kernel: np.ndarray) -> np.ndarray:
    return kernel.transpose(kernel.ndim - 1, kernel.ndim - 2, *range(kernel.ndim - 2))


def _transposed_to_flax(weight: np.ndarray) -> np.ndarray:
    return weight.transpose(2, 3, 0, 1)[::-1, ::-1]


def _transposed_to_torch(kernel: np.ndarray) -> np.ndarray:
    return kernel[::-1, ::-1].transpose(2, 3, 0, 1)


plain = Layout(to_flax=lambda array: array, to_torch=lambda array: array)
kernel = Layout(to_flax=_kernel_to_flax, to_torch=_kernel_to_torch)
pointwise = Layout(to_flax=lambda weight: weight.squeeze((2, 3)).T, to_torch=lambda kernel: kernel.T)
transposed_kernel = Layout(to_flax=_transposed_to_flax, to_torch=_transposed_to_torch)


def flattened(c: int, h: int, w: int) -> Layout:
    """Makes the layout of a dense layer that reads a flattened image: PyTorch flattens channels first, Flax last.

    Examples:
        >>> weight = np.arange(8).reshape(1, 8)  # one unit reading two channels of 2 x 2 pixels
        >>> flattened(2, 2, 2).to_flax(weight).ravel().tolist()
        [0, 4, 1, 5, 2, 6, 3, 7]
    """

    def to_flax(weight: np.ndarray) -> np.ndarray:  # one unit after another, then a view: fast for large layers
        return weight.reshape(-1, c, h, w).transpose(0, 2, 3, 1).reshape(-1, h * w * c).T

    def to_torch(kernel: np.ndarray) -> np.ndarray:
        return kernel.T.reshape(-1, h, w, c).transpose(0, 3, 1, 2).reshape(-1, c * h * w)

    return Layout(to_flax=to_flax, to_torch=to_torch)
