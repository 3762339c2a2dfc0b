"""Strangers: every two networks of a kind, none of which shares anything with another."""

import itertools

import ml_collections

from experiments.evidence import families, statistics
from experiments.evidence.laundering import groups_of
from experiments.evidence.networks import build, input_of
from experiments.lab import runs


def strangers(kind: str, config: ml_collections.ConfigDict) -> runs.Record:
    """Tests and scores all pairs of strangers; tests that undo laundering see the second one laundered."""
    found = families.strangers(kind, config)
    network, shape = build(config.kinds[kind].network), input_of(config.kinds[kind])
    groups = groups_of(network, shape)
    plain = {name: of.variables for name, of in found.items()}
    views = statistics.views(network, plain, shape)
    pairs = list(itertools.combinations(plain, 2))
    columns: dict[str, list[float]] = {}
    for test, seen in views.items():
        columns |= statistics.tested(test, [(plain[a], seen[b]) for a, b in pairs], groups)
    columns |= statistics.scored(
        network, plain, plain, views["matched"], pairs, side=config.kinds[kind].side, config=config
    )
    return {
        "chooses": kind in config.chooses,
        "runs": {name: [of.images, of.way, of.accuracy] for name, of in found.items()},
        "pairs": statistics.packed(columns),
    }
