"""What do p-values of kinship do on strangers, and how far may a child have travelled until they say nothing?

python -m experiments.evidence.run                 # five kinds of networks; see README.md
python -m experiments.evidence.run --mode smoke
"""

import ml_collections


def get_config(mode: str = "full") -> ml_collections.ConfigDict:
    """Returns the locked settings of one mode."""
    config = ml_collections.ConfigDict()
    config.sets = ("mnist", "cells", "fashion_mnist", "membranes")
    config.images = 3000  # to learn, of each set
    config.kinds = ml_collections.ConfigDict(
        {
            "fc": kind({"architecture": "fc", "widths": (64, 48, 32)}, side=14, steps=500),
            "small": kind({"architecture": "convex_adversarial_convnet"}, side=14, steps=400, runs=3, robust=6),
            "vit": kind({"architecture": "vit", "patch": 2, "width": 32, "depth": 3, "heads": 4}, steps=600, roots=1),
            "convnet": kind({"architecture": "normalised_convnet", "widths": (16, 24, 32, 32)}, steps=300, roots=1),
            "resnet20": kind({"architecture": "cifar_resnet20", "width": 8}, steps=150, runs=3, robust=1, roots=0.5),
        }
    )
    config.chooses = ("fc", "convnet")  # the kinds on which thresholds and constants are fitted; the others show them
    config.recipes = ml_collections.ConfigDict({"plain": 5e-4, "decay": 5e-3})  # weight decay
    config.attack = 0.3  # of an adversary, in deviations of pixels
    config.tuning = ml_collections.ConfigDict(
        {
            "gentle": {"steps": 200, "learning_rate": 0.01, "weight_decay": 5e-4},
            "plain": {"steps": 200, "learning_rate": 0.05, "weight_decay": 5e-4},
            "high rate": {"steps": 200, "learning_rate": 0.1, "weight_decay": 5e-4},
            "regularised": {"steps": 200, "learning_rate": 0.05, "weight_decay": 5e-3},
            "far 1": {"steps": 300, "learning_rate": 0.05, "weight_decay": 0.007},
            "far 2": {"steps": 300, "learning_rate": 0.05, "weight_decay": 0.013},
            "far 3": {"steps": 300, "learning_rate": 0.05, "weight_decay": 0.02},
            "far 4": {"steps": 300, "learning_rate": 0.05, "weight_decay": 0.027},
            "far 5": {"steps": 300, "learning_rate": 0.05, "weight_decay": 0.04},
            "short": {"steps": 40, "learning_rate": 0.05, "weight_decay": 5e-4},
            "long": {"steps": 1000, "learning_rate": 0.05, "weight_decay": 5e-4},
            "few-shot": {"steps": 200, "learning_rate": 0.05, "weight_decay": 5e-4, "few": 48},
            "merged LoRA": {"steps": 200, "learning_rate": 0.05, "rank": 4},
            "head only": {"steps": 200, "learning_rate": 0.05, "weight_decay": 5e-4, "head_only": True},
        }
    )
    config.generations = ("plain", "second generation", "third generation")
    config.siblings = ("plain", "regularised")
    config.edits = {"pruned": (0.9,), "noise": (0.3, 1.0, 3.0)}
    config.probes = 16  # of each set
    if mode == "smoke":
        shrink(config)
    return config.lock()


def kind(
    network: dict[str, object], *, steps: int, side: int = 7, runs: int = 5, robust: int = 2, roots: float = 2
) -> dict[str, object]:
    """Returns the settings of one kind of networks.

    Args:
        network: architecture and sizes.
        steps: of training from scratch.
        side: pixels of a side.
        runs: of each set and recipe.
        robust: runs of each set that are trained against an adversary.
        roots: runs of each set that have children, one of each of the first recipes; below 1 of a part of the sets.
    """
    learning = {"steps": steps, "learning_rate": 0.02}
    return learning | {"network": network, "side": side, "runs": runs, "robust": robust, "roots": roots}


def shrink(config: ml_collections.ConfigDict) -> None:
    """Makes every stage run within seconds; the numbers mean nothing then."""
    config.sets = ("cells", "membranes")
    config.images = 60
    config.kinds = ml_collections.ConfigDict(
        {"fc": kind({"architecture": "fc", "widths": (16, 16)}, side=14, steps=4, runs=1, robust=1, roots=1)}
    )
    config.chooses, config.probes, config.generations = ("fc",), 4, ("plain", "second generation")
    config.tuning = {way: config.tuning[way].to_dict() for way in ("plain", "regularised", "merged LoRA", "head only")}
    for settings in config.tuning.values():
        settings.steps = 2
