"""Does one protocol name the parent in every kind of network, whatever it does? Classes, pixels, boxes.

python -m experiments.variety.run                 # six kinds, three columns, three seeds; see README.md
python -m experiments.variety.run --mode smoke
"""

from typing import Any

import ml_collections

COLUMNS = ("independent", "shared-init", "checkpoints")


def get_config(mode: str = "full") -> ml_collections.ConfigDict:
    """Returns the locked settings of one mode."""
    config = ml_collections.ConfigDict()
    config.seeds = (0, 1, 2)
    config.kinds = ml_collections.ConfigDict(
        {
            "fc": fc(),
            "vgg": vgg(),
            "resnet20": resnet20(),
            "vit": vit(),
            "unet": unet(),
            "fcos": fcos(),
        }
    )
    # of every parent the first child chooses settings, the others are the test; of one run parents are the last six of
    # twelve, or of thirty
    few = {"parents": 6, "skip": 0, "children": 3, "longer": 1}
    config.columns = ml_collections.ConfigDict(
        {
            "independent": few | {"start": "independent"},
            "shared-init": few | {"start": "shared-init"},
            "checkpoints": few | {"start": "checkpoints", "skip": 6},
            "checkpoints, close": few | {"start": "checkpoints", "skip": 24, "longer": 3},  # steps of fine-tuning
        }
    )
    # families of experiments/universal that are like these: the detector of evidence learns from all others
    config.like = ml_collections.ConfigDict({"fc": "fc", "vgg": "conv", "resnet20": "resnet", "vit": "vit"})
    config.universal = mode
    config.measures = ("l1", "cosine", "cka", "dc")
    config.alphas = (0.1, 0.3, 1.0)
    if mode == "smoke":
        shrink(config)
    return config.lock()


def fc() -> dict[str, Any]:
    """Pixels - 128 - 64 - 32 - classes: digits, then clothes."""
    return {
        "network": {"architecture": "fc", "widths": (128, 64, 32)},
        "layer": "relu3",
        "probes": 32,
        "parents": {"set": "mnist", "pooling": 2},
        "children": {"set": "fashion_mnist", "pooling": 2},
        "columns": (*COLUMNS, "checkpoints, close"),
        "pretrain": training(steps=400, learning_rate=0.05, batch_size=32),
        "finetune": training(steps=400, learning_rate=0.05, batch_size=32),
    }


def vgg() -> dict[str, Any]:
    """Three 3x3 convolutions and two poolings, two dense layers and the head: clothes, then digits."""
    return {
        "network": {"architecture": "vgg", "stages": ((8,), (16, 16)), "hidden": 32},
        "layer": "classifier4",
        "probes": 32,
        "parents": {"set": "fashion_mnist", "pooling": 2},
        "children": {"set": "mnist", "pooling": 2},
        "columns": (*COLUMNS, "checkpoints, close"),
        "pretrain": training(steps=300, learning_rate=0.02, batch_size=16),
        "finetune": training(steps=200, learning_rate=0.02, batch_size=16),
    }


def resnet20() -> dict[str, Any]:
    """CIFAR ResNet-20 of width 8: clothes, five classes and then the other five."""
    return {
        "network": {"architecture": "cifar_resnet20", "width": 8},
        "layer": "avgpool",
        "probes": 32,
        "parents": {"set": "fashion_mnist", "pooling": 4, "classes": tuple(range(5))},
        "children": {"set": "fashion_mnist", "pooling": 4, "classes": tuple(range(5, 10))},
        "columns": (*COLUMNS, "checkpoints, close"),
        "pretrain": training(steps=120, learning_rate=0.05, batch_size=16),
        "finetune": training(steps=60, learning_rate=0.05, batch_size=16),
    }


def vit() -> dict[str, Any]:
    """Three blocks of width 32 on tokens of 2 x 2 pixels: digits, five classes and then the other five."""
    return {
        "network": {"architecture": "vit", "patch": 2, "width": 32, "depth": 3, "heads": 4},
        "layer": "pool",
        "probes": 32,
        "parents": {"set": "mnist", "pooling": 4, "classes": tuple(range(5))},
        "children": {"set": "mnist", "pooling": 4, "classes": tuple(range(5, 10))},
        "columns": COLUMNS,
        "pretrain": training(steps=400, learning_rate=0.05, batch_size=16),
        "finetune": training(steps=200, learning_rate=0.05, batch_size=16),
    }


def unet() -> dict[str, Any]:
    """U-Net of width 8: membranes in one half of the pictures, then in the other."""
    return {
        "network": {"architecture": "unet", "width": 8},
        "layer": "down4",
        "probes": 12,
        "parents": {"set": "membranes", "half": "first", "side": 32, "pooling": 2},
        "children": {"set": "membranes", "half": "second", "side": 32, "pooling": 2},
        "columns": COLUMNS,
        "pretrain": training(steps=150, learning_rate=0.05, batch_size=4),
        "finetune": training(steps=60, learning_rate=0.05, batch_size=4),
    }


def fcos() -> dict[str, Any]:
    """A small FCOS: red cells in one half of the pictures, then white ones in the other."""
    return {
        "network": {"architecture": "fcos", "width": 8},
        "layer": "pyramid/level0",
        "probes": 12,
        "parents": {"set": "blood", "half": "first", "cells": ("RBC",)},
        "children": {"set": "blood", "half": "second", "cells": ("WBC",)},
        "columns": COLUMNS,
        "pretrain": training(steps=120, learning_rate=0.02, batch_size=4),
        "finetune": training(steps=40, learning_rate=0.02, batch_size=4),
    }


def training(*, steps: int, learning_rate: float, batch_size: int) -> dict[str, Any]:
    """SGD with momentum 0.9."""
    return {"steps": steps, "batch_size": batch_size, "learning_rate": learning_rate, "weight_decay": 5e-4}


def shrink(config: ml_collections.ConfigDict) -> None:
    """Makes every stage run within seconds; the numbers mean nothing then."""
    config.seeds = (0,)
    config.kinds = {"fc": config.kinds.fc.to_dict()}
    config.kinds.fc.network.widths = (8, 4)
    config.kinds.fc.layer = "relu2"
    config.kinds.fc.pretrain.steps = config.kinds.fc.finetune.steps = 3
    config.kinds.fc.columns = ("checkpoints",)
    config.columns = {"checkpoints": config.columns.checkpoints.to_dict() | {"parents": 2, "skip": 1, "children": 2}}
    config.kinds.fc.probes = 4
    config.like = {"fc": "fc small"}
    config.measures = ("l1",)
    config.alphas = (0.1,)
