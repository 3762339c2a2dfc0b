"""Compares kernels of strangers and relatives, as they are and without their mean (settings: config.py; README.md).

python -m experiments.unrelated.run [--mode smoke] [--out FOLDER]
"""

import collections
import functools
import itertools
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import jax
import ml_collections
import numpy as np

from experiments.lab import runs
from experiments.unrelated.config import get_config
from experiments.unrelated.figure import draw
from experiments.unrelated.networks import LabelledNetwork, long_trained, read_networks, trained
from lineage_jax import lineage
from lineage_jax.typing import Params

SCORES = {"plain": "kernel_cosine", "centred": "centred_kernel_cosine"}

DEVIATIONS = "deviations"
"""The centred cosine in standard deviations of chance."""

Pair = dict[str, Any]


def main() -> None:
    """Runs one mode."""
    runs.main(__doc__, get_config, jobs, draw, folder=Path(__file__).parent)


def jobs(config: ml_collections.ConfigDict) -> dict[str, Callable[[], runs.Record]]:
    """Returns what computes the record of every network and seed, and of the files that choose and that show."""
    own: dict[str, Callable[[], runs.Record]] = {
        f"{name} {seed}": functools.partial(record, functools.partial(trained, name, seed, config), seed == 0, config)
        for name, seeds in config.seeds.items()
        for seed in seeds
    }
    own |= {
        f"fc, long {seed}": functools.partial(record, functools.partial(long_trained, seed, config), seed == 0, config)
        for seed in config.seeds.fc
    }
    halves: dict[str, Callable[[], runs.Record]] = {
        f"files {half}": functools.partial(
            record, functools.partial(read_networks, config.folders[half::2]), half == 0, config
        )
        for half in range(min(2, len(config.folders)))
    }
    return own | halves


def record(
    networks_of: Callable[[], dict[str, LabelledNetwork]], chooses: bool, config: ml_collections.ConfigDict
) -> runs.Record:
    """Compares all pairs; returns how their cosines are spread, by what they have in common."""
    groups = collections.defaultdict(list)
    for pair in pairs(networks_of()):
        groups[pair["relation"]].append(pair)
    compared = [pair for group, found in groups.items() if group != "not compared" for pair in found]
    return {
        "chooses": chooses,
        "accuracy": {
            f"told right at {config.provisional}": {
                score: share_right(compared, score, config.provisional) for score in SCORES
            }
        },
        "spread": {
            group: {score: spread(found, score) for score in found[0]["cosines"]} for group, found in groups.items()
        },
    }


def pairs(networks: Mapping[str, LabelledNetwork]) -> list[Pair]:
    """Compares every two networks, the earlier one as the parent; strangers once more with shuffled units."""
    found = []
    for (first, parent), (second, child) in itertools.combinations(networks.items(), 2):
        row = lineage.overlap({first: parent.variables}, child.variables).isel(parent=0)
        related = parent.start == child.start
        cosines = {score: row[name].item() for score, name in SCORES.items()}
        cosines[DEVIATIONS] = cosines["centred"] / max(row["chance"].item(), np.finfo(float).tiny)
        if not related:
            control = lineage.overlap({first: shuffled(parent.variables)}, child.variables).isel(parent=0)
            cosines |= {f"{score}, shuffled": control[name].item() for score, name in SCORES.items()}
        compared = row["compared"].item()
        relation = relation_of(first, parent, child) if related else "strangers"
        if compared < lineage.LEAST_COMPARED:
            relation = "not compared"
        found.append({"pair": f"{first} - {second}", "relation": relation, "cosines": cosines, "compared": compared})
    return found


def relation_of(name: str, parent: LabelledNetwork, child: LabelledNetwork) -> str:
    """Returns how two relatives are related: a root and what became of it, twins, or any others."""
    if child.parent == name:
        return f"parent and {child.kind}"
    return "twins" if child.kind == parent.kind == "twin" else "relatives"


def shuffled(variables: Params) -> Params:
    """Puts the output units of every kernel in another order, each kernel for itself."""
    rng = np.random.default_rng(0)

    def shuffle(leaf: Any) -> np.ndarray:
        leaf = np.asarray(leaf)
        return leaf[..., rng.permutation(leaf.shape[-1])] if leaf.ndim > 1 else leaf

    return jax.tree.map(shuffle, variables)


def share_right(found: Sequence[Pair], score: str, threshold: float) -> float:
    """Returns the share of pairs that lie on their side of a threshold."""
    right = [(pair["cosines"][score] >= threshold) == (pair["relation"] != "strangers") for pair in found]
    return float(np.mean(right))


def spread(found: Sequence[Pair], score: str) -> dict[str, Any]:
    """Returns the number of pairs, quantiles of their cosine, and the pairs at both ends."""
    values = [pair["cosines"][score] for pair in found if score in pair["cosines"]]
    if len(values) < len(found):
        found = [pair for pair in found if score in pair["cosines"]]
    ends = {"least": found[int(np.argmin(values))]["pair"], "most": found[int(np.argmax(values))]["pair"]}
    quantiles = {f"{q:g}": round(float(np.quantile(values, q)), 4) for q in (0, 0.01, 0.05, 0.5, 0.95, 0.99, 1)}
    return {"pairs": len(values), "quantiles": quantiles, **ends}


if __name__ == "__main__":
    main()
