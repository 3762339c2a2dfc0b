"""The published fully connected size with 500 children fine-tuned in three ways, MNIST to Fashion-MNIST, three seeds.

python -m experiments.fc.run            # 10 checkpoints of one run; see README.md
python -m experiments.fc.run --mode smoke
"""

import ml_collections

from lineage_jax import similarity


def get_config(mode: str = "full") -> ml_collections.ConfigDict:
    """Returns the locked settings of one mode; what they mean is in `experiments.lab.regimes`."""
    config = ml_collections.ConfigDict()
    config.seeds = (0, 1, 2)
    config.pooling = 1  # 28 x 28 pixels
    config.widths = (1024, 256, 128)
    config.layers = {"weights": ("fc3",), "features": ("relu3",)}
    config.probes = 64
    config.measures = tuple(similarity.MEASURES)
    config.alphas = (0.01, 0.03, 0.1, 0.3, 0.5, 1.0)
    config.pretrain = {"steps": 10, "batch_size": 64, "learning_rate": 0.05, "weight_decay": 0.0}
    config.finetune = {"steps": 60, "batch_size": 64, "learning_rate": 0.05, "weight_decay": 0.0}
    config.regimes = (
        {"name": "plain"},
        {"name": "weight decay", "training": {"weight_decay": 5e-3}},
        {"name": "L2 to parent", "training": {"l2_to_parent": 5e-2}},
    )
    config.detector = {"epochs": 4, "batch_size": 16, "learning_rate": 0.01, "decay": 0.7, "patience": 2}
    forth, back = {"source": "mnist", "target": "fashion_mnist"}, {"source": "fashion_mnist", "target": "mnist"}
    config.learned = forth | {"parents": 10, "skip": 20, "children_per_parent": 17}
    config.unseen = {
        "30 unseen parents": forth | {"parents": 30, "skip": 0, "children_per_parent": 1},
        "the way back": back | {"parents": 10, "skip": 20, "children_per_parent": 3},
    }
    if mode == "smoke":
        shrink(config)
    return config.lock()


def shrink(config: ml_collections.ConfigDict) -> None:
    """Makes every stage run within seconds; the numbers mean nothing then."""
    config.seeds = (0,)
    config.pooling = 2
    config.widths = (16, 8, 8)
    config.probes = 16
    config.measures = ("l1", "cosine")
    config.alphas = (0.1, 1.0)
    config.pretrain.steps = 5
    config.finetune.steps = 4
    config.detector.epochs = 1
    config.regimes = config.regimes[2:]
    for family in (config.learned, *config.unseen.values()):
        family.update({"parents": 2, "skip": 1, "children_per_parent": 60})  # of equal shapes: compiled once
