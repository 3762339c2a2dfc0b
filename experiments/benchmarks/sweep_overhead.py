"""What does a sweep take beside its programs, with networks in memory and from disk, and beside `lineage.score`?

Measures l1, l2 and cka, all forms, three alphas, 32 images, blocks of all parents and 64 children. "bare" runs
the two compiled programs of the sweep on blocks that stand on the device. "sweep in memory" and "sweep from disk" are
`sweep.run` into a new store, from the plan to the last block on disk: of networks in memory, and of checkpoint folders
that are read, hashed and stacked meanwhile. "score" is `lineage.score` of the same pairs in memory. The convnet of
`conv_scores` (4 parents, 128 children) is bound by computing; a fully connected network of 196,864 weights (128
parents, 256 children) is compared in less time than its checkpoint takes to read. Before the first block nothing can
hide that a store is made and networks are read: some 0.3 s, which count the less the longer a sweep is.

    python -m experiments.benchmarks.sweep_overhead
"""

import functools
import tempfile
from pathlib import Path
from typing import Any

import flax.linen as nn
import numpy as np

from experiments.benchmarks import _timing
from experiments.benchmarks._random_networks import random_networks
from experiments.benchmarks._timing import Row, Variant
from lineage_jax import lineage, linearize, models, pairs, similarity, sweep
from lineage_jax.pairs import AtATime
from lineage_jax.typing import Params

PROBES = 32
MEASURES = ("l1", "l2", "cka")
SIDE_BY_SIDE = 64
"""Children of a block."""
NETWORKS: dict[str, tuple[nn.Module, tuple[int, int, int], int, int]] = {
    "convnet": (models.convnet(), (32, 32, 3), 4, 128),
    "fc": (models.fc(widths=(256, 256)), (16, 16, 2), 128, 256),
}
"""The network, one image, and how many parents and children."""
ROUNDS = 3


def main() -> list[Row]:
    """Returns a row for each way to score the same pairs, in interleaved rounds."""
    ways = {"bare": bare, "sweep in memory": in_memory, "sweep from disk": from_disk, "score": score}
    rows = []
    for name in NETWORKS:
        variants = {
            f"{name}: {way}": Variant(
                library="jax",
                prepare=functools.partial(prepared, name),
                work=functools.partial(work, name),
                rounds=ROUNDS,
            )
            for way, work in ways.items()
        }
        rows += _timing.compare("sweep_overhead", variants, tolerance=1e-3)
    return rows


@functools.cache
def prepared(name: str) -> tuple[dict[str, Params], dict[str, Params], np.ndarray, Path, tuple]:
    """Returns networks, probes, a folder with the networks, and the comparison with its blocks on the device."""
    network, image, *counts = NETWORKS[name]
    parents, children, probes = random_networks(network, image, parents=counts[0], children=counts[1], probes=PROBES)
    folder = Path(tempfile.mkdtemp())
    for side, networks in (("parents", parents), ("children", children)):
        for each, variables in networks.items():
            models.save_network(folder / side / each, network, variables, input_shape=image)
    return parents, children, probes, folder, _on_the_device(name, parents, children, probes)


def _features(name: str) -> Any:
    network = NETWORKS[name][0]
    return linearize.features_of(network, network.taps[-1:])


def _blocks(parents: dict[str, Params]) -> AtATime:
    return AtATime(len(parents), SIDE_BY_SIDE)


def _on_the_device(name: str, parents: dict[str, Params], children: dict[str, Params], probes: np.ndarray) -> tuple:
    comparison = pairs.feature_comparison(
        pairs.first_look(parents, children, held=linearize.HELD),
        pairs.Scoring(
            _features(name), tuple(similarity.MEASURES[m] for m in MEASURES), lineage.FORMS, tuple(linearize.HELD)
        ),
        measures=MEASURES,
        probes=lineage.checked_probes(probes),
        alphas=tuple(sweep.Plan().alphas),
        memory=sweep.Plan().budget,
        blocks=_blocks(parents),
    )

    def block(role: str, networks: dict[str, Params]) -> tuple[list[str], Params]:
        plan = comparison.plan
        leaves = (pairs.brought(each, plan.shared, plan.used) for each in networks.values())
        stacked = pairs.stacked(leaves, plan.shared, size=len(comparison.here(role)))
        return list(networks), comparison.place(role, stacked)

    names, size = list(children), SIDE_BY_SIDE
    columns = [{name: children[name] for name in names[start : start + size]} for start in range(0, len(names), size)]
    return comparison, block("parent", parents), [block("child", column) for column in columns]


def bare(name: str, *given: Any) -> np.ndarray:
    """Runs the programs alone."""
    comparison, parents, columns = given[-1]
    candidates = comparison.prepare("parent", *parents)
    found = [comparison.compare(candidates, comparison.prepare("child", *column)) for column in columns]
    return np.concatenate(found, axis=1)


def in_memory(name: str, parents: dict[str, Params], children: dict[str, Params], probes: np.ndarray, *_: Any) -> Any:
    """Runs a sweep of networks in memory."""
    plan = sweep.Plan(measures=MEASURES)
    given = {"parents": parents, "children": children, "probes": probes, "features": _features(name)}
    return _swept(plan, _blocks(parents), **given)


def from_disk(name: str, parents: Any, children: Any, probes: np.ndarray, folder: Path, *_: Any) -> np.ndarray:
    """Runs a sweep of networks on disk."""
    plan = sweep.Plan(parents="parents", children="children", measures=MEASURES, folder=folder)
    return _swept(plan, _blocks(parents), probes=probes)


def _swept(plan: sweep.Plan, blocks: AtATime, **given: Any) -> np.ndarray:
    with tempfile.TemporaryDirectory() as folder:
        sweep.run(plan, f"{folder}/store", blocks=blocks, **given)
        return sweep.open(f"{folder}/store").values


def score(
    name: str, parents: dict[str, Params], children: dict[str, Params], probes: np.ndarray, *_: Any
) -> np.ndarray:
    """Scores in memory."""
    measures = {each: similarity.MEASURES[each] for each in MEASURES}
    return lineage.score(
        _features(name), parents, children, probes, measures=measures, memory=sweep.Plan().budget
    ).values


if __name__ == "__main__":
    _timing.show(main())
