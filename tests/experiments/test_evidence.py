"""Tests of kinship on strangers and relatives in smoke mode, and what was measured in full."""

import json

import jax
import numpy as np
import pytest
from PIL import Image

from experiments.evidence import rates, statistics, table
from experiments.evidence.run import main
from experiments.lab import edits
from lineage_jax import kinship, lineage, models

RESULTS = json.loads(table.RESULTS.read_text())["runs"]


@pytest.mark.data
def test_the_experiment_resumes_and_draws(tmp_path, smoke):
    result = smoke(main)
    assert set(result["runs"]) == {"fc, strangers", "fc, children", "fc, relatives"}
    strangers = statistics.unpacked(result["runs"]["fc, strangers"]["pairs"])
    assert len(strangers["in place p"]) == len(result["runs"]["fc, strangers"]["runs"]) * 5 // 2
    children = result["runs"]["fc, children"]
    cosine = statistics.unpacked(children["pairs"])["cosine"]
    assert min(cosine[[way == "head only" for way, _, _ in children["children"].values()]]) > 0.999
    for each in table.TABLES:
        assert each(result["runs"]).startswith("| ")
    with Image.open(tmp_path / "smoke.png") as figure:
        assert min(figure.size) > 100


def test_scores_of_weights_are_those_of_the_library():
    network = models.fc(num_classes=3, widths=(8, 5))
    a, b = (models.init(network, jax.random.key(seed), (4, 4, 1)) for seed in (0, 1))
    b = jax.tree.map(lambda x, y: x + 0.5 * y, a, b)
    found = statistics.of_pairs(statistics.overlapping(network, {"a": a}, {"b": b}), [("a", "b")])
    bodies = [{name: layer for name, layer in each["params"].items() if name != "fc3"} for each in (a, b)]
    expected = lineage.overlap({"a": bodies[0]}, bodies[1])
    assert found["cosine"] == pytest.approx(expected["centred_kernel_cosine"].values)
    assert found["weight l2"] == pytest.approx(expected["overlap_distance"].values)


def test_numbers_keep_their_order_when_they_are_packed():
    assert statistics.unpacked(statistics.packed({"p": [1e-300, 0.5, 1]}))["p"].tolist() == [1e-300, 0.5, 1]


def test_a_run_is_accused_where_one_of_its_pairs_is_below_the_level_for_all_of_them():
    p = {"in place p": [0.004, 0.9, 0.8, 0.7, 0.6, 0.5]}  # of the runs 0 and 1, 0 and 2, ...
    record = {"runs": dict.fromkeys("abcd"), "pairs": statistics.packed(p)}
    assert rates.accused(record, "in place").tolist() == [False] * 4
    assert rates.accused(record, "in place", 0.013).tolist() == [True, True, False, False]


def test_bounds_are_those_of_clopper_and_pearson():
    assert rates.upper(0, 3000) == pytest.approx(1 - 0.05 ** (1 / 3000))
    assert rates.lower(2, 2) == pytest.approx(0.05**0.5)
    assert rates.lower(0, 5) == 0
    assert rates.upper(5, 5) == 1


def test_rounded_kernels_are_whole_multiples_of_a_step():
    kernel = np.random.default_rng(0).normal(size=(8, 3)).astype(np.float32)
    kernel[:, 2] = 0
    rounded = edits.quantise({"params": {"fc": {"kernel": kernel}}})["params"]["fc"]["kernel"]
    steps = np.abs(kernel).max(0) / 127
    np.testing.assert_allclose(rounded[:, :2] / steps[:2], np.round(rounded[:, :2] / steps[:2]), atol=1e-4)
    assert np.abs(rounded - kernel).max() <= steps.max() / 2 + 1e-6
    assert not rounded[:, 2].any()


def test_noise_is_as_large_as_it_says():
    kernel = np.random.default_rng(0).normal(size=(64, 64)).astype(np.float32)
    noisy = edits.disturb({"params": {"fc": {"kernel": kernel, "bias": np.ones(64)}}}, 0.5, seed=1)["params"]["fc"]
    assert np.std(noisy["kernel"] - kernel) == pytest.approx(0.5 * kernel.std(), rel=0.05)
    assert noisy["bias"].tolist() == [1] * 64


def test_the_readme_shows_the_tables_of_the_results():
    readme = (table.RESULTS.parent.parent / "README.md").read_text()
    for each in table.TABLES:
        assert each(RESULTS) in readme


def test_strangers_are_accused_as_rarely_as_asked_and_relatives_found():
    for record in rates.of(RESULTS, "strangers").values():
        pairs = statistics.unpacked(record["pairs"])
        for test in rates.TESTS:
            if f"{test} p" in pairs:
                assert rates.uniform(pairs[f"{test} p"])[1] > 0.01
                assert (pairs[f"{test} p"] > table.STRICT).all()
    for record in rates.of(RESULTS, "children").values():
        pairs = statistics.unpacked(record["pairs"])
        for how, least, share in (("in place", 0.15, 0.99), ("laundered", 0.35, 0.98)):
            near = pairs["cosine"] >= least
            assert np.mean(rates.verdict(pairs, how)[near] <= rates.LEVEL) >= share


def test_the_calibration_of_the_library_is_what_the_results_fit():
    found = rates.fitted(RESULTS)
    for name in ("intercept", "slope", "least", "most"):
        assert getattr(kinship.CALIBRATION, name) == pytest.approx(getattr(found, name), rel=1e-3)
    assert found.families == kinship.CALIBRATION.families
