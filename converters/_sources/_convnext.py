"""ConvNeXt: one network, named by timm and by torchvision."""

from converters._entry import Entry, classes

TIMM = (
    (r"^stages\.", "stages_"),
    (r"^head\.norm\.", "norm."),
    (r"^head\.fc\.", "head."),
)
TORCHVISION = (
    (r"^features\.0\.", "stem."),
    *((rf"^features\.{2 * stage}\.", f"stages_{stage}.downsample.") for stage in range(1, 4)),
    *((rf"^features\.{2 * stage + 1}\.", f"stages_{stage}.blocks.") for stage in range(4)),
    (r"\.layer_scale$", ".gamma"),
    (r"\.block\.0\.", ".conv_dw."),
    (r"\.block\.2\.", ".norm."),
    (r"\.block\.3\.", ".mlp.fc1."),
    (r"\.block\.5\.", ".mlp.fc2."),
    (r"^classifier\.0\.", "norm."),
    (r"^classifier\.2\.", "head."),
)

ENTRIES = (
    Entry(
        name="torchvision/convnext_tiny",
        architecture="convnext_tiny",
        renames=TORCHVISION,
        sizes=classes("classifier.2.weight"),
    ),
    Entry(name="timm/convnext_tiny", architecture="convnext_tiny", renames=TIMM, sizes=classes("head.fc.weight")),
)
