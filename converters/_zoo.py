"""Every network that a state_dict can be brought to, by source and name."""

from converters._entry import Entry
from converters._sources import (
    _cifar_resnet,
    _convnext,
    _densenet,
    _efficientnet,
    _fc,
    _mobilenet,
    _object_detection,
    _resnet,
    _segmentation,
    _small_convnets,
    _unet,
    _vgg,
    _vit,
)

SOURCES = (
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
    _object_detection,
)

ENTRIES: dict[str, Entry] = {entry.name: entry for source in SOURCES for entry in source.ENTRIES}
"""All entries by name, such as `torchvision/resnet50`."""
