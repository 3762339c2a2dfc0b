"""300 networks of five roots and four generations: everybody's parent, grandparent and great-grandparent, three seeds.

python -m experiments.lineage300.run            # fully connected nets on 14 x 14 pixels; see README.md
python -m experiments.lineage300.run --mode smoke
"""

import ml_collections


def get_config(mode: str = "full") -> ml_collections.ConfigDict:
    """Returns the locked settings of one mode."""
    config = ml_collections.ConfigDict()
    config.seeds = (0, 1, 2)
    config.pooling = 2  # 14 x 14 pixels
    config.widths = (64, 32, 16)
    config.learned = (
        learned("mnist"),
        learned("fashion_mnist", range(5)),
        learned("mnist", range(5, 10)),
        learned("fashion_mnist", range(5, 10)),
    )
    config.examples = 25_000  # of every set, so that generations share compiled programs
    # networks by generation, of three trees: what the detector learns from, what settings are chosen on, what is shown
    config.trees = ml_collections.ConfigDict(
        {"train": (5, 30, 60, 90), "validation": (5, 10, 20, 30), "test": (5, 45, 100, 150)}
    )
    config.pretrain = training(steps=300, learning_rate=0.05)
    config.finetune = training(steps=200, learning_rate=0.1)
    config.probes = 64
    config.measures = ("l1", "lp", "cosine", "cka")
    config.alphas = (0.01, 0.03, 0.1, 0.3, 0.5, 1.0)
    config.view = ml_collections.ConfigDict({"layer": "relu3", "weights": ("fc2", "fc3"), "features": ("relu3",)})
    config.detector = ml_collections.ConfigDict({"epochs": 8, "batch_size": 16, "learning_rate": 0.01, "decay": 0.7})
    if mode == "smoke":
        shrink(config)
    return config.lock()


def learned(name: str, classes: range | tuple[int, ...] = ()) -> ml_collections.ConfigDict:
    """What one generation learns: a set of images, and which of its classes; all where none is named."""
    return ml_collections.ConfigDict({"name": name, "classes": tuple(classes)})


def training(*, steps: int, learning_rate: float) -> ml_collections.ConfigDict:
    """SGD with momentum 0.9 on batches of 32."""
    return ml_collections.ConfigDict(
        {"steps": steps, "batch_size": 32, "learning_rate": learning_rate, "weight_decay": 5e-4}
    )


def shrink(config: ml_collections.ConfigDict) -> None:
    """Makes every stage run within seconds; the numbers mean nothing then."""
    config.seeds = (0,)
    config.pooling = 7
    config.widths = (8, 8, 4)
    config.trees = ml_collections.ConfigDict({name: (2, 2, 2, 2) for name in config.trees})
    config.pretrain.steps = config.finetune.steps = 3
    config.probes = 8
    config.measures = ("l1", "cka")
    config.alphas = (0.1,)
    config.view.weights = ("fc3",)
    config.detector.epochs = 1
