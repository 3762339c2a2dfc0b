"""The detector beside learning-free scores, in its smoke mode."""

import pytest
from PIL import Image

from experiments.detector_fc import config as detector_config
from experiments.detector_fc import run as detector_run
from lineage_jax import lineage


@pytest.mark.data
def test_the_detector_experiment_resumes_and_draws(tmp_path, smoke):
    result = smoke(detector_run.main)
    config = detector_config.get_config("smoke")
    assert set(result["runs"]) == {f"{variant} 0" for variant in config.variants}
    for record in result["runs"].values():
        assert record["accuracy"].keys() == {"test", *config.unseen}
        for accuracy in record["accuracy"].values():
            assert accuracy.keys() == {*lineage.FORMS, "weights, all", "weights, fc3", "detector"}
            assert all(0 <= share <= 1 for share in accuracy.values())
    with Image.open(tmp_path / "smoke.png") as figure:
        assert min(figure.size) > 300
