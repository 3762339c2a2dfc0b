"""The study of a catalogue in smoke mode, and what was measured in full."""

import json
import statistics

import numpy as np

from experiments.catalogue import networks, table
from experiments.catalogue.run import main
from lineage_jax import lineage

RESULTS = table.RESULTS


def test_the_experiment_resumes(smoke):
    result = smoke(main)
    assert set(result["runs"]) == {"small networks", "ResNet-18"}
    small = result["runs"]["small networks"]
    assert small["networks"] == 18  # three roots, a trained child, two perturbed ones and two strangers of each
    assert small["failed"] == 0
    assert small["children"]["all but those with a child of their own"] == 6
    assert small["signatures"] == 3
    assert result["runs"]["ResNet-18"]["share"] < 0.01


def test_a_shuffled_network_is_a_stranger_of_equal_numbers():
    rng = np.random.default_rng(0)
    network = {"fc1.weight": rng.normal(size=(64, 32)), "fc1.bias": np.ones(64)}
    other = networks.shuffled(network, rng)
    assert np.array_equal(np.sort(other["fc1.weight"].ravel()), np.sort(network["fc1.weight"].ravel()))
    trees = ({"fc1": {"weight": each["fc1.weight"]}} for each in (other, network))
    assert abs(lineage.overlap({"a": next(trees)}, next(trees)).centred_kernel_cosine.item()) < 0.2


def test_a_step_is_as_long_as_it_says():
    network = {"fc1.weight": np.random.default_rng(0).normal(size=(64, 32)).astype(np.float32)}
    child = networks.stepped(network, 0.5, np.random.default_rng(1))
    assert abs(networks.relative_step(network, child) - 0.5) < 0.05


def test_the_readme_shows_the_tables_of_the_results():
    readme = (RESULTS.parent.parent / "README.md").read_text()
    for shown in (table.recall(), table.costs(), table.seconds()):
        assert shown in readme


def test_what_was_promised_was_measured():
    runs = json.loads(RESULTS.read_text())["runs"]
    small = runs["small networks"]
    assert small["networks"] == 10_000
    found = small["accuracy"]["all but those with a child of their own"]
    assert found["at 10"] >= 0.99
    assert found["at 1"] >= 0.95
    assert statistics.median(small["search processor seconds"]) < 1
    assert runs["ResNet-18"]["share"] < 0.01
    assert min(record["reading"]["ratio"] for record in runs.values()) >= 0.7
