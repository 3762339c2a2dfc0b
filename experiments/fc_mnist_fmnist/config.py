"""The paper's fully connected setting: parents on MNIST, children on Fashion-MNIST.

python -m experiments.fc_mnist_fmnist.run            # 10 parents, 100 children, six variants; see README.md
python -m experiments.fc_mnist_fmnist.run --mode smoke
"""

import ml_collections


def get_config(mode: str = "full") -> ml_collections.ConfigDict:
    """Returns the locked settings of one mode."""
    config = ml_collections.ConfigDict()
    config.seed = 0
    config.widths = (1024, 256, 128)
    config.layer = "relu3"
    config.parents = 10
    config.children_per_parent = 10
    config.probes = 1024
    config.alphas = (0.01, 0.03, 0.1, 0.3, 0.5, 1.0)
    config.pretrain = training(steps=600, learning_rate=0.05)
    config.variants = ml_collections.ConfigDict(
        {
            # easy: short fine-tuning from independent parents
            "easy": variant(training(steps=200, learning_rate=0.01)),
            # hard: the children go far
            "long": variant(training(steps=1000, learning_rate=0.1)),
            # few or unevenly spread examples
            "few-shot": variant(training(steps=300, learning_rate=0.05), few_shot=5),
            "imbalanced": variant(training(steps=300, learning_rate=0.05), imbalance=50.0),
            # parents that are hard to tell apart
            "shared-init": variant(training(steps=400, learning_rate=0.05), parents="shared-init"),
            "checkpoints": variant(training(steps=400, learning_rate=0.05), parents="checkpoints"),
        }
    )
    if mode == "smoke":
        shrink(config)
    return config.lock()


def training(*, steps: int, learning_rate: float) -> ml_collections.ConfigDict:
    """SGD with momentum 0.9 on batches of 64."""
    return ml_collections.ConfigDict(
        {"steps": steps, "batch_size": 64, "learning_rate": learning_rate, "momentum": 0.9, "weight_decay": 5e-4}
    )


def variant(
    finetune: ml_collections.ConfigDict, *, parents: str = "independent", few_shot: int = 0, imbalance: float = 1.0
) -> ml_collections.ConfigDict:
    """One row of the table: how parents come about, and how children are trained.

    Args:
        finetune: training settings of the children.
        parents: `independent` seeds, one `shared-init`, or successive `checkpoints` of one run.
        few_shot: examples per class, 0 for all.
        imbalance: examples of the most frequent class over those of the rarest.
    """
    return ml_collections.ConfigDict(
        {"finetune": finetune, "parents": parents, "few_shot": few_shot, "imbalance": imbalance}
    )


def shrink(config: ml_collections.ConfigDict) -> None:
    """Makes every stage run within seconds; the numbers mean nothing then."""
    config.widths = (32, 16, 8)
    config.parents = 3
    config.children_per_parent = 2
    config.probes = 64
    config.pretrain.steps = 20
    for name in config.variants:
        config.variants[name].finetune.steps = 10
