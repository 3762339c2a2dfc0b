"""How fast is a sweep, and what is to be expected of machines that are not here? Measured, and predicted from counts.

python -m experiments.scaling.run                 # a quiet machine; see README.md
python -m experiments.scaling.run --mode smoke
"""

import ml_collections


def get_config(mode: str = "full") -> ml_collections.ConfigDict:
    """Returns the locked settings of one mode."""
    config = ml_collections.ConfigDict()
    # what a point has where it says nothing else: fully connected networks in files, widths from pixels to features
    config.base = {
        "mesh": "children=1",
        "parents": 8,
        "children": 256,
        "at_a_time": 64,
        "probes": 64,
        "size": "medium",
    }
    config.sizes = {"small": (784, 64, 32), "medium": (784, 256, 128, 64), "large": (784, 1024, 256, 128)}
    config.axes = ml_collections.ConfigDict(
        {
            # of virtual devices, which share the cores
            "mesh": ("children=1", "children=2", "children=4", "children=8", "probes=2", "children=2,probes=2"),
            "at_a_time": (4, 16, 64, 256),  # children a block
            "probes": (16, 64, 256),
            "size": ("small", "medium", "large"),
        }
    )
    config.measures = ("l1", "l2", "cosine", "cka", "dc")
    config.rounds = 3
    config.product = 2048  # rows and columns of the product that tells the machine's rate
    config.accelerator = {
        "network": "resnet18",
        "arguments": {"num_classes": 1000},
        "layer": "avgpool",
        "image": (224, 224, 3),
        "measures": config.measures,
        "probes": 64,
        "parents": 2,
        "children": 32,
        "memory": 2**35,
        "rounds": 5,
        "product": 8192,
    }
    config.predicted = {
        "parents": 1_000,
        "children": 100_000,
        "measures": config.measures,
        "probes": 64,
        "reading": (1e9, 1e10),  # bytes a second and host
        "networks": {
            "resnet18": {"arguments": {"num_classes": 1000}, "layer": "avgpool", "image": (224, 224, 3)},
            "vit_base_patch16": {"arguments": {"num_classes": 1000}, "layer": "pool", "image": (224, 224, 3)},
        },
    }
    if mode == "smoke":
        shrink(config)
    return config.lock()


def shrink(config: ml_collections.ConfigDict) -> None:
    """Makes every stage run within seconds; the numbers mean nothing then."""
    config.base = {
        "mesh": "children=1",
        "parents": 2,
        "children": 4,
        "at_a_time": 2,
        "probes": 4,
        "size": "small",
    }
    config.sizes = {"small": (784, 8, 4)}
    config.axes = ml_collections.ConfigDict({"mesh": ("children=1", "probes=2")})
    config.measures = config.predicted.measures = ("l1",)
    config.rounds = 1
    config.product = 64
    config.predicted.probes = 2
    config.predicted.reading = (1e9,)
    config.predicted.networks = ml_collections.ConfigDict(
        {"fc": {"arguments": {"widths": (16, 8, 4)}, "layer": "relu2", "image": (4, 4, 1)}}
    )
