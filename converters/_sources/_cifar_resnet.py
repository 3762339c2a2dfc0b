"""Residual networks for CIFAR-10.

From akamaster/pytorch_resnet_cifar10; from IntelLabs/distiller with projected shortcuts; and the wide ones of
xternalz/WideResNet-pytorch.
"""

from typing import Any

from converters._entry import Entry, Image, Shapes, classes


def width(shapes: Shapes) -> int:
    """Reads the number of channels of the first stage off the first convolution.

    Raises:
        ValueError: If that has other pixels than 3 x 3: another network of these names.

    Examples:
        >>> width({"conv1.weight": (16, 3, 5, 5)})
        Traceback (most recent call last):
        ValueError: expected a first convolution of 3 x 3 pixels, got (16, 3, 5, 5)
    """
    shape = shapes["conv1.weight"]
    if shape[2:] != (3, 3):
        raise ValueError(f"expected a first convolution of 3 x 3 pixels, got {shape}")
    return shape[0]


def akamaster(shapes: Shapes) -> dict[str, Any]:
    """Reads the number of classes and the width.

    Examples:
        >>> akamaster({"linear.weight": (10, 32), "conv1.weight": (8, 3, 3, 3)})
        {'num_classes': 10, 'width': 8}
    """
    return {"num_classes": shapes["linear.weight"][0], "width": width(shapes)}


def distiller(shapes: Shapes) -> dict[str, Any]:
    """Reads the number of classes and the width.

    Examples:
        >>> distiller({"fc.weight": (10, 64), "conv1.weight": (16, 3, 3, 3)})
        {'num_classes': 10, 'width': 16}
    """
    return {"num_classes": shapes["fc.weight"][0], "width": width(shapes)}


def image(shapes: Shapes) -> Image:
    """Reads the number of channels; the size of the images is CIFAR's.

    Examples:
        >>> image({"conv1.weight": (16, 1, 3, 3)})
        (32, 32, 1)
    """
    return (32, 32, shapes["conv1.weight"][1])


ENTRIES = (
    *(
        Entry(
            name=f"akamaster/resnet{depth}",
            architecture=f"cifar_resnet{depth}",
            sizes=akamaster,
            image=image,
        )
        for depth in (20, 32, 44, 56)
    ),
    Entry(
        name="distiller/resnet20_cifar",
        architecture="cifar_resnet20",
        settings={"projected": True},
        renames=((r"^fc\.", "linear."),),
        sizes=distiller,
        image=image,
    ),
    *(
        Entry(
            name=f"xternalz/wrn_{size}",
            architecture=f"cifar_wide_resnet{size}",
            renames=((r"^(block\d)\.layer\.", r"\1."),),
            sizes=classes("fc.weight"),
            input_shape=(32, 32, 3),
        )
        for size in ("16_1", "40_2")
    ),
)
