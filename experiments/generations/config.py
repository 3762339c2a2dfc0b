"""Four generations of residual networks, every ancestor a target: G1 -> G2 -> G3 -> G4, three seeds.

python -m experiments.generations.run            # CIFAR ResNet-20 of width 8 on 7 x 7 pixels; see README.md
python -m experiments.generations.run --mode smoke
python -m experiments.generations.run --mode imagenet    # ResNet-18 on 224 x 224 pixels, for an accelerator
"""

import ml_collections

MODES = ("full", "smoke", "imagenet")


def get_config(mode: str = "full") -> ml_collections.ConfigDict:
    """Returns the locked settings of one mode."""
    config = ml_collections.ConfigDict()
    config.seeds = (0, 1, 2)
    config.network = ml_collections.ConfigDict({"architecture": "cifar_resnet20", "width": 8})
    config.images = ml_collections.ConfigDict({"folders": False, "pooling": 4})  # 7 x 7 pixels
    config.learned = (
        learned("mnist"),
        learned("fashion_mnist", range(5)),
        learned("mnist", range(5, 10)),
        learned("fashion_mnist", range(5, 10)),
    )
    config.examples = 25_000  # of every set, so that all generations share compiled programs
    config.kinds = ("independent", "checkpoints")
    config.roots = 10
    # networks of G2 by root, each the beginning of a line; a line is learned from, chosen by or tested on as a whole
    config.lines = ml_collections.ConfigDict({"train": 2, "validation": 1, "test": 2})
    config.unseen_lines = 1
    config.pretrain = training(steps=100, learning_rate=0.05)
    config.finetune = training(steps=40, learning_rate=0.05)
    config.probes = 64
    config.measures = ("l1", "cosine", "cka")
    config.alphas = (0.01, 0.03, 0.1, 0.3, 0.5, 1.0)
    config.view = view("layer1/2/conv2")
    config.detector = ml_collections.ConfigDict({"epochs": 6, "batch_size": 16, "learning_rate": 0.01, "decay": 0.7})
    if mode == "smoke":
        shrink(config)
    if mode == "imagenet":
        enlarge(config)
    return config.lock()


def learned(name: str, classes: range | tuple[int, ...] = ()) -> ml_collections.ConfigDict:
    """What one generation learns: a set of images, and which of its classes; all where none is named."""
    return ml_collections.ConfigDict({"name": name, "classes": tuple(classes)})


def view(*weights: str, features: str = "avgpool") -> ml_collections.ConfigDict:
    """What is compared: the last features before the head, and for the detector also the kernels of some layers."""
    return ml_collections.ConfigDict({"layer": features, "weights": weights, "features": (features,)})


def training(*, steps: int, learning_rate: float) -> ml_collections.ConfigDict:
    """SGD with momentum 0.9 on batches of 16."""
    return ml_collections.ConfigDict(
        {"steps": steps, "batch_size": 16, "learning_rate": learning_rate, "weight_decay": 5e-4}
    )


def shrink(config: ml_collections.ConfigDict) -> None:
    """Makes every stage run within seconds; the numbers mean nothing then."""
    config.seeds = (0,)
    # shapes and settings are those of the 300 networks: the tests compile one detector for both
    config.network = ml_collections.ConfigDict({"architecture": "fc", "widths": (8, 8, 4)})
    config.images.pooling = 7
    config.kinds = ("independent",)
    config.roots = 2
    config.lines = ml_collections.ConfigDict({"train": 1, "validation": 1, "test": 1})
    config.unseen_lines = 1
    config.pretrain.update({"steps": 3, "batch_size": 32})
    config.finetune.update({"steps": 3, "batch_size": 32, "learning_rate": 0.1})
    config.probes = 8
    config.measures = ("l1", "cka")
    config.alphas = (0.1,)
    config.view = view("fc3", features="relu3")
    config.detector.epochs = 1


def enlarge(config: ml_collections.ConfigDict) -> None:
    """The published scale: ResNet-18 on 224 x 224 pixels, four sets as folders of images, for an accelerator."""
    config.network = ml_collections.ConfigDict({"architecture": "resnet18"})
    config.images = ml_collections.ConfigDict({"folders": True, "side": 224, "per_class": 200})
    config.learned = (learned("imagenet100"), learned("flowers102"), learned("dtd"), learned("pets"))
    config.examples = 20_000  # 12 GB of pixels a set
    config.pretrain.update({"steps": 20_000, "batch_size": 256, "learning_rate": 0.1})
    config.finetune.update({"steps": 1_000, "batch_size": 64, "learning_rate": 0.01})
    config.view = view("layer1/1/conv2")
