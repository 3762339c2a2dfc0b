"""Children against what they descend from, as they are and laundered, and relatives that are no children."""

import itertools
from collections.abc import Mapping, Sequence

import ml_collections

from experiments.evidence import statistics
from experiments.evidence.children import descendants, roots
from experiments.evidence.families import twins
from experiments.evidence.kept import Labelled
from experiments.evidence.laundering import groups_of
from experiments.evidence.networks import build, input_of
from experiments.lab import runs
from lineage_jax.typing import Params

Pair = tuple[str, str]


def children(kind: str, config: ml_collections.ConfigDict) -> runs.Record:
    """Tests and scores every descendant with the network from scratch that it goes back to."""
    found, starts = descendants(kind, config), roots(kind, config)
    pairs = [(child.start, name) for name, child in found.items()]
    columns, views = _compared(kind, found | starts, pairs, config)
    plain = views["in place"]
    candidates, children = ({name: plain[name] for name in side} for side in (starts, found))
    network = build(config.kinds[kind].network)
    columns |= statistics.scored(
        network, candidates, children, views["matched"], pairs, side=config.kinds[kind].side, config=config
    )
    return {
        "chooses": kind in config.chooses,
        "children": {name: [child.way, child.generation, child.accuracy] for name, child in found.items()},
        "starts": [child.start for child in found.values()],
        "pairs": statistics.packed(columns),
    }


def relatives(kind: str, config: ml_collections.ConfigDict) -> runs.Record:
    """Tests twins of one random start, and siblings: children of one network that saw the same images."""
    same_start = twins(kind, config)
    relations: dict[Pair, str] = {}
    for a, b in itertools.combinations(same_start, 2):
        if same_start[a].start == same_start[b].start:
            same = same_start[a].images == same_start[b].images
            relations[a, b] = f"twins, {'same' if same else 'other'} images"
    born = descendants(kind, config)
    first, second = config.siblings
    siblings = {name: of for name, of in born.items() if of.way in config.siblings}
    relations |= {(f"{of.start}, {first}", name): "siblings" for name, of in siblings.items() if of.way == second}
    columns, _ = _compared(kind, same_start | siblings, list(relations), config)
    return {
        "chooses": kind in config.chooses,
        "relations": list(relations.values()),
        "pairs": statistics.packed(columns),
    }


def _compared(
    kind: str, networks: Mapping[str, Labelled], pairs: Sequence[Pair], config: ml_collections.ConfigDict
) -> tuple[dict[str, list[float]], dict[str, Mapping[str, Params]]]:
    """Returns what tests and weights say of pairs, and the networks as tests see them."""
    network, shape = build(config.kinds[kind].network), input_of(config.kinds[kind])
    views = statistics.views(network, {name: of.variables for name, of in networks.items()}, shape)
    plain = views["in place"]
    starts, ends = ({name: plain[name] for name in side} for side in zip(*pairs, strict=True))
    columns = statistics.of_pairs(statistics.overlapping(network, starts, ends), pairs)
    for test, seen in views.items():
        columns |= statistics.tested(test, [(plain[a], seen[b]) for a, b in pairs], groups_of(network, shape))
    return columns, views
