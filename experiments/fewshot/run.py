"""Trains one detector for children that saw few images, and names every parent (settings: config.py; README.md).

python -m experiments.fewshot.run [--mode smoke] [--out FOLDER]
"""

from pathlib import Path

from experiments.fewshot.config import get_config
from experiments.lab import accuracies, regimes, runs


def main() -> None:
    """Runs one mode."""
    runs.main(__doc__, get_config, regimes.jobs, accuracies.draw, folder=Path(__file__).parent)


if __name__ == "__main__":
    main()
