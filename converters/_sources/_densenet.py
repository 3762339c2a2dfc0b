"""DenseNets; timm's names are torchvision's, whose published files still have a dot before the numbers of layers."""

from converters._entry import Entry, classes

ENTRIES = (
    Entry(
        name="torchvision/densenet121",
        architecture="densenet121",
        renames=((r"(denselayer\d+\.(?:norm|conv))\.([12])\.", r"\1\2."),),
        sizes=classes("classifier.weight"),
    ),
)
