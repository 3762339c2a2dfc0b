"""Every network that a state_dict can be brought to, by source and name."""

from converters._entry import Entry
from converters._sources import (
    _cifar_resnet,
    _convnext,
    _densenet,
    _detection,
    _efficientnet,
    _fc,
    _mobilenet,
    _resnet,
    _segmentation,
    _small_convnets,
    _unet,
    _vgg,
    _vit,
)

FAMILIES = (
    _resnet,
    _cifar_resnet,
    _vgg,
    _densenet,
    _mobilenet,
    _efficientnet,
    _convnext,
    _vit,
    _fc,
    _small_convnets,
    _unet,
    _segmentation,
    _detection,
)

ENTRIES: dict[str, Entry] = {entry.name: entry for family in FAMILIES for entry in family.ENTRIES}
"""All entries by name, such as `torchvision/resnet50`."""
