"""U-Net, as milesial/Pytorch-UNet names it."""

from typing import Any

from converters import _layouts
from converters._entry import Entry, Image, Shapes

FIRST = "inc.double_conv.0"


def sizes(shapes: Shapes) -> dict[str, Any]:
    """Reads the number of classes, the width and the kind of both layers that come in two kinds.

    Examples:
        >>> shapes = {"inc.double_conv.0.weight": (64, 3, 3, 3), "outc.conv.weight": (2, 64, 1, 1)}
        >>> sizes(shapes)
        {'num_classes': 2, 'width': 64, 'bilinear': True, 'bias': False}
    """
    return {
        "num_classes": shapes["outc.conv.weight"][0],
        "width": shapes[f"{FIRST}.weight"][0],
        "bilinear": "up1.up.weight" not in shapes,
        "bias": f"{FIRST}.bias" in shapes,
    }


def image(shapes: Shapes) -> Image:
    """Reads the number of channels; the size of the images is free.

    Examples:
        >>> image({"inc.double_conv.0.weight": (64, 1, 3, 3)})
        (512, 512, 1)
    """
    return (512, 512, shapes[f"{FIRST}.weight"][1])


def milesial(name: str) -> Entry:
    """Makes the entry of either kind of U-Net."""
    return Entry(
        name=f"milesial/{name}",
        architecture="unet",
        renames=((r"^outc\.conv\.", "outc."), (r"\.maxpool_conv\.1\.", ".conv."), (r"\.double_conv\.", ".")),
        layouts=((r"up\d\.up\.weight", _layouts.transposed_kernel),),
        sizes=sizes,
        image=image,
    )


ENTRIES = (milesial("unet"), milesial("unet_bilinear"))
