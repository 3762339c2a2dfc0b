"""Few-shot children: 1 to 50 images a class of Fashion-MNIST, parents from MNIST, three seeds.

python -m experiments.fewshot.run            # 10 checkpoints of one run, 500 children in five regimes; see README.md
python -m experiments.fewshot.run --mode smoke
"""

import ml_collections

from lineage_jax import similarity


def get_config(mode: str = "full") -> ml_collections.ConfigDict:
    """Returns the locked settings of one mode; what they mean is in `experiments.lab.regimes`."""
    config = ml_collections.ConfigDict()
    config.seeds = (0, 1, 2)
    config.pooling = 2  # 14 x 14 pixels
    config.widths = (128, 64, 32)
    config.layers = {"weights": ("fc2", "fc3"), "features": ("relu3",)}
    config.probes = 64
    config.measures = tuple(similarity.MEASURES)
    config.alphas = (0.01, 0.03, 0.1, 0.3, 0.5, 1.0)
    config.pretrain = {"steps": 10, "batch_size": 64, "learning_rate": 0.05, "weight_decay": 5e-4}
    config.finetune = {"steps": 200, "batch_size": 64, "learning_rate": 0.05, "weight_decay": 5e-4}
    config.regimes = tuple({"name": f"{number} a class", "few_shot": number} for number in (1, 5, 10, 20, 50))
    # the published decay for few-shot children is 1: the learning rate stays
    config.detector = {"epochs": 6, "batch_size": 16, "learning_rate": 0.01, "decay": 1.0, "patience": 3}
    sets = {"source": "mnist", "target": "fashion_mnist"}
    config.learned = sets | {"parents": 10, "skip": 20, "children_per_parent": 10}
    config.unseen = {"30 unseen parents": sets | {"parents": 30, "skip": 0, "children_per_parent": 2}}
    if mode == "smoke":
        shrink(config)
    return config.lock()


def shrink(config: ml_collections.ConfigDict) -> None:
    """Makes every stage run within seconds; the numbers mean nothing then."""
    config.seeds = (0,)
    config.widths = (16, 8, 8)
    config.layers.weights = ("fc3",)  # as in fc: the tests compile one detector for all studies of regimes
    config.probes = 16
    config.measures = ("l1", "cosine")
    config.alphas = (0.1, 1.0)
    config.pretrain.steps = 5
    config.finetune.steps = 4
    config.regimes = config.regimes[:1]
    config.detector.update({"epochs": 1, "decay": 0.7})  # after one epoch nothing decays: compiled once for fc too
    for family in (config.learned, *config.unseen.values()):
        family.update({"parents": 2, "skip": 1, "children_per_parent": 60})  # of equal shapes: compiled once
