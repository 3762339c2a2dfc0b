"""Trains the detector that comes with the library, on all kinds of networks (settings: config.py).

python -m experiments.universal.ship [--mode smoke] [--out FILE]
"""

import argparse
import dataclasses
import subprocess
from pathlib import Path

import ml_collections

from experiments.universal import run
from experiments.universal.cases import cases_of
from experiments.universal.config import get_config
from lineage_jax import detector


def main() -> None:
    """Writes the file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mode", choices=("full", "smoke"), default="full")
    parser.add_argument("--out", type=Path, default=detector.SHIPPED, help="the file")
    arguments = parser.parse_args()
    ship(get_config(arguments.mode), arguments.out)


def ship(config: ml_collections.ConfigDict, path: Path) -> None:
    """Trains a detector on the families of all kinds, and writes it with what made it."""
    settings = ml_collections.FrozenConfigDict(config)
    learned = [family for kind in config.families for family in cases_of(kind, settings)]
    seed = config.seeds[0]
    commit = subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, text=True, check=True).stdout.strip()
    kinds = ", ".join(f"{count} {kind}" for kind, count in config.families.items())
    data = f"experiments/universal: {sum(len(cases) for _, cases in learned)} children of families: {kinds}"
    fitted = run.fit(learned, seed, config)
    about = {"seed": str(seed), "data": data, "commit": commit}
    detector.save_evidence_detector(path, dataclasses.replace(fitted, about=about))


if __name__ == "__main__":
    main()
