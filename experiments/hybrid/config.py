"""Whose child is each layer of a hybrid? Fully connected nets and vision transformers, MNIST to Fashion-MNIST.

python -m experiments.hybrid.run                 # two networks, kinds of parents, three seeds; see README.md
python -m experiments.hybrid.run --mode smoke
"""

import ml_collections


def get_config(mode: str = "full") -> ml_collections.ConfigDict:
    """Returns the locked settings of one mode."""
    config = ml_collections.ConfigDict()
    config.seeds = (0, 1, 2)
    config.source, config.target = "mnist", "fashion_mnist"
    config.pooling = 2  # 14 x 14 pixels
    config.networks = ml_collections.ConfigDict({"fc": fc(), "vit": vit()})
    config.kinds = ("checkpoints", "independent")
    config.parents = 9
    config.hybrids = ml_collections.ConfigDict({"train": 60, "validation": 15, "test": 30, "unseen": 45})
    config.probes = 32
    config.measures = ("l1", "l2", "lp", "linf", "lse", "cosine", "cka", "dc", "debiased_cka")
    config.alphas = (0.01, 0.03, 0.1, 0.3, 0.5, 1.0)
    config.detector = ml_collections.ConfigDict({"epochs": 4, "batch_size": 16, "learning_rate": 0.01, "decay": 0.5})
    config.pictures = 3  # hybrids whose probabilities are kept for the figure
    if mode == "smoke":
        shrink(config)
    return config.lock()


def fc() -> ml_collections.ConfigDict:
    """Pixels - 64 - 48 - 32 - classes."""
    return ml_collections.ConfigDict(
        {
            "sizes": {"widths": (64, 48, 32)},
            "pretrain": training(steps=300, batch_size=64, learning_rate=0.02),
            "finetune": training(steps=200, batch_size=64, learning_rate=0.05),
        }
    )


def vit() -> ml_collections.ConfigDict:
    """Four tokens of 7 x 7 pixels and the class token."""
    return ml_collections.ConfigDict(
        {
            "sizes": {"patch": 7, "width": 16, "depth": 4, "heads": 2},
            "pretrain": training(steps=450, batch_size=32, learning_rate=0.02),
            "finetune": training(steps=100, batch_size=32, learning_rate=0.1),
        }
    )


def training(*, steps: int, batch_size: int, learning_rate: float) -> ml_collections.ConfigDict:
    """SGD with momentum 0.9."""
    return ml_collections.ConfigDict(
        {"steps": steps, "batch_size": batch_size, "learning_rate": learning_rate, "weight_decay": 5e-4}
    )


def shrink(config: ml_collections.ConfigDict) -> None:
    """Makes every stage run within seconds; the numbers mean nothing then."""
    config.seeds = (0,)
    config.kinds = ("checkpoints",)
    del config.networks.vit
    config.pooling = 14  # 2 x 2 pixels, so that all pieces have one shape and are compiled once
    config.networks.fc.sizes.widths = (4, 4)
    config.parents = 2
    config.hybrids.update({"train": 6, "validation": 2, "test": 2, "unseen": 4})
    config.probes = 8
    config.measures = ("l1", "cosine")
    config.alphas = (0.1,)
    config.detector.epochs = 1
    config.pictures = 1
    config.networks.fc.pretrain.steps = 20
    config.networks.fc.finetune.steps = 4
