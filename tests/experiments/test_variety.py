"""Families of several kinds in smoke mode, and the parts of object detection, each by what must hold."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from PIL import Image

from experiments.variety import boxes, config, families, networks, pictures, points, run, tasks
from lineage_jax import lineage, models
from lineage_jax.leaves import leaf_paths

SHAPE = (48, 64)

CELLS = np.array([[10, 12, 18, 20], [30, 8, 58, 40], [3, 40, 7, 44]], np.float32)
"""A cell for the finer level, one for the coarser, and a small one."""


@pytest.mark.data
def test_the_experiment_resumes_draws_and_keeps_its_families(tmp_path, smoke, monkeypatch):
    monkeypatch.setenv(families.FOLDER, str(tmp_path / "families"))
    result = smoke(run.main)
    assert set(result["runs"]) == {"fc, checkpoints 0"}
    record = result["runs"]["fc, checkpoints 0"]
    assert record["accuracy"]["checkpoints"].keys() == {*lineage.FORMS, "weights, all", "universal"}
    with Image.open(tmp_path / "smoke.png") as figure:
        assert min(figure.size) > 200
    (family,) = families.load(tmp_path / "families")
    assert (family.kind, family.column, family.seed) == ("fc", "checkpoints", 0)
    assert set(family.truth) == {*family.validation, *family.test}
    assert set(family.truth.values()) == set(family.parents.names)
    heads = [networks.variables["params"][family.network.head] for networks in (family.parents, family.children)]
    assert not any(np.any(leaf) for leaf in jax.tree.leaves(heads))
    assert np.mean(family.quality["children"]) == pytest.approx(record["quality"]["children"])
    with pytest.raises(ValueError, match=r"expected the settings of fc at .*: remove it, or name another folder"):
        families.remembered("fc", "checkpoints", 0, config.get_config())


def test_no_families_are_told_from_an_empty_folder(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"expected families below .*, found none"):
        families.load(tmp_path)


@pytest.mark.parametrize("kind", config.get_config().kinds)
def test_every_kind_has_its_layer_and_its_head(kind):
    settings = config.get_config().kinds[kind]
    network = networks.build(settings.network.to_dict(), num_classes=2)
    assert settings.layer in network.taps
    paths = leaf_paths(jax.eval_shape(lambda: models.init(network, jax.random.key(0), (32, 32, 1))))
    assert any(path.startswith(f"params/{network.head}/") for path in paths)


def said_of(targets, num_classes):
    """Returns what a network says that knows everything."""
    of_classes = np.where(targets["classes"][:, None] == np.arange(num_classes), 12.0, -12.0)
    centredness = np.log(targets["centredness"] + 1e-6) - np.log1p(1e-6 - targets["centredness"])
    said = {"logits": of_classes, "sides": targets["sides"], "centredness": centredness[:, None]}
    return {name: array[None].astype(np.float32) for name, array in said.items()}


def test_boxes_come_back_from_what_is_learned_of_them():
    targets = points.targets_of(CELLS, np.array([0, 1, 0]), SHAPE)
    ((first, second),) = boxes.decode(said_of(targets, 2), SHAPE)
    assert boxes.average_precision([first], [CELLS[[0, 2]]]) == 1
    assert boxes.average_precision([second], [CELLS[[1]]]) == 1
    assert boxes.average_precision([second], [CELLS[[0]]]) == 0
    np.testing.assert_allclose(second[0][0], CELLS[1], atol=1e-4)  # float32 pixels


def test_a_cell_is_learned_on_the_level_of_its_size():
    levels = np.cumsum([len(level) for level in points.points_of(SHAPE)])
    for cell, level in zip(CELLS, (0, 1, 0), strict=True):
        targets = points.targets_of(cell[None], np.array([0]), SHAPE)
        where = np.flatnonzero(targets["classes"] == 0)
        assert len(where) > 0
        assert (np.searchsorted(levels, where, side="right") == level).all()


def test_a_picture_without_cells_has_only_background():
    targets = points.targets_of(np.zeros((0, 4), np.float32), np.zeros(0, int), SHAPE)
    assert (targets["classes"] == points.NOTHING).all()
    assert np.isfinite(targets["sides"]).all()


def test_who_knows_everything_loses_little_and_who_is_wrong_more():
    targets = points.targets_of(CELLS, np.array([0, 1, 0]), SHAPE)
    true = {name: jnp.asarray(array)[None] for name, array in targets.items()}
    said = {name: jnp.asarray(array) for name, array in said_of(targets, 2).items()}
    loss, overlap = points.detection(said, true)
    entropy = optimal_entropy(targets)
    np.testing.assert_allclose(loss, entropy, atol=1e-3)  # centredness alone, at its own entropy
    np.testing.assert_allclose(overlap, 1, rtol=1e-5)  # a float32 mean
    for name, worse in (
        ("logits", -said["logits"]),
        ("sides", 2 * said["sides"]),
        ("centredness", said["centredness"] + 1),
    ):
        assert points.detection(said | {name: worse}, true)[0] > loss + 0.01


def optimal_entropy(targets):
    """Returns the least cross-entropy of centredness, in float64."""
    p = targets["centredness"][targets["classes"] != points.NOTHING].astype(np.float64)
    q = np.clip(1 - p, 1e-12, None)
    return float(np.mean(-p * np.log(p) - q * np.log(q)))


def test_precision_falls_with_every_wrong_box_before_the_right_one():
    true = [CELLS[[0]]]
    found = np.concatenate([CELLS[[1]], CELLS[[0]], CELLS[[0]]])  # a wrong one, the right one, and that again
    assert boxes.average_precision([(found, np.array([0.9, 0.8, 0.7]))], true) == 0.5
    assert boxes.average_precision([(found[1:], np.array([0.8, 0.7]))], true) == 1
    assert boxes.average_precision([(found[:0], np.zeros(0))], true) == 0


def test_pixels_are_scored_by_the_class_that_is_looked_for():
    true = np.array([[[1, 1, 0, 0]]])
    logits = np.eye(2)[np.array([[[1, 0, 1, 0]]])]
    unseen = tasks.data.Annotated(images=np.zeros((1, 1, 4, 1), np.float32), targets=true, num_classes=2)
    assert tasks.intersection_over_union(logits, unseen) == pytest.approx(1 / 3)


@pytest.mark.data
def test_halves_and_test_of_the_tissue_share_no_tile(monkeypatch, data_folder):
    monkeypatch.setenv("LINEAGE_DATA", str(data_folder))
    sets = [pictures.membranes(half, side=64, pooling=4) for half in pictures.HALVES]
    (first, unseen), (second, same) = sets
    assert len(first) + len(second) + len(unseen) == 30 * 4
    np.testing.assert_array_equal(unseen.targets, same.targets)
    assert 0.1 < first.targets.mean() < 0.4  # membranes are the smaller part
