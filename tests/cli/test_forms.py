"""The command on files as people have them: wrapped, without a head, with averages, buffers and NaN; there and back."""

import json

import jax
import numpy as np
import pytest

import converters
from lineage_jax import checkpoints, io, models
from tests.cli.test_commands import refused, run
from tests.cli.test_files import ENTRY, nudged, resnet20

SETTINGS = [
    ("cifar_resnet20", {"width": 8, "projected": True, "num_classes": 3}, (32, 32, 3)),
    ("cifar_resnet20", {"width": 4}, (32, 32, 1)),
    ("fc", {"widths": (8,)}, (6, 6, 1)),
    ("fc", {"widths": (8, 7, 6, 5)}, (6, 6, 1)),
    ("fc", {"widths": (8,), "num_classes": 3}, (32, 32, 3)),
    ("unet", {"width": 4, "bilinear": True}, (32, 32, 1)),
    ("unet", {"width": 4, "bias": True, "num_classes": 5}, (32, 32, 3)),
    ("outlier_exposure_convnet", {"num_classes": 3}, (28, 28, 1)),
    ("convex_adversarial_convnet", {"num_classes": 3}, (28, 28, 1)),
    ("convex_adversarial_convnet", {"num_classes": 3}, (32, 32, 3)),
]


def saved(folder, architecture, settings, input_shape):
    """Saves a network of random weights."""
    network, rng = models.build(architecture, **settings), np.random.default_rng(0)
    tree = {}
    for path, shape in models.shapes_of(network, input_shape).items():
        *modules, leaf = path.split("/")
        node = tree
        for module in modules:
            node = node.setdefault(module, {})
        node[leaf] = rng.uniform(0.1, 1, shape).astype(np.float32)
    models.save_network(folder, network, tree, input_shape=input_shape)
    return network, tree


@pytest.mark.parametrize(("architecture", "settings", "input_shape"), SETTINGS)
def test_what_export_writes_is_recognised_again(tmp_path, capsys, monkeypatch, architecture, settings, input_shape):
    network, tree = saved(tmp_path / "own", architecture, settings, input_shape)
    status, _, err = run(capsys, monkeypatch, "export", tmp_path / "own", "--out", tmp_path / "a.pth")
    assert (status, err) == (0, "")
    loaded = checkpoints.load(tmp_path / "a.pth", None)
    assert loaded.network == network
    assert loaded.input_shape[-1] == input_shape[-1]
    assert jax.tree.all(jax.tree.map(np.array_equal, loaded.variables, tree))


@pytest.mark.parametrize("input_shape", [(4, 4, 3), (6, 6, 4)])
def test_what_would_not_be_recognised_again_is_not_exported(tmp_path, capsys, monkeypatch, input_shape):
    saved(tmp_path / "own", "fc", {"widths": (8,)}, input_shape)
    refused(
        capsys,
        monkeypatch,
        f"for images {input_shape}: name the",
        "export",
        tmp_path / "own",
        "--out",
        tmp_path / "a.pth",
    )


def test_inspect_reads_our_own_folders(tmp_path, capsys, monkeypatch):
    saved(tmp_path / "own", "fc", {"widths": (8,)}, (6, 6, 1))
    _, out, _ = run(capsys, monkeypatch, "inspect", tmp_path / "own")
    assert "network: architecture fc, num_classes 10, widths 8" in out
    assert "parameters: 386" in out
    _, out, _ = run(capsys, monkeypatch, "inspect", tmp_path / "own", "--json")
    assert json.loads(out)["tensors"]["params.fc1.kernel"] == {"shape": [36, 8], "dtype": "float32"}


def lightning(tensors, **more):
    """A state_dict as a training loop around a network has it, with another head."""
    body = {f"model._orig_mod.{name}": array for name, array in tensors.items() if not name.startswith("linear")}
    head = {"model._orig_mod.linear.0.weight": np.ones((5, 64), np.float32)}
    beside = {"criterion.weight": np.ones(10, np.float32), "total_ops": np.ones(1), "val_acc.total": np.array(3)}
    return {**body, **head, **beside, **more}


def test_a_wrapped_network_with_another_head_has_features_and_what_is_left_out_is_said(tmp_path, capsys, monkeypatch):
    tensors = resnet20(1)
    converters.write(tmp_path / "a.pth", lightning(tensors))
    loaded = checkpoints.load(tmp_path / "a.pth", None)
    assert loaded.match.entry.name == ENTRY
    assert "a.pth is akamaster/resnet20 under 'model._orig_mod.', but for its head" in loaded.notes
    assert "left out, as no part of akamaster/resnet20: 'model._orig_mod.linear.0.weight'" in loaded.notes
    variables = loaded.variables
    assert variables["params"]["linear"]["kernel"].shape == (64, 1)
    assert not variables["params"]["linear"]["kernel"].any()
    np.testing.assert_array_equal(variables["params"]["conv1"]["kernel"], tensors["conv1.weight"].transpose(2, 3, 1, 0))
    assert checkpoints.same_architecture(loaded.network, models.cifar_resnet20())
    _, out, err = run(capsys, monkeypatch, "convert", tmp_path / "a.pth", "--out", tmp_path / "folder")
    assert "is akamaster/resnet20 but for its head" in out
    assert "no weight, left out: 'criterion.weight' and 1 more: part of a loss or metric" in err
    tree, _ = io.load(tmp_path / "folder")
    assert "linear" not in tree["params"]
    _, out, _ = run(capsys, monkeypatch, "inspect", tmp_path / "a.pth")
    assert "no weights: counter of batches model" in out
    assert "notes: a.pth is akamaster/resnet20 under" in out


