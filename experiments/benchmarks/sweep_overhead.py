"""What does a sweep take beside its programs, with networks in memory and from disk, and beside `lineage.score`?

4 parents and 128 children in two blocks of 64, measures l1, l2 and cka, all forms, three alphas, 32 images. "bare" runs
the two compiled programs of the sweep on blocks that stand on the device. "sweep in memory" and "sweep from disk" are
`sweep.run` into a new store, from the plan to the last block on disk: of networks in memory, and of checkpoint folders
that are read, hashed and stacked meanwhile. "score" is `lineage.score` of the same pairs in memory. The convnet of
`conv_scores` is bound by computing; a fully connected network of 196,864 weights leaves little time to read.

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

PARENTS, CHILDREN, PROBES = 4, 128, 32
BLOCKS = AtATime(PARENTS, 64)
MEASURES = ("l1", "l2", "cka")
NETWORKS: dict[str, tuple[nn.Module, tuple[int, int, int]]] = {
    "convnet": (models.convnet(), (32, 32, 3)),
    "fc": (models.fc(widths=(256, 256)), (16, 16, 2)),
}
"""The network, and one image."""
ROUNDS = 5


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
    network, image = NETWORKS[name]
    parents, children, probes = random_networks(network, image, parents=PARENTS, children=CHILDREN, probes=PROBES)
    folder = Path(tempfile.mkdtemp())
    for side, networks in (("parents", parents), ("children", children)):
        for each, variables in networks.items():
            models.save_network(folder / side / each, network, variables, input_shape=image)
    return parents, children, probes, folder, _on_the_device(name, parents, children, probes)


def _features(name: str) -> Any:
    network, _ = NETWORKS[name]
    return linearize.features_of(network, network.taps[-1:])


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
        blocks=BLOCKS,
    )

    def block(role: str, networks: dict[str, Params]) -> tuple[list[str], Params]:
        plan = comparison.plan
        leaves = (pairs.brought(each, plan.shared, plan.used) for each in networks.values())
        stacked = pairs.stacked(leaves, plan.shared, size=len(comparison.here(role)))
        return list(networks), comparison.place(role, stacked)

    names, size = list(children), BLOCKS.children
    columns = [{name: children[name] for name in names[start : start + size]} for start in range(0, CHILDREN, size)]
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
    return _swept(plan, **given)


def from_disk(name: str, parents: Any, children: Any, probes: np.ndarray, folder: Path, *_: Any) -> np.ndarray:
    """Runs a sweep of networks on disk."""
    return _swept(sweep.Plan(parents="parents", children="children", measures=MEASURES, folder=folder), probes=probes)


def _swept(plan: sweep.Plan, **given: Any) -> np.ndarray:
    with tempfile.TemporaryDirectory() as folder:
        sweep.run(plan, f"{folder}/store", blocks=BLOCKS, **given)
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
