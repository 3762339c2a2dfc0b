"""Object detection networks of torchvision; the older of two names stands in files of older versions."""

from collections.abc import Callable
from typing import Any

from converters._entry import Entry, Shapes, classes

PYRAMID = (
    (r"\.fpn\.(inner|layer)_blocks\.(\d)\.(0\.)?", r".fpn.\1_blocks_\2."),
    (r"\.fpn\.extra_blocks\.", ".fpn."),
)
RETINANET = (
    *PYRAMID,
    (r"\.conv\.(\d)\.0\.", r".conv.conv_\1."),
    *((rf"\.conv\.{2 * index}\.(weight|bias)$", rf".conv.conv_{index}.\1") for index in range(4)),
)
FCOS = (
    *PYRAMID,
    *((rf"\.conv\.{3 * index}\.", f".conv.conv_{index}.") for index in range(4)),
    *((rf"\.conv\.{3 * index + 1}\.", f".conv.norm_{index}.") for index in range(4)),
)
SSDLITE = (
    (r"\.(features|extra|module_list)\.(\d)\.", r".\1_\2."),
    *((rf"\.features_1\.0\.{place + 1}\.", f".features_1.0.{place}.") for place in range(3)),  # the rest of a block
)
LOGITS = "head.classification_head.cls_logits.weight"


def anchored(anchors: int, logits: str = LOGITS) -> Callable[[Shapes], dict[str, Any]]:
    """Reads the number of classes off the logits of all anchors of a pixel.

    Examples:
        >>> anchored(9)({"head.classification_head.cls_logits.weight": (819, 256, 3, 3)})
        {'num_classes': 91}
    """
    return lambda shapes: {"num_classes": shapes[logits][0] // anchors}


def retinanet(name: str, *, epsilon: float) -> Entry:
    """Makes the entry of RetinaNet with one epsilon of its frozen normalisations."""
    return Entry(
        name=f"torchvision/{name}",
        architecture="retinanet_resnet50_fpn",
        settings={"epsilon": epsilon},
        renames=RETINANET,
        sizes=anchored(9),
        input_shape=(800, 800, 3),
    )


ENTRIES = (
    retinanet("retinanet_resnet50_fpn_coco", epsilon=0.0),
    retinanet("retinanet_resnet50_fpn", epsilon=1e-5),
    Entry(
        name="torchvision/fcos_resnet50_fpn",
        architecture="fcos_resnet50_fpn",
        renames=FCOS,
        sizes=classes(LOGITS),
        input_shape=(800, 800, 3),
    ),
    Entry(
        name="torchvision/ssdlite320_mobilenet_v3_large",
        architecture="ssdlite320_mobilenet_v3_large",
        renames=SSDLITE,
        sizes=anchored(6, "head.classification_head.module_list.0.1.weight"),
        input_shape=(320, 320, 3),
    ),
)