def convnet(seed):
    """Returns a state_dict of a small network with two convolutions and two dense layers."""
    rng = np.random.default_rng(seed)
    shapes = converters.names_of("outlier_exposure/mnist")
    return {name: (rng.normal(size=shape) / 10).astype(np.float32) for name, shape in shapes.items()}


def test_a_network_without_a_head_is_compared_by_features(tmp_path, capsys, monkeypatch):
    first, second = convnet(1), convnet(2)
    converters.write(tmp_path / "first.pth", first)
    converters.write(tmp_path / "second.pth", second)
    body = {f"net.{name}": array for name, array in nudged(second, 3).items() if not name.startswith("fc2")}
    converters.write(tmp_path / "child.pth", body)
    np.save(tmp_path / "x.npy", np.random.default_rng(0).normal(size=(8, 28, 28, 1)).astype(np.float32))
    given = "--parents", tmp_path / "first.pth", tmp_path / "second.pth", "--child", tmp_path / "child.pth"
    status, out, _ = run(
        capsys, monkeypatch, "detect", *given, "--probes", tmp_path / "x.npy", "--measure", "l2", "--json"
    )
    assert status == 0
    answer = json.loads(out)
    assert answer["prediction"] == "second"
    assert answer["layer"] == "gelu3"
    scores = [value for row in answer["scores"] for value in row["by parent"].values()]
    assert np.isfinite(scores).all()


def test_another_network_of_the_file_is_named(tmp_path, capsys, monkeypatch):
    nets = {f"{part}.{n}": a for seed, part in enumerate(("student", "teacher"), 1) for n, a in resnet20(seed).items()}
    converters.write(tmp_path / "a.pth", nets)
    loaded = checkpoints.load(tmp_path / "a.pth", None)
    assert loaded.notes[0].startswith("'teacher' was taken: a teacher of")
    assert loaded.match.entry.name == ENTRY
    np.testing.assert_array_equal(loaded.file.tensors["conv1.weight"], resnet20(2)["conv1.weight"])
    other = checkpoints.load(tmp_path / "a.pth", None, "student")
    np.testing.assert_array_equal(other.file.tensors["conv1.weight"], resnet20(1)["conv1.weight"])
    refused(
        capsys, monkeypatch, "got some at student, teacher: name one", "inspect", tmp_path / "a.pth", "--nesting", "x"
    )
    _, out, err = run(
        capsys, monkeypatch, "convert", tmp_path / "a.pth", "--out", tmp_path / "o", "--nesting", "student"
    )
    assert f"is {ENTRY} (num_classes 10, width 16): saved in" in out
    assert err == ""


@pytest.mark.parametrize(("value", "name"), [(np.nan, "layer1.0.conv1.weight"), (-np.inf, "bn1.running_var")])
def test_values_that_are_not_numbers_are_refused_where_they_are_read(tmp_path, capsys, monkeypatch, value, name):
    tensors = resnet20(1)
    tensors[name] = tensors[name].copy()
    tensors[name].flat[:3] = value
    converters.write(tmp_path / "a.pth", tensors)
    said = f"a.pth {3} of {tensors[name].size} values of '{name}' are NaN or infinite"
    refused(capsys, monkeypatch, said, "convert", tmp_path / "a.pth", "--out", tmp_path / "out")
    io.save(tmp_path / "tree", converters.as_tree(tensors), description={"tree of": "a"})
    with pytest.raises(ValueError, match=r"tree 3 of \d+ values of '.*' are NaN or infinite"):
        checkpoints.load(tmp_path / "tree", None)
    buffers = {**resnet20(1), "attn_mask": np.where(np.eye(4) > 0, 0, -np.inf).astype(np.float32)}
    converters.write(tmp_path / "b.pth", buffers)
    assert checkpoints.load(tmp_path / "b.pth", None).match.entry.name == ENTRY


def test_counters_say_how_many_batches_were_seen(tmp_path):
    tensors = {**resnet20(1), "bn1.num_batches_tracked": np.array(420)}
    converters.write(tmp_path / "a.pth", tensors)
    assert checkpoints.load(tmp_path / "a.pth", None).counters["bn1"] == 420
