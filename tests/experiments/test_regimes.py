"""The detector beside learning-free scores, on children of one regime or several: real data, real training, seconds.

The studies are tested together, since they compile one detector and most other programs for all.
"""

import importlib

import pytest
from PIL import Image

from experiments.detector_fc import config as detector_config
from experiments.detector_fc import run as detector_run
from experiments.lab import regimes
from lineage_jax import lineage

EXPERIMENTS = ("fc", "fewshot", "imbalanced")


def part_of(experiment, part):
    return importlib.import_module(f"experiments.{experiment}.{part}")


@pytest.mark.data
@pytest.mark.parametrize("experiment", EXPERIMENTS)
def test_the_experiment_resumes_and_draws(experiment, tmp_path, smoke):
    run, config = part_of(experiment, "run"), part_of(experiment, "config").get_config("smoke")
    layers = [f"weights, {layer}" for layer in config.layers.weights]
    result = smoke(run.main)
    assert set(result["runs"]) == {f"{variant} 0" for variant in (regimes.SAME_PARENTS, *config.unseen)}
    for record in result["runs"].values():
        assert list(record["accuracy"]) == [regime["name"] for regime in config.regimes]
        for accuracy in record["accuracy"].values():
            assert accuracy.keys() == {*lineage.FORMS, "weights, all", *layers, "universal", "detector"}
            assert all(0 <= share <= 1 for share in accuracy.values())
    with Image.open(tmp_path / "smoke.png") as figure:
        assert min(figure.size) > 500


@pytest.mark.data
def test_the_detector_experiment_resumes_and_draws(tmp_path, smoke):
    result = smoke(detector_run.main)
    config = detector_config.get_config("smoke")
    assert set(result["runs"]) == {f"{variant} 0" for variant in config.variants}
    for record in result["runs"].values():
        assert record["accuracy"].keys() == {"test", *config.unseen}
        for accuracy in record["accuracy"].values():
            assert accuracy.keys() == {*lineage.FORMS, "weights, all", "weights, fc3", "universal", "detector"}
            assert all(0 <= share <= 1 for share in accuracy.values())
    with Image.open(tmp_path / "smoke.png") as figure:
        assert min(figure.size) > 300


@pytest.mark.parametrize("experiment", EXPERIMENTS)
def test_no_two_regimes_share_heads_and_minibatches(experiment):
    config = part_of(experiment, "config").get_config("full")
    settings = [
        family
        for shift in (0, regimes.UNSEEN_SEEDS)
        for seed in config.seeds
        for family in regimes.regimes_of(seed + shift, config.learned, config).values()
    ]
    assert len({family.seed for family in settings}) == len(config.seeds) * 2 * len(config.regimes)
