"""Hybrids in smoke mode: real data, real training, seconds."""

import jax
import numpy as np
import pytest
import xarray
from PIL import Image

from experiments.hybrid import config as hybrid_config
from experiments.hybrid import hybrids
from experiments.hybrid import run as hybrid_run
from experiments.hybrid.pieces import features_of, pieces_of
from experiments.lab import methods
from lineage_jax import lineage, models
from lineage_jax.leaves import is_under, leaf_paths

NETWORKS = [
    models.fc(3, widths=(8, 4)),
    models.ViT(num_classes=3, patch=2, width=4, depth=2, heads=1),
]
SHAPE = (4, 4, 1)


def shapes_of(network):
    return jax.eval_shape(lambda: models.init(network, jax.random.key(0), SHAPE))


@pytest.mark.data
def test_the_hybrid_experiment_resumes_and_draws(tmp_path, smoke):
    result = smoke(hybrid_run.main)
    assert set(result["runs"]) == {"fc, checkpoints 0"}
    for record in result["runs"].values():
        assert list(record["accuracy"]) == [
            f"{what}{ending}" for ending in ("", ", unseen parents") for what in ("layers", "whole networks")
        ]
        for accuracy in (*record["accuracy"].values(), *record["by layer"]["test"].values()):
            assert accuracy.keys() == {*lineage.FORMS, "weights", "universal", "detector"}
            assert all(0 <= share <= 1 for share in accuracy.values())
        for picture in record["pictures"]:
            np.testing.assert_allclose(np.sum(picture["probabilities"], axis=1), 1, rtol=1e-5)  # float32 sums
    for name in ("smoke", "smoke-layers"):
        with Image.open(tmp_path / f"{name}.png") as figure:
            assert min(figure.size) > 200


@pytest.mark.parametrize("network", NETWORKS, ids=["fc", "vit"])
def test_every_array_but_the_heads_belongs_to_one_piece(network):
    pieces = pieces_of(network)
    layers = [f"params/{layer}" for piece in pieces for layer in piece.layers]
    for path in leaf_paths(shapes_of(network)):
        of_head = is_under(path, (f"params/{network.head}",))
        assert sum(is_under(path, (layer,)) for layer in layers) == (not of_head), path
    for piece in pieces:
        assert piece.kernels.keys() == pieces[0].kernels.keys()
        assert all(is_under(layer, piece.layers) for layer in piece.kernels.values())


@pytest.mark.parametrize("network", NETWORKS, ids=["fc", "vit"])
def test_what_a_piece_computes_depends_on_its_own_layers_alone(network):
    shapes = shapes_of(network)
    for piece in pieces_of(network):
        own = tuple(f"params/{layer}" for layer in piece.layers)
        leaves = {path: leaf.shape for path, leaf in leaf_paths(shapes).items()}
        filled = [np.full(shape, 0.1 if is_under(path, own) else np.nan) for path, shape in leaves.items()]
        variables = jax.tree.unflatten(jax.tree.structure(shapes), filled)
        features = features_of(network, piece, SHAPE)
        inputs = jax.ShapeDtypeStruct((2, *SHAPE), np.float32)
        if piece.start is not None:
            inputs = jax.eval_shape(features.entry, shapes, inputs)
        output = jax.jit(features)(variables, np.ones(inputs.shape, np.float32))[piece.end]
        assert np.isfinite(output).all()


def test_the_origin_of_a_piece_is_that_of_all_its_layers():
    pieces = pieces_of(NETWORKS[1])
    origins = hybrids.by_layer({"x": {"block 0": "a", "block 1": "b"}}, pieces)
    assert origins["x"] == {
        "blocks/0": "a",
        "patch_embed": "a",
        "cls_token": "a",
        "pos_embed": "a",
        "blocks/1": "b",
        "norm": "b",
    }


def test_children_are_split_once_for_all_pieces():
    config = hybrid_config.get_config("full")
    count = sum(config.hybrids[part] for part in ("train", "validation", "test"))
    parts = hybrid_run.split(count, config)
    assert [len(part) for part in parts.values()] == [config.hybrids[part] for part in parts]
    np.testing.assert_array_equal(np.concatenate(list(parts.values())), np.arange(count))


def test_what_is_right_is_said_child_by_child_at_the_chosen_setting():
    values = np.stack([[[1.0, 0.0, 0.0], [0.0, 1.0, 1.0]], [[0.0, 1.0, 1.0], [1.0, 0.0, 0.0]]], axis=-1)
    coords = {"parent": ["a", "b"], "child": ["x", "y", "z"], "setting": ["good", "bad"]}
    scores = {"taylor": xarray.DataArray(values, coords=coords)}
    truth = {"x": "a", "y": "b", "z": "a"}
    assert methods.right(scores, truth, {"taylor": "good"}, only=("z", "y"))["taylor"].tolist() == [False, True]
    assert methods.right(scores, truth, {"taylor": "bad"}, only=("x", "z"))["taylor"].tolist() == [False, True]
