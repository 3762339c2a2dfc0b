"""The fully connected network of the paper."""

from collections.abc import Sequence

import flax.linen as nn
from jaxtyping import Array, Float, Shaped

from lineage_jax.models._layers import ReLU, check_images, check_sizes


class FC(nn.Module):
    """Dense layers `fc1`, `fc2`, ... with `relu1`, `relu2`, ... between them; the last one is the head.

    Attributes:
        num_classes: number of logits.
        widths: number of units of every hidden layer.
    """

    num_classes: int
    widths: tuple[int, ...]

    @property
    def taps(self) -> tuple[str, ...]:
        """Feature layers from input to output; the last one feeds the head."""
        return tuple(f"relu{number}" for number in range(1, len(self.widths) + 1))

    @property
    def head(self) -> str:
        """Name of the final dense layer."""
        return f"fc{len(self.widths) + 1}"

    @nn.compact
    def __call__(self, images: Shaped[Array, "..."], *, train: bool = False) -> Float[Array, "n c"]:
        """Returns the logits; `train` changes nothing, since no layer behaves differently then."""
        check_images(images)
        x = images.reshape(len(images), -1)
        for number, width in enumerate(self.widths, start=1):
            x = nn.Dense(width, name=f"fc{number}")(x)
            x = ReLU(name=f"relu{number}")(x)
        return nn.Dense(self.num_classes, name=self.head)(x)


def fc(num_classes: int = 10, *, widths: Sequence[int] = (1024, 256, 128)) -> FC:
    """Returns the paper's fully connected network: pixels - 1024 - 256 - 128 - classes.

    Args:
        num_classes: number of logits.
        widths: number of units of every hidden layer.

    Raises:
        ValueError: If there is no hidden layer or a size is not positive.

    References:
        Yu and Wang, "Neural Lineage", CVPR 2024.

    Examples:
        >>> network = fc(widths=(32, 16))
        >>> network.taps, network.head
        (('relu1', 'relu2'), 'fc3')
    """
    check_sizes(num_classes, tuple(widths))
    return FC(num_classes=num_classes, widths=tuple(widths))
