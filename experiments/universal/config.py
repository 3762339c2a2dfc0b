"""One detector for all kinds of networks: trained on small families of many kinds, tried on a kind that it never saw.

python -m experiments.universal.run       # leave one kind out; see README.md
python -m experiments.universal.ship      # the detector that comes with the library: learned from all kinds
"""

import ml_collections

PLAN = (
    *("checkpoints", "checkpoints", "shared-init", "checkpoints"),
    *("generations", "independent", "checkpoints", "roots"),
)
"""How the candidates of one family after another come about."""


def get_config(mode: str = "full") -> ml_collections.ConfigDict:
    """Returns the locked settings of one mode."""
    config = ml_collections.ConfigDict()
    config.families = {"fc": 40, "fc small": 16, "conv": 40, "normalised": 40, "resnet": 40, "vit": 40}
    config.children = 10
    config.steps = 480  # of the longest run
    config.held_out = ("fc", "conv", "normalised", "resnet", "vit")
    config.seeds = (0, 1, 2)
    config.validation = 8  # every eighth family says how sure the detector may be
    config.training = {"looks": 4, "steps": 800, "members": 2, "weight_decay": 1.0}
    config.resamples = 2000  # of families, for intervals
    if mode == "smoke":
        config.families = {"fc": 3, "fc small": 2}
        config.children = 3
        config.steps = 60
        config.held_out = ("fc small",)
        config.seeds = (0,)
        config.validation = 2
        config.training = {"looks": 2, "steps": 20, "members": 1, "width": 8}
        config.resamples = 20
    return config.lock()
