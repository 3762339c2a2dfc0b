"""How alike are the kernels of strangers, and of relatives? Own families, and files as their authors published them.

python -m experiments.unrelated.run                 # three networks, all files; see README.md
python -m experiments.unrelated.run --mode smoke
"""

import ml_collections

from experiments.lab import published


def get_config(mode: str = "full") -> ml_collections.ConfigDict:
    """Returns the locked settings of one mode."""
    config = ml_collections.ConfigDict()
    config.seeds = ml_collections.ConfigDict(dict.fromkeys(("fc", "cifar_resnet", "vit"), (0, 1)))  # 0 chooses, 1 shows
    config.sets = ("mnist", "fashion_mnist")
    config.pooling = 2  # 14 x 14 pixels
    config.networks = ml_collections.ConfigDict(
        {
            "fc": {"widths": (64, 32)},
            "cifar_resnet": {"width": 8, "depth": 1},
            "vit": {"patch": 7, "width": 16, "depth": 2, "heads": 2},
        }
    )
    config.pruned = 0.8  # share of the kernels' weights that is set to zero, the smallest ones of the whole network
    config.pretrain = {"steps": 300, "batch_size": 32, "learning_rate": 0.05, "weight_decay": 5e-3}
    config.finetune = {"steps": 150, "batch_size": 32}
    config.child = {"learning_rate": 0.05, "weight_decay": 5e-4}
    config.far = {"learning_rate": 0.1, "weight_decay": 1e-2}
    config.long = {"steps": 3000, "batch_size": 32, "learning_rate": 0.05, "weight_decay": 5e-3}  # strangers alone
    config.provisional = 0.05  # threshold at which records count pairs told right; set before anything was measured
    config.folders = published.FOLDERS  # every other one chooses
    if mode == "smoke":
        shrink(config)
    return config.lock()


def shrink(config: ml_collections.ConfigDict) -> None:
    """Makes every stage run within seconds; the numbers mean nothing then."""
    config.seeds = ml_collections.ConfigDict({"fc": (0,)})
    config.pooling = 14  # 2 x 2 pixels
    config.networks = ml_collections.ConfigDict({"fc": {"widths": (8, 4)}})
    config.pretrain.steps = 4
    config.finetune.steps = 2
    config.long.steps = 6
    config.folders = ("convex_adversarial",)
