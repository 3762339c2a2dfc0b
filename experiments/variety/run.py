"""Trains families of six kinds and names every parent in four ways (settings: config.py; numbers: README.md).

python -m experiments.variety.run [--mode smoke] [--out FOLDER]

With `LINEAGE_NETWORKS=FOLDER` the families are kept there, and taken from there; `families.load` reads them.
"""

import functools
from collections.abc import Callable
from pathlib import Path

import ml_collections
import numpy as np

from experiments.lab import accuracies, methods, runs
from experiments.universal import run as universal
from experiments.universal.config import get_config as families_of_all_kinds
from experiments.variety import families
from experiments.variety.config import get_config
from lineage_jax import detector, linearize, similarity


def main() -> None:
    """Runs one mode."""
    runs.main(__doc__, get_config, jobs, accuracies.draw, folder=Path(__file__).parent)


def jobs(config: ml_collections.ConfigDict) -> dict[str, Callable[[], runs.Record]]:
    """Returns what computes the record of each kind of networks, column and seed."""
    return {
        f"{kind}, {column} {seed}": functools.partial(record_of, kind, column, seed, config)
        for kind in config.kinds
        for seed in config.seeds
        for column in config.kinds[kind].columns
    }


def record_of(kind: str, column: str, seed: int, config: ml_collections.ConfigDict) -> runs.Record:
    """Returns how often every method names the parent of test children, and how well networks do what they learned."""
    family = families.remembered(kind, column, seed, config)
    scores = scores_of(family, config)
    chosen = methods.choose(scores, family.truth, only=family.validation)
    return {
        "variant": kind,
        "seed": seed,
        "quality": {side: float(np.mean(of_side)) for side, of_side in family.quality.items()},
        "worst": {side: float(np.min(of_side)) for side, of_side in family.quality.items()},
        "chosen": chosen,
        "accuracy": {column: methods.accuracy(scores, family.truth, chosen, only=family.test)},
    }


def scores_of(family: families.Family, config: ml_collections.ConfigDict) -> methods.Scores:
    """Returns the scores of every method; a learned one has its place beside them."""
    features = linearize.features_of(family.network, (family.layer,))
    sides = family.parents, family.children
    measures = {name: similarity.MEASURES[name] for name in config.measures}
    return {
        **methods.by_features(features, *sides, family.probes, alphas=config.alphas, measures=measures),
        **methods.by_weights(*sides),
        **methods.by_evidence(*sides, fitted=never_saw(config.like.get(family.kind), config.universal)),
    }


@functools.cache
def never_saw(kind: str | None, mode: str) -> detector.FittedEvidence | None:
    """Trains a detector of evidence on families of other kinds; None, which is the library's, where none is like it."""
    return None if kind is None else universal.without(kind, seed=0, config=families_of_all_kinds(mode))


if __name__ == "__main__":
    main()
