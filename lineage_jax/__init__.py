"""Which network was this one fine-tuned from? Neural lineage (Yu and Wang, CVPR 2024) in JAX and Flax.

The method is a handful of pure functions: `linearize` predicts what fine-tuning does to a parent's features,
`similarity` compares features, `lineage` scores every parent against every child and decides. The sub-packages are
imported when first used.
"""

import importlib
from types import ModuleType

__all__ = [
    "catalogue",
    "checkpoints",
    "data",
    "detector",
    "evidence",
    "genealogy",
    "io",
    "kinship",
    "leaves",
    "lineage",
    "linearize",
    "models",
    "pairs",
    "population",
    "report",
    "similarity",
    "sweep",
    "symmetry",
    "typing",
]


def __getattr__(name: str) -> ModuleType:
    if name in __all__:
        return importlib.import_module(f"lineage_jax.{name}")
    raise AttributeError(f"module 'lineage_jax' has no attribute '{name}'")


def __dir__() -> list[str]:
    return __all__
