"""Kernels of strangers and relatives in smoke mode, and what was measured in full."""

import json

import numpy as np
import pytest
from PIL import Image

from experiments.lab.edits import prune
from experiments.unrelated import run as unrelated_run
from experiments.unrelated import table as unrelated_table
from experiments.unrelated.run import shuffled
from lineage_jax import lineage
from tests.experiments.test_tables import EXPERIMENTS


@pytest.mark.data
def test_the_experiment_resumes_and_draws(tmp_path, smoke):
    result = smoke(unrelated_run.main)
    assert set(result["runs"]) == {"fc 0", "fc, long 0", "files 0"}
    own, files = (result["runs"][name]["spread"] for name in ("fc 0", "files 0"))
    pairs = {group: spread["centred"]["pairs"] for group, spread in own.items()}
    assert sum(pairs.values()) == 22 * 21 / 2  # four roots, four children of each, two twins
    assert pairs["parent and child"] == pairs["parent and pruned far"] == 4
    assert pairs["twins"] == 1
    assert result["runs"]["fc, long 0"]["spread"]["strangers"]["centred"]["pairs"] == 8 * 7 / 2
    assert set(files) == {"strangers", "not compared"}  # of other widths
    with Image.open(tmp_path / "smoke.png") as figure:
        assert min(figure.size) > 100


def test_pruning_takes_the_smallest_weights_of_all_kernels():
    tree = {"params": {"a": {"kernel": np.arange(1.0, 9).reshape(2, 4), "bias": np.full(4, 0.1)}}}
    kernel = prune(tree, 0.5)["params"]["a"]["kernel"]
    assert kernel.tolist() == [[0, 0, 0, 0], [5, 6, 7, 8]]


def test_shuffled_units_keep_the_mean_and_lose_the_rest():
    kernel = np.random.default_rng(0).normal(size=(16, 64))
    changed = shuffled({"kernel": kernel})["kernel"]
    assert sorted(map(tuple, changed.T)) == sorted(map(tuple, kernel.T))
    assert abs(lineage.overlap({"a": {"kernel": changed}}, {"kernel": kernel}).centred_kernel_cosine.item()) < 0.2


def test_the_readme_shows_the_table_and_the_rule_tells_strangers_from_relatives():
    folder = EXPERIMENTS / "unrelated"
    runs = json.loads((folder / "results" / "full.json").read_text())["runs"]
    assert unrelated_table.table(runs) in (folder / "README.md").read_text()
    for name, record in runs.items():
        one = {name: record}
        (strangers, relatives), (by_chance, beyond) = (
            unrelated_table.margins(one, chooses=record["chooses"], score=score) for score in ("centred", "deviations")
        )
        assert strangers < lineage.UNRELATED or by_chance < lineage.CHANCE
        assert relatives > lineage.UNRELATED
        assert beyond > lineage.CHANCE
