"""Generations of networks, and the 300 networks, run in their smoke modes; pictures are read from a folder.

Both studies are tested together, since they compile one detector.
"""

import numpy as np
import pytest
from PIL import Image

from experiments.generations import config, run
from experiments.lab import images
from experiments.lineage300 import config as config_of_300
from experiments.lineage300 import run as run_300
from lineage_jax import lineage, models


@pytest.mark.data
def test_the_experiment_resumes_and_draws(tmp_path, smoke):
    result = smoke(run.main)
    assert set(result["runs"]) == {f"independent 0 G{older}" for older in run.ANCESTORS}
    for older in run.ANCESTORS:
        record = result["runs"][f"independent 0 G{older}"]
        later = [f"G{younger}" for younger in range(older + 1, 5)]
        assert record["accuracy"].keys() == {*later, *(f"{name}, unseen" for name in later)}
        for accuracy in record["accuracy"].values():
            assert accuracy.keys() == {*lineage.FORMS, "weights, all", "weights, fc3", "universal", "detector"}
            assert all(0 <= share <= 1 for share in accuracy.values())
    with Image.open(tmp_path / "smoke.png") as figure:
        assert min(figure.size) > 500


@pytest.mark.data
def test_the_study_of_300_networks_resumes_and_draws_and_counts_every_relation_once(tmp_path, smoke):
    result = smoke(run_300.main)
    (record,) = result["runs"].values()
    assert record["pairs"] == {"parent": 12, "grandparent": 8, "great-grandparent": 4}
    assert record["accuracy"].keys() == run_300.RELATIONS.keys()
    for accuracy in record["accuracy"].values():
        assert accuracy.keys() == {*lineage.FORMS, "weights, all", "weights, fc3", "universal", "detector"}
        assert all(0 <= share <= 1 for share in accuracy.values())
    right = [record["found"][name] == parent for name, parent in record["truth"].items()]
    assert sum(right) / len(right) == record["accuracy"]["parent"]["detector"]
    for name in ("smoke", "smoke-chords"):
        with Image.open(tmp_path / f"{name}.png") as figure:
            assert min(figure.size) > 300


def test_there_are_300_networks_and_the_detector_learns_from_others():
    settings = config_of_300.get_config("full")
    assert sum(settings.trees.test) == 300
    assert len({run_300.SEEDS[name] + seed for name in settings.trees for seed in settings.seeds}) == 9


@pytest.fixture
def pictures(tmp_path, monkeypatch):
    """Four sets of two classes with six pictures each, of different sizes."""
    monkeypatch.setenv("LINEAGE_DATA", str(tmp_path))
    numbers = np.random.default_rng(0)
    for learned in config.get_config("imagenet").learned:
        for part in ("train", "test"):
            for name in ("cat", "dog"):
                folder = tmp_path / "images" / learned.name / part / name
                folder.mkdir(parents=True)
                for number in range(6):
                    pixels = numbers.integers(256, size=(10 + number, 12, 3), dtype=np.uint8)
                    Image.fromarray(pixels).save(folder / f"{number}.png")
    yield
    images.load_folder.cache_clear()


def test_a_folder_of_pictures_is_read(pictures):
    train, test = images.load_folder("pets", side=8, per_class=4)
    assert train.images.shape == (8, 8, 8, 3)
    assert sorted(test.labels.tolist()) == [0] * 4 + [1] * 4
    assert not np.array_equal(train.images, test.images)


def test_a_picture_is_cut_to_its_middle_and_standardised(tmp_path):
    Image.fromarray(np.full((4, 10, 3), 255, np.uint8)).save(tmp_path / "white.png")
    white = images.read_square(tmp_path / "white.png", 4)
    np.testing.assert_allclose(white[0, 0], [2.2489, 2.4286, 2.64], atol=1e-4)  # as torchvision's Normalize gives them


def test_the_large_configuration_trains_lines_from_folders(pictures):
    large = config.get_config("imagenet")
    with large.unlocked():
        large.update(network={"architecture": "convnet", "widths": (2, 2)}, roots=2, probes=8)
        large.images.side = 8
        large.pretrain.update(steps=2, batch_size=2, learning_rate=0.01)
        large.finetune.update(steps=2, batch_size=2)
        large.view.weights = ("conv2",)
    lines = run.make_lines("checkpoints", 0, large, lines={"train": 1, "test": 1})
    assert [len(networks) for networks in lines.tree.generations] == [2, 4, 4, 4]
    assert lines.names("train", 3) == ("g3-000", "g3-002")
    assert lines.names("test", 3) == ("g3-001", "g3-003")  # no relative below the roots is on both sides
    assert lines.names("test", 1) == lines.names("train", 1) == ("g1-000", "g1-001")
    assert lines.pair("test", 2, 4).truth == {"g4-001": "g2-001", "g4-003": "g2-003"}
    assert lines.tree.probes.shape == (8, 8, 8, 3)


@pytest.mark.parametrize("mode", config.MODES)
def test_what_is_looked_at_exists_in_the_network(mode):
    settings = config.get_config(mode)
    network = models.build(num_classes=2, **settings.network.to_dict())
    kernels = {f"params/{layer}/kernel" for layer in settings.view.weights}
    assert kernels <= models.shapes_of(network, (32, 32, 3)).keys()
    assert {settings.view.layer, *settings.view.features} <= set(network.taps)
