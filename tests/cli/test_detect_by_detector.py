"""A learned detector names the parent, beside what the scores say; what it cannot judge is refused."""

import json
import shutil

import jax
import numpy as np
import pytest

from lineage_jax import io, models
from tests.cli.test_commands import refused, run


@pytest.fixture
def ask(folder, capsys, monkeypatch):
    """Asks a detector about the suspect; networks are of a known architecture, or not."""

    def asked(detector, *options, kind="known", parents=(2, 3, 4)):
        files = [folder / f"{kind}-parent-{place}.safetensors" for place in parents]
        given = "detect", "--child", folder / f"{kind}-suspect.safetensors", "--measure", "l2", "--parents", *files
        return run(capsys, monkeypatch, *given, "--detector", detector, *options)

    return asked


def last_line(out):
    return out.strip().splitlines()[-1]


def test_the_detector_names_a_parent_that_it_never_saw(ask, learned):
    for kind in ("known", "unknown"):
        status, out, _ = ask(learned.folder, "--json", kind=kind)
        assert status == 0
        said = json.loads(out)
        assert said["prediction"] == f"{kind}-parent-3"
        assert said["named by"]["decided by"] == "detector"
        assert said["named by"]["without the detector"]["prediction"] == f"{kind}-parent-3"
        assert said["detector"] == {"folder": str(learned.folder), "weights": ["fc2"], "features": []}
        (row,) = [row for row in said["scores"] if row["score"] == "detector"]
        assert list(row["by parent"])[-1] == "none of these"
        np.testing.assert_allclose(sum(row["by parent"].values()), 1.0, rtol=1e-5)  # float32
        assert row["by parent"][f"{kind}-parent-3"] == said["named by"]["probability"]


def test_the_verdict_says_what_the_detector_and_the_scores_say(ask, learned):
    _, out, err = ask(learned.folder, kind="unknown")
    assert "only weights are compared" in err
    assert "whose child the detector takes unknown-suspect for" in out
    line = last_line(out)
    assert line.startswith("unknown-suspect is related to unknown-parent-3: centred kernel cosine 0.99")
    assert "; which came first the weights do not say; the detector gives unknown-parent-3 " in line


def test_none_of_these_is_a_verdict_where_the_detector_knows_it(ask, learned):
    _, out, _ = ask(learned.folder, kind="unknown", parents=(0, 1, 2))
    line = last_line(out)
    assert line.startswith("None of these is the parent of unknown-suspect, unknown-parent-")
    assert "to none of these" in line


def test_a_detector_without_none_of_these_names_no_stranger(ask, folder, of_features):
    _, out, _ = ask(of_features, "--probes", folder / "probes.npy", parents=(0, 1, 2))
    (row,) = [line for line in out.splitlines() if line.split()[:1] == ["detector"]]
    np.testing.assert_allclose(sum(map(float, row.split()[1:4])), 1.0, atol=2e-3)  # three rounded shares
    assert last_line(out).startswith("None of these is the parent of known-suspect, known-parent-")
    _, out, _ = ask(of_features, "--probes", folder / "probes.npy", "--json", parents=(0, 1, 2))
    assert json.loads(out)["prediction"] is None


def test_what_a_detector_cannot_judge_ends_in_one_line(folder, learned, of_features, capsys, monkeypatch, tmp_path):
    def check(message, detector, *options, kind="known"):
        files = [folder / f"{kind}-{name}.safetensors" for name in ("parent-3", "parent-4", "suspect")]
        given = "detect", "--parents", *files[:2], "--child", files[2], "--detector", detector
        refused(capsys, monkeypatch, message, *given, *options)

    probes = "--probes", folder / "probes.npy"
    check("nowhere, where there is nothing", tmp_path / "nowhere")
    check("a detector of features, got no --probes", of_features)
    check("a detector of features, got --weights-only", of_features, *probes, "--weights-only")
    check("with features relu2, but unknown-parent-3.safetensors is of no known", of_features, *probes, kind="unknown")
    for name, network, message in (
        ("wide", models.fc(5, widths=(12, 9)), "expected one shape of 'fc2', got (12, 9) in wide"),
        ("convnet", models.convnet(num_classes=5), "expected a kernel of 'fc2' in convnet, which has: "),
    ):
        shapes = jax.eval_shape(lambda network=network: models.init(network, jax.random.key(0), (8, 8, 1)))
        variables = jax.tree.map(lambda shape: np.zeros(shape.shape, shape.dtype), shapes)
        models.save_network(tmp_path / name, network, variables, input_shape=(8, 8, 1))
        check(message, learned.folder, "--parents", tmp_path / name)
    check("expected a checkpoint of a trained detector at", tmp_path / "wide", *probes)


def test_a_damaged_or_older_detector_ends_in_one_line(folder, learned, capsys, monkeypatch, tmp_path):
    files = [folder / f"known-{name}.safetensors" for name in ("parent-3", "parent-4", "suspect")]
    given = "detect", "--parents", *files[:2], "--child", files[2], "--detector"
    damaged = tmp_path / "damaged"
    shutil.copytree(learned.folder, damaged)
    largest = max((path for path in damaged.rglob("*") if path.is_file()), key=lambda path: path.stat().st_size)
    largest.write_bytes(largest.read_bytes()[:-20])
    refused(capsys, monkeypatch, "is cut short or altered", *given, damaged)
    variables, words = io.load(learned.folder)
    io.save(tmp_path / "older", variables, description=words | {"version": 0})
    refused(capsys, monkeypatch, "got version 0: train it again", *given, tmp_path / "older")
