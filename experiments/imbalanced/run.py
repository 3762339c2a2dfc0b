"""Trains one detector for children of long-tailed sets, and names every parent (settings: config.py; README.md).

python -m experiments.imbalanced.run [--mode smoke] [--out FOLDER]
"""

from pathlib import Path

from experiments import _accuracies, _regimes, _runs
from experiments.imbalanced.config import get_config


def main() -> None:
    """Runs one mode."""
    _runs.main(__doc__, get_config, _regimes.runs, _accuracies.draw, folder=Path(__file__).parent)


if __name__ == "__main__":
    main()
