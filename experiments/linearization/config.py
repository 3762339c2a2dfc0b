"""When is a fine-tuned network described by its parent's tangent space, and which similarity sees it?

python -m experiments.linearization.run            # two networks, two splits, 26 families each; see README.md
python -m experiments.linearization.run --mode smoke
"""

import ml_collections


def get_config(mode: str = "full") -> ml_collections.ConfigDict:
    """Returns the locked settings of one mode."""
    config = ml_collections.ConfigDict()
    config.alphas = (0.01, 0.03, 0.1, 0.3, 0.5, 1.0)
    config.along = (0.25, 0.5, 0.75, 1.0)
    config.probes = 512
    # what alphas are chosen on, and what the choice is shown on: other seeds, and the other direction
    config.splits = ml_collections.ConfigDict(
        {
            "validation": {"seed": 0, "source": "mnist", "target": "fashion_mnist"},
            "test": {"seed": 1, "source": "fashion_mnist", "target": "mnist"},
        }
    )
    config.networks = ml_collections.ConfigDict({"fc": fully_connected(), "resnet20": residual()})
    if mode == "smoke":
        shrink(config)
    return config.lock()


def fully_connected() -> ml_collections.ConfigDict:
    """The paper's net with hidden layers of width, width / 4 and width / 8, on 28 x 28 pixels."""
    return ml_collections.ConfigDict(
        {
            "pooling": 1,
            "parents": 6,
            "children_per_parent": 4,
            "batch_size": 64,
            "pretraining": {"steps": 600, "learning_rate": 0.05},
            "base": {"length": 200, "learning_rate": 0.03, "width": 512},
            "axes": {"length": (50, 800), "learning_rate": (0.003, 0.01, 0.1), "width": (128, 256, 1024)},
            "near": near(short={"length": 20, "learning_rate": 0.003}, least={"length": 20, "learning_rate": 3e-5}),
        }
    )


def residual() -> ml_collections.ConfigDict:
    """The CIFAR ResNet-20 with stages of width, 2 width and 4 width channels, on pixels pooled to 14 x 14."""
    return ml_collections.ConfigDict(
        {
            "pooling": 2,
            "parents": 4,
            "children_per_parent": 2,
            "batch_size": 32,
            "pretraining": {"steps": 150, "learning_rate": 0.05},
            "base": {"length": 80, "learning_rate": 0.01, "width": 8},
            "axes": {"length": (20, 240), "learning_rate": (0.002, 0.05), "width": (4, 16)},
            "near": near(
                short={"length": 20, "learning_rate": 0.002}, least={"length": 20, "learning_rate": 3e-4}, width=4
            ),
        }
    )


def near(*, short: dict[str, float], least: dict[str, float], **base: float) -> tuple[dict[str, str | float], ...]:
    """What differs from the base where candidates lie near each other: how they came about, and how children learn.

    Args:
        short: a fine-tuning that leaves a child nearer to its parent than one checkpoint is to the next.
        least: one that moves much less than the one percent of candidates that are so far apart.
        **base: what differs in all of them.
    """
    kinds: list[dict[str, str | float]] = [
        {"candidates": kind} for kind in ("shared-init", "checkpoints", "one percent apart")
    ]
    lengths: list[dict[str, str | float]] = [
        {"candidates": "checkpoints", **short},
        {"candidates": "one percent apart", **least},
    ]
    return tuple({**base, **different} for different in kinds + lengths)


def shrink(config: ml_collections.ConfigDict) -> None:
    """Makes every stage run within seconds; the numbers mean nothing then."""
    config.measures = ("l2", "cosine", "cka", "dc")  # those of the figures
    config.alphas = (0.1, 1.0)
    config.probes = 32
    del config.networks.resnet20  # its tangents at every tap take long to compile
    config.networks.fc.update({"parents": 2, "children_per_parent": 1, "batch_size": 8})
    config.networks.fc.pretraining.steps = 4
    config.networks.fc.base.update({"length": 4, "width": 16})
    config.networks.fc.axes = {"length": (2,)}
    config.networks.fc.near = ({"candidates": "one percent apart"},)
