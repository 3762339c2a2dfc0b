"""Fully connected networks with ReLU between their layers, named `fc1`, `fc2`, ... or numbered in a Sequential."""

import math
import re
from typing import Any

from converters import _layouts
from converters._entry import Entry, Image, Shapes

MOST = 9
"""How many dense layers a Sequential may have."""

SEQUENTIAL = tuple((rf"^({2 * index}|{2 * index + 1})\.", f"fc{index + 1}.") for index in range(MOST))
"""A ReLU stands between two dense layers; all places are one more where the Sequential starts with a Flatten."""

CIFAR = (32, 32, 3)
WEIGHT = r"(?:fc)?(\d+)\.weight"


def sizes(shapes: Shapes) -> dict[str, Any]:
    """Reads the widths and the number of classes off the weights.

    Examples:
        >>> sizes({"fc1.weight": (32, 784), "fc1.bias": (32,), "fc2.weight": (10, 32), "fc2.bias": (10,)})
        {'num_classes': 10, 'widths': (32,)}
    """
    *widths, (num_classes, _) = _weights(shapes)
    return {"num_classes": num_classes, "widths": tuple(width for width, _ in widths)}


def square(shapes: Shapes) -> Image:
    """Reads the side of a square image of one channel off the columns of the first weights.

    Raises:
        ValueError: If the pixels are no square.

    Examples:
        >>> square({"fc1.weight": (32, 784)})
        (28, 28, 1)
    """
    pixels = _weights(shapes)[0][1]
    side = math.isqrt(pixels)
    if side * side != pixels:
        raise ValueError(f"expected the pixels of a square image of one channel, got {pixels}")
    return (side, side, 1)


def cifar(shapes: Shapes) -> Image:
    """Returns CIFAR's image where the first weights have as many columns as it has pixels.

    Raises:
        ValueError: If they have not.
    """
    pixels = _weights(shapes)[0][1]
    if pixels != math.prod(CIFAR):
        raise ValueError(f"expected the {math.prod(CIFAR)} pixels of an image {CIFAR}, got {pixels}")
    return CIFAR


def _weights(shapes: Shapes) -> list[tuple[int, ...]]:
    """Returns the shapes of the weights from input to output."""
    numbers = {int(found[1]): name for name in shapes if (found := re.fullmatch(WEIGHT, name))}
    return [shapes[numbers[number]] for number in sorted(numbers)]


ENTRIES = (
    Entry(name="named/fc", architecture="fc", sizes=sizes, image=square),
    Entry(name="sequential/fc", architecture="fc", renames=SEQUENTIAL, sizes=sizes, image=square),
    Entry(
        name="named/fc_cifar",
        architecture="fc",
        layouts=((r"fc1\.weight", _layouts.flattened(3, 32, 32)),),
        sizes=sizes,
        input_shape=CIFAR,
        image=cifar,
    ),
    Entry(
        name="sequential/fc_cifar",
        architecture="fc",
        renames=SEQUENTIAL,
        layouts=((r"[01]\.weight", _layouts.flattened(3, 32, 32)),),
        sizes=sizes,
        input_shape=CIFAR,
        image=cifar,
    ),
)
