"""The command on PyTorch files: what they are, there and back, and whose child."""

import json

import jax
import ml_dtypes
import numpy as np
import pytest

import converters
from lineage_jax import checkpoints, cli, io, models
from tests.cli.test_commands import refused, run

ENTRY = "akamaster/resnet20"


def resnet20(seed):
    """Returns a state_dict of ResNet-20 as akamaster names it, small around a seed's own random weights."""
    rng = np.random.default_rng(seed)
    draw = lambda name, shape: rng.uniform(0.5, 1.5, shape) if "var" in name else rng.normal(size=shape) / 10
    shapes = converters.names_of(ENTRY)
    shapes = {**shapes, "linear.weight": (10, 64), "linear.bias": (10,)}
    return {
        name: np.zeros((), np.int64) if "tracked" in name else draw(name, shape).astype(np.float32)
        for name, shape in shapes.items()
    }


def nudged(tensors, seed):
    rng = np.random.default_rng(seed)
    step = lambda array: (1 + 0.1 * rng.normal(size=array.shape)).astype(array.dtype)
    return {name: array * step(array) if array.dtype == np.float32 else array for name, array in tensors.items()}


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Two parents, a child of the second, one in half precision, and a detector with the second as its backbone."""
    folder = tmp_path_factory.mktemp("files")
    first, second = resnet20(1), resnet20(2)
    converters.write(folder / "first.pth", first)
    converters.write(folder / "second.safetensors", second)
    converters.write(folder / "child.pt", nudged(second, 3))
    rounded = {n: a.astype(ml_dtypes.bfloat16) if a.dtype == np.float32 else a for n, a in first.items()}
    converters.write(folder / "half.pth", rounded)
    body = {f"backbone.body.{name}": array for name, array in nudged(second, 4).items() if "linear" not in name}
    converters.write(folder / "detector.pth", {**body, "head.weight": np.ones((6, 64, 3, 3), np.float32)})
    return folder


def test_inspect_says_what_a_file_is(files, capsys, monkeypatch):
    status, out, _ = run(capsys, monkeypatch, "inspect", files / "first.pth", "--json")
    assert status == 0
    said = json.loads(out)
    assert said["container"] == "zip"
    assert said["architecture"] == {ENTRY: {"num_classes": 10, "width": 16}}
    assert said["sha256"] == converters.read(files / "first.pth").sha256
    assert said["tensors"]["linear.weight"] == {"shape": [10, 64], "dtype": "float32"}
    _, out, _ = run(capsys, monkeypatch, "inspect", files / "first.pth")
    assert f"architecture: {ENTRY} (num_classes 10, width 16)" in out
    assert "layer1" in out


def test_inspect_names_the_nearest_of_what_it_does_not_know(files, capsys, monkeypatch):
    _, out, _ = run(capsys, monkeypatch, "inspect", files / "detector.pth", "--json")
    assert "architecture" not in json.loads(out)
    first = converters.read(files / "first.pth").tensors
    del first["bn1.bias"]
    converters.write(files / "without.pth", first)
    _, out, _ = run(capsys, monkeypatch, "inspect", files / "without.pth")
    assert f"nearest: {ENTRY} (agrees 99%, differs 'bn1.bias': nothing, expected (" in out


def test_convert_and_export_return_the_file(files, capsys, monkeypatch, tmp_path):
    status, out, err = run(capsys, monkeypatch, "convert", files / "first.pth", "--out", tmp_path / "folder")
    assert (status, err) == (0, "")
    assert f"is {ENTRY} (num_classes 10, width 16): saved in" in out
    saved = models.load_network(tmp_path / "folder")
    assert saved.network == models.cifar_resnet20()
    for name in ("back.pth", "back.safetensors"):
        assert run(capsys, monkeypatch, "export", tmp_path / "folder", "--out", tmp_path / name)[0] == 0
        before, after = (converters.read(path).tensors for path in (files / "first.pth", tmp_path / name))
        assert before.keys() == after.keys()
        assert all(np.array_equal(before[name], after[name]) for name in before)
    refused(
        capsys, monkeypatch, "which exists: choose another", "export", tmp_path / "folder", "--out", tmp_path / name
    )


def test_half_precision_becomes_float32_and_that_is_said(files, capsys, monkeypatch, tmp_path):
    _, _, err = run(capsys, monkeypatch, "convert", files / "half.pth", "--out", tmp_path / "folder")
    assert "half.pth holds bfloat16: brought to float32" in err
    kernel = models.load_network(tmp_path / "folder").variables["params"]["linear"]["kernel"]
    assert kernel.dtype == np.float32
    np.testing.assert_array_equal(kernel, converters.read(files / "half.pth").tensors["linear.weight"].T)


def test_what_is_not_known_is_saved_as_a_tree_and_detected_from_there(files, capsys, monkeypatch, tmp_path):
    status, out, _ = run(capsys, monkeypatch, "convert", files / "detector.pth", "--out", tmp_path / "tree")
    assert status == 0
    assert "is of no known architecture" in out
    tree, description = io.load(tmp_path / "tree")
    assert tree["params"]["head"]["kernel"].shape == (3, 3, 64, 6)
    assert description["tree of"] == "detector.pth"
    parents = files / "first.pth", files / "second.safetensors"
    status, out, _ = run(capsys, monkeypatch, "detect", "--parents", *parents, "--child", tmp_path / "tree", "--json")
    assert json.loads(out)["prediction"] == "second"


def test_files_of_one_architecture_are_compared_by_features_and_weights(files, capsys, monkeypatch, tmp_path):
    run(capsys, monkeypatch, "convert", files / "first.pth", "--out", tmp_path / "first")
    given = "--parents", tmp_path / "first", files / "second.safetensors", "--child", files / "child.pt"
    images = np.random.default_rng(0).normal(size=(8, 32, 32, 3)).astype(np.float32)
    np.save(tmp_path / "probes.npy", images)
    options = "--probes", tmp_path / "probes.npy", "--measure", "l2", "--json"
    status, out, _ = run(capsys, monkeypatch, "detect", *given, *options)
    assert status == 0
    answer = json.loads(out)
    assert answer["prediction"] == "second"
    assert answer["layer"] == "avgpool"
    assert [row["score"] for row in answer["scores"]][-3:] == ["weight l2", "weight cosine", "weight information"]
    assert answer["shared"]["by parent"]["second"]["parameters"] == answer["shared"]["of"]["parameters"]


def test_a_detectors_backbone_finds_its_classifier_and_how_much_is_shared_is_said(files, capsys, monkeypatch):
    given = "--parents", files / "first.pth", files / "second.safetensors", "--child", files / "detector.pth"
    status, out, err = run(capsys, monkeypatch, "detect", *given)
    assert status == 0
    assert "only weights are compared: detector.pth is of no known architecture" in err
    line = out.strip().splitlines()[-1]
    assert line.startswith("detector is related to second: centred kernel cosine 0.995 (p < 1e-290 among ")
    assert line.endswith("which came first the weights do not say.")
    assert "backbone/body" in out
    _, out, _ = run(capsys, monkeypatch, "detect", *given, "--json")
    shared = json.loads(out)["shared"]
    count = sum(
        a.size for n, a in resnet20(1).items() if "running" not in n and "tracked" not in n and "linear" not in n
    )
    assert shared["of"]["parameters"] == count + 6 * 64 * 9
    first = shared["by parent"]["first"]
    np.testing.assert_allclose(first.pop("chance"), count**-0.5, rtol=0.05)  # of independent weights of one size
    assert first == {
        "compared": 1,  # the head is constant and says nothing
        "identical": 0,
        "turned": 0,
        "tensors": 57,
        "parameters": count,
        "parent_module": "",
        "child_module": "backbone/body",
    }


def test_a_stranger_among_the_candidates_is_said_to_share_nothing(files, capsys, monkeypatch, tmp_path):
    converters.write(tmp_path / "stranger.pth", {"a.weight": np.ones((2, 3), np.float32)})
    given = "--parents", tmp_path / "stranger.pth", files / "second.safetensors", "--child", files / "child.pt"
    status, out, _ = run(capsys, monkeypatch, "detect", *given)
    assert status == 0
    *_, note, verdict = out.strip().splitlines()
    assert verdict.startswith("child is related to second: centred kernel cosine 0.995 (p < 1e-290 among ")
    assert note == "stranger could not be compared: 0% of child's kernels have a counterpart there"
    (row,) = [line for line in out.splitlines() if line.split()[:1] == ["stranger"] and line != note]
    assert row.split()[-3:] == ["0%", "0", "0"]


def test_where_no_candidate_resembles_the_child_that_is_the_verdict(files, capsys, monkeypatch, tmp_path):
    converters.write(tmp_path / "third.pth", resnet20(7))
    given = "--parents", files / "first.pth", tmp_path / "third.pth", "--child", files / "child.pt", "--weights-only"
    _, out, _ = run(capsys, monkeypatch, "detect", *given)
    assert out.strip().splitlines()[-1].startswith("None of these is the parent of child, third comes nearest: ")


def test_bad_files_and_names_end_in_one_line(files, capsys, monkeypatch, tmp_path):
    def check(message, *given):
        refused(capsys, monkeypatch, message, *given)

    first, out = files / "first.pth", tmp_path / "out"
    check("nowhere", "inspect", tmp_path / "nowhere.pth")
    (tmp_path / "text.pth").write_text("no network")
    check("text.pth", "convert", tmp_path / "text.pth", "--out", out)
    for arch, message in (
        ("akamaster/resnet21", "unknown architecture 'akamaster/resnet21'; the nearest of"),
        ("akamaster/resnet32", "expected the arrays of akamaster/resnet32"),
        ("torchvision/resnet18", "to be torchvision/resnet18, but"),
    ):
        check(message, "convert", first, "--arch", arch, "--out", out)
    assert not out.exists()
    check("text.pth", "detect", "--parents", first, "--child", tmp_path / "text.pth")
    check("text.pth", "detect", "--parents", tmp_path / "text.pth", "--child", first)


def test_sources_that_weights_do_not_tell_apart_are_named(files, caplog, monkeypatch):
    caplog.set_level("INFO", "lineage_jax")
    file = converters.read(files / "first.pth")
    (match,) = converters.recognise({name: array.shape for name, array in file.tensors.items()}).fits
    other = type(match)(**{**vars(match), "settings": {"num_classes": 10, "epsilon": 1e-3}})
    monkeypatch.setattr(
        converters, "recognise", lambda shapes, **options: converters.Recognition(fits=(match, other), nearest=())
    )
    assert checkpoints.identify(file, None) == match
    assert f"first.pth is taken as {ENTRY}; it may be {ENTRY}, of equal names" in caplog.text


def test_a_network_of_no_source_is_not_exported(capsys, monkeypatch, tmp_path):
    network = models.convnet(widths=(4, 4))
    variables = models.init(network, jax.random.key(0), (8, 8, 1))
    models.save_network(tmp_path / "own", network, variables, input_shape=(8, 8, 1))
    refused(
        capsys, monkeypatch, "expected a network that some source has", "export", tmp_path / "own", "--out", "x.pth"
    )
    assert cli.spread(["a"]) == ["a"]
