"""The kinds of networks that are learned from, each of a size that trains in a second."""

import flax.linen as nn

from experiments.evidence.images import CLASSES
from experiments.evidence.networks import NormalisedConvNet
from lineage_jax import models

SIDE = {"fc": 14, "fc small": 14, "conv": 7, "normalised": 7, "resnet": 7, "vit": 14}
"""Pixels of a side, by kind."""


def build(kind: str) -> nn.Module:
    """Returns the network of a kind."""
    return {
        "fc": lambda: models.fc(CLASSES, widths=(128, 64, 32)),
        "fc small": lambda: models.fc(CLASSES, widths=(48, 32)),
        "conv": lambda: models.convnet(CLASSES, widths=(8, 16, 16)),
        "normalised": lambda: NormalisedConvNet(num_classes=CLASSES, widths=(8, 12, 16, 24)),
        "resnet": lambda: models.CifarResNet(num_classes=CLASSES, depth=1, width=6),
        "vit": lambda: models.ViT(num_classes=CLASSES, patch=7, width=16, depth=2, heads=2),
    }[kind]()
