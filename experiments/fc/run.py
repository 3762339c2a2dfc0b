"""Trains one detector for children fine-tuned in three ways, and names every parent (settings: config.py; README.md).

python -m experiments.fc.run [--mode smoke] [--out FOLDER]
"""

from pathlib import Path

from experiments.fc.config import get_config
from experiments.lab import accuracies, regimes, runs


def main() -> None:
    """Runs one mode."""
    runs.main(__doc__, get_config, regimes.jobs, accuracies.draw, folder=Path(__file__).parent)


if __name__ == "__main__":
    main()
