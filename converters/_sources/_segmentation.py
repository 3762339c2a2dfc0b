"""Networks of torchvision that name every pixel."""

from typing import Any

from converters._entry import Entry, Shapes, classes


def sizes(shapes: Shapes) -> dict[str, Any]:
    """Reads the number of classes and whether there is a second head.

    Examples:
        >>> sizes({"classifier.4.weight": (21, 256, 1, 1)})
        {'num_classes': 21, 'aux': False}
    """
    return {"num_classes": shapes["classifier.4.weight"][0], "aux": "aux_classifier.4.weight" in shapes}


ENTRIES = (
    *(
        Entry(
            name=f"torchvision/{architecture}{variant}",
            architecture=architecture,
            renames=((r"\.convs\.", ".convs_"),),
            sizes=sizes,
            input_shape=(520, 520, 3),
        )
        for architecture in ("fcn_resnet50", "deeplabv3_resnet50")
        for variant in ("", "_aux")
    ),
    Entry(
        name="torchvision/lraspp_mobilenet_v3_large",
        architecture="lraspp_mobilenet_v3_large",
        renames=((r"\.scale\.1\.", ".scale1."),),
        sizes=classes("classifier.low_classifier.weight"),
        input_shape=(520, 520, 3),
    ),
)
