"""The experiment in its smoke mode, what it makes, and what the detector that comes with the library must not lose."""

import numpy as np
import pytest

from experiments.universal import config, run, ship
from lineage_jax import detector


@pytest.mark.data
def test_the_experiment_resumes_and_its_detector_can_be_shipped(smoke, tmp_path):
    result = smoke(run.main)
    (record,) = result["runs"].values()
    assert record["accuracy"]["all"].keys() == {run.UNIVERSAL, *run.LEARNING_FREE}
    assert record["nobody"].keys() == run.WAYS.keys()
    ship.ship(config.get_config("smoke"), tmp_path / "detector.safetensors")
    assert detector.load_evidence_detector(tmp_path / "detector.safetensors").about["seed"] == "0"


def test_an_interval_is_taken_over_families():
    ahead, families = np.array([1.0, 1.0, 0.0, 0.0]), np.array([0, 0, 1, 1])
    mean, low, high = run.interval(ahead, families, 500)
    assert (mean, low, high) == (0.5, 0.0, 1.0)  # two families, not four children
