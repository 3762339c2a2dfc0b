"""Tests of kinship on strangers, children and twins, and what they cost in reach (settings: config.py; README.md).

python -m experiments.evidence.run [--mode smoke] [--out FOLDER]
"""

import functools
from collections.abc import Callable
from pathlib import Path

import ml_collections

from experiments.evidence import null, power
from experiments.evidence.config import get_config
from experiments.evidence.figure import draw
from experiments.lab import runs


def main() -> None:
    """Runs one mode."""
    runs.main(__doc__, get_config, jobs, draw, folder=Path(__file__).parent)


def jobs(config: ml_collections.ConfigDict) -> dict[str, Callable[[], runs.Record]]:
    """Returns what computes the record of every kind of networks: of strangers, of children, of twins."""
    return {
        f"{kind}, {name}": functools.partial(compute, kind, config)
        for name, compute in (
            ("strangers", null.strangers),
            ("children", power.children),
            ("relatives", power.relatives),
        )
        for kind in config.kinds
    }


if __name__ == "__main__":
    main()
