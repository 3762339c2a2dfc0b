"""Residual networks; timm's names are torchvision's."""

from converters._entry import Entry, classes

NETWORKS = ("resnet18", "resnet34", "resnet50", "resnet101", "wide_resnet50_2", "resnext50_32x4d")

ENTRIES = tuple(Entry(name=f"torchvision/{name}", architecture=name, sizes=classes("fc.weight")) for name in NETWORKS)
