"""Does a catalogue of 10,000 networks find a child's parent, and in a second? How small is it, how quickly made?

python -m experiments.catalogue.run                 # see README.md
python -m experiments.catalogue.run --mode smoke
"""

import ml_collections


def get_config(mode: str = "full") -> ml_collections.ConfigDict:
    """Returns the locked settings of one mode."""
    config = ml_collections.ConfigDict()
    config.seed = 1  # networks of seed 0 were looked at when DETOURS was set
    config.networks = ml_collections.ConfigDict(
        {
            "fc wide": {"architecture": "fc", "widths": (128, 64)},
            "fc deep": {"architecture": "fc", "widths": (64, 64, 32)},
            "convnet": {"architecture": "convnet", "widths": (16, 32, 64)},
            "convnet wide": {"architecture": "convnet", "widths": (32, 32)},
            "vit": {"architecture": "vit", "patch": 2, "width": 32, "depth": 2, "heads": 2},
        }
    )
    config.source = (0, 1, 2, 3, 4, 5)  # digits that roots learn
    config.target = (6, 7, 8, 9)  # digits that children learn, with heads of their own
    config.pretrain = {"steps": 150, "batch_size": 16, "learning_rate": 0.05, "weight_decay": 5e-4}
    config.finetune = {"steps": 80, "batch_size": 16, "learning_rate": 0.05, "weight_decay": 5e-4}
    # of every network: roots, and of every root children that are trained and perturbed, and strangers like it
    config.roots, config.trained, config.perturbed, config.strangers = 40, 3, 17, 30
    config.searches = 10  # whole commands that are timed
    config.timed, config.rounds = 10_000, 3  # small networks that are read alone and indexed, and how often
    config.resnets = 8  # files of ResNet-18's shapes
    if mode == "smoke":
        config.networks = ml_collections.ConfigDict({"fc": {"architecture": "fc", "widths": (16, 8)}})
        config.pretrain.steps, config.finetune.steps = 4, 2
        config.roots, config.trained, config.perturbed, config.strangers = 3, 2, 2, 2
        config.searches, config.timed, config.rounds, config.resnets = 1, 4, 1, 1
    return config.lock()
