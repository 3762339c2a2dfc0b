"""The learned detector beside learning-free scores: fully connected nets, MNIST to Fashion-MNIST, three seeds.

python -m experiments.detector_fc.run            # two hard ways to make parents, 500 children each; see README.md
python -m experiments.detector_fc.run --mode smoke
"""

import ml_collections


def get_config(mode: str = "full") -> ml_collections.ConfigDict:
    """Returns the locked settings of one mode."""
    config = ml_collections.ConfigDict()
    config.seeds = (0, 1, 2)
    config.pooling = 2  # 14 x 14 pixels
    config.widths = (128, 64, 32)
    config.weights = "fc3"
    config.features = "relu3"
    config.probes = 64
    config.alphas = (0.01, 0.03, 0.1, 0.3, 0.5, 1.0)
    config.pretrain = training(steps=300, learning_rate=0.05)
    config.variants = ("checkpoints", "shared-init")
    config.finetune = training(steps=200, learning_rate=0.05)
    config.detector = ml_collections.ConfigDict({"epochs": 8, "batch_size": 16, "learning_rate": 0.01, "decay": 0.7})
    # what is learned from: the published 500 children of 10 parents
    config.family = family("mnist", "fashion_mnist", parents=10, children_per_parent=50)
    # what nothing was learned from: parents of another seed
    config.unseen = ml_collections.ConfigDict(
        {
            "30 unseen parents": family("mnist", "fashion_mnist", parents=30, children_per_parent=2),
            "twice the width": family("mnist", "fashion_mnist", parents=30, children_per_parent=2, widen=2),
            "the way back": family("fashion_mnist", "mnist", parents=30, children_per_parent=2),
        }
    )
    if mode == "smoke":
        shrink(config)
    return config.lock()


def training(*, steps: int, learning_rate: float) -> ml_collections.ConfigDict:
    """SGD with momentum 0.9 on batches of 64."""
    return ml_collections.ConfigDict(
        {"steps": steps, "batch_size": 64, "learning_rate": learning_rate, "weight_decay": 5e-4}
    )


def family(
    source: str, target: str, *, parents: int, children_per_parent: int, widen: int = 1
) -> ml_collections.ConfigDict:
    """Parents learn `source`, children `target`; hidden layers are `widen` times as wide."""
    return ml_collections.ConfigDict(
        {
            "source": source,
            "target": target,
            "parents": parents,
            "children_per_parent": children_per_parent,
            "widen": widen,
        }
    )


def shrink(config: ml_collections.ConfigDict) -> None:
    """Makes every stage run within seconds; the numbers mean nothing then."""
    config.seeds = (0,)
    config.measures = ("l1", "cosine")
    config.widths = (16, 8, 8)
    config.probes = 16
    config.alphas = (0.1, 1.0)
    config.pretrain.steps = 5
    config.finetune.steps = 4
    config.detector.epochs = 1
    config.variants = ("checkpoints",)
    config.unseen = ml_collections.ConfigDict({"the way back": config.unseen["the way back"]})
    # of the shapes that the studies of regimes have: compiled once for all of them
    for settings in (config.family, *config.unseen.values()):
        settings.update({"parents": 2, "children_per_parent": 60})
