"""Trains the detector of evidence on all kinds of networks but one, and tries it on that one (settings: config.py).

python -m experiments.universal.run [--mode smoke] [--out FOLDER]
"""

import functools
from collections.abc import Callable, Sequence
from pathlib import Path

import ml_collections
import numpy as np
from jaxtyping import Float

from experiments.lab import accuracies, runs
from experiments.lab.methods import UNIVERSAL
from experiments.universal.cases import FamilyCases, cases_of
from experiments.universal.config import get_config
from lineage_jax import detector
from lineage_jax.detector import Case, Draw

LEARNING_FREE = {
    "weight distance": ("l2", -2),
    "L1": ("l1", -2),
    "roots": ("scaled half", -2),
    "cosine": ("angle", -2),
    "centred kernel cosine": ("centred angle", -1),
    "information": ("code length", -2),
}
"""By score its name among `detector.NUMBERS`, and the sum over the network that it is taken from."""

WAYS = {
    "named": Draw(whole=1.0, struck=0.0, strange=0.0, dropped=0.0),
    "strangers alone": Draw(whole=1.0, struck=0.0, strange=1.0, dropped=0.0),
    "parent struck": Draw(whole=1.0, struck=1.0, strange=0.0, dropped=0.0),
}
"""How cases are shown: with their candidates, with those of another family, and with all candidates but the parent."""


def main() -> None:
    """Runs one mode."""
    runs.main(__doc__, get_config, jobs, accuracies.draw, folder=Path(__file__).parent)


def jobs(config: ml_collections.ConfigDict) -> dict[str, Callable[[], runs.Record]]:
    """Returns what computes the record of each kind that is held out, and seed."""
    return {
        f"{kind} {seed}": functools.partial(record, kind, seed, config)
        for kind in config.held_out
        for seed in config.seeds
    }


def record(kind: str, seed: int, config: ml_collections.ConfigDict) -> runs.Record:
    """Trains on all kinds that are not of a kind; returns how many parents are named there, and how sure it is."""
    fitted = without(kind, seed, config)
    families = cases_of(kind, ml_collections.FrozenConfigDict(config))
    right = {UNIVERSAL: _right(fitted, families)} | {name: _nearest(families, name) for name in LEARNING_FREE}
    columns = np.array([column for column, cases in families for _ in cases])
    places = np.array([place for place, (_, cases) in enumerate(families) for _ in cases])
    groups = {"all": columns == columns} | {column: columns == column for column in dict.fromkeys(columns.tolist())}
    return {
        "variant": kind,
        "seed": seed,
        "cases": {group: int(those.sum()) for group, those in groups.items()},
        "accuracy": {
            group: {name: float(of[those].mean()) for name, of in right.items()} for group, those in groups.items()
        },
        "ahead": {
            group: {
                name: interval((right[UNIVERSAL] - right[name])[those], places[those], config.resamples)
                for name in LEARNING_FREE
            }
            for group, those in groups.items()
        },
        "temperature": fitted.temperature,
    } | certainty(fitted, [case for _, cases in families for case in cases])


def without(kind: str, seed: int, config: ml_collections.ConfigDict) -> detector.FittedEvidence:
    """Trains a detector on families of all kinds that are not of a kind."""
    settings = ml_collections.FrozenConfigDict(config)
    known = [each for each in config.families if not each.startswith(kind)]
    return fit([family for each in known for family in cases_of(each, settings)], seed, config)


def fit(learned: Sequence[FamilyCases], seed: int, config: ml_collections.ConfigDict) -> detector.FittedEvidence:
    """Trains a detector; some families are kept for its temperature."""
    parts: tuple[list[Case], list[Case]] = [], []
    for place, (_, cases) in enumerate(learned):
        parts[place % config.validation == 0].extend(cases)
    training = detector.EvidenceTraining(seed=100 * seed, **config.training.to_dict())
    return detector.fit_evidence(*parts, training=training)


def certainty(fitted: detector.FittedEvidence, cases: Sequence[Case]) -> runs.Record:
    """Returns the calibration error, and how often nobody is named rightly and wrongly."""
    found: runs.Record = {}
    nobody: dict[str, float] = {}
    for way, draw in WAYS.items():
        chosen = [case for case in cases if case.strangers.any()] if draw.strange else cases
        looks = detector.looks_at(chosen, draw, seed=0, candidates=max(len(case.strangers) for case in cases))
        logits = detector.logits_of_looks(fitted, looks)
        last = logits.shape[1] - 1
        nobody[way] = float((logits.argmax(axis=1) == last)[(looks.labels == last) | (way == "named")].mean())
        if way == "named":
            predictions = detector.Predictions(logits=logits, labels=looks.labels)
            found["calibration error"] = detector.evaluate(
                predictions, temperature=fitted.temperature
            ).calibration_error
    return found | {"nobody": nobody}


def interval(ahead: Float[np.ndarray, " m"], families: np.ndarray, resamples: int) -> list[float]:
    """Returns the mean of a difference and its 95 % interval, over families drawn with replacement."""
    numbers = np.random.default_rng(0)
    sums = np.bincount(families, ahead), np.bincount(families)
    there = np.flatnonzero(sums[1])
    drawn = numbers.choice(there, size=(resamples, len(there)))
    means = sums[0][drawn].sum(axis=1) / sums[1][drawn].sum(axis=1)
    return [float(ahead.mean()), *np.quantile(means, [0.025, 0.975]).tolist()]


def _right(fitted: detector.FittedEvidence, families: Sequence[FamilyCases]) -> Float[np.ndarray, " m"]:
    """Says of every case whether the candidate of highest probability is its parent, nobody apart."""
    cases = [case for _, group in families for case in group]
    looks = detector.looks_at(cases, WAYS["named"], seed=0, candidates=max(len(case.strangers) for case in cases))
    return (detector.logits_of_looks(fitted, looks)[:, :-1].argmax(axis=1) == looks.labels).astype(float)


def _nearest(families: Sequence[FamilyCases], name: str) -> Float[np.ndarray, " m"]:
    """Says of every case whether its parent is the nearest candidate by a score, 1 / k where k are."""
    number, row = LEARNING_FREE[name]
    found = []
    for _, cases in families:
        for case in cases:
            values = case.evidence.numbers[row, :, detector.NUMBERS.index(number)]
            nearest = case.possible & (values == values[case.possible].min())
            found.append(nearest[case.label] / nearest.sum())
    return np.array(found)


if __name__ == "__main__":
    main()
