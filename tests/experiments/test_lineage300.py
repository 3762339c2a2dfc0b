"""The 300 networks run in their smoke mode, and every relation is counted once."""

import pytest
from PIL import Image

from experiments.lineage300 import config, run
from lineage_jax import lineage


@pytest.mark.data
def test_the_experiment_resumes_and_draws(tmp_path, smoke):
    result = smoke(run.main)
    (record,) = result["runs"].values()
    assert record["pairs"] == {"parent": 12, "grandparent": 8, "great-grandparent": 4}
    assert record["accuracy"].keys() == run.RELATIONS.keys()
    for accuracy in record["accuracy"].values():
        assert accuracy.keys() == {*lineage.FORMS, "weights, all", "weights, fc3", "detector"}
        assert all(0 <= share <= 1 for share in accuracy.values())
    right = [record["found"][name] == parent for name, parent in record["truth"].items()]
    assert sum(right) / len(right) == record["accuracy"]["parent"]["detector"]
    for name in ("smoke", "smoke-chords"):
        with Image.open(tmp_path / f"{name}.png") as figure:
            assert min(figure.size) > 300


def test_there_are_300_networks_and_the_detector_learns_from_others():
    settings = config.get_config("full")
    assert sum(settings.trees.test) == 300
    assert len({run.SEEDS[name] + seed for name in settings.trees for seed in settings.seeds}) == 9
