"""Residual networks."""

from converters._entry import Entry, classes

ENTRIES = (Entry(name="torchvision/resnet18", architecture="resnet18", sizes=classes("fc.weight")),)
