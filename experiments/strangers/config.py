"""Is a stranger ever named, and a documented parent always? `lineage-jax detect` on files as they were published.

python -m experiments.strangers.run                 # four ways to compare, all files; see README.md
python -m experiments.strangers.run --mode smoke
"""

import ml_collections

from experiments.lab import published


def get_config(mode: str = "full") -> ml_collections.ConfigDict:
    """Returns the locked settings of one mode."""
    config = ml_collections.ConfigDict()
    config.paths = ("weights", "features on images", "features on noise", "detector")
    config.folders = published.FOLDERS
    config.measures = ("l1", "l2", "cosine", "cka", "dc")
    config.images = 200
    config.detector_seed = 0
    if mode == "smoke":
        config.paths = ("weights", "features on images")
        config.folders = ("convex_adversarial",)
        config.measures = ("l2",)
        config.images = 4
    return config.lock()
