"""The command that learns: what it says, where it ends, and that a stopped run goes on."""

import json
import shutil

import jax
import numpy as np
import pytest
import xarray

from lineage_jax import cli, detector, lineage
from lineage_jax.checkpoints import load_known_family
from lineage_jax.cli._detector_report import StudiedFamily, together
from tests.cli.conftest import CHILDREN, PARENTS, SETTINGS, learn
from tests.cli.test_commands import refused


def test_a_detector_is_learned_from_files_and_says_how_right_it_is(learned):
    fitted = detector.load_detector(learned.folder)
    assert fitted.detector == detector.Detector(weights=("fc2",), nobody=True)
    assert "looking at weights of fc2 and at no features: no --probes given" in learned.err
    counts, found, calibration, orphans, saved = learned.out.splitlines()
    assert counts == "families: 1; 21 children taught, 3 chose among epochs, 6 tested"
    assert found.startswith("parents named rightly of the 6: 6 by the detector, 6 by weight l2 of all layers, the best")
    assert 0 <= float(calibration.rpartition(" ")[2]) <= 1
    assert orphans == "shown without their parent, 6 of the 6 have none of these"
    assert saved.endswith(f"--detector {learned.folder}")
    assert [path.name for path in learned.folder.parent.iterdir()] == ["detector"]


def test_with_probes_the_last_kernel_and_tap_are_seen_alike_in_files_and_a_checkpoint(folder, capsys):
    images, seen = np.load(folder / "probes.npy"), []
    for path in (folder / "known", folder / "family"):
        known = load_known_family(path, None)
        layers = cli._train_detector.layers_for(known, None, None, with_probes=True)
        assert (layers.weights, layers.features) == (("fc2",), ("relu2",))
        shown = {"network": known.network, "input_shape": known.input_shape}
        seen.append(detector.look_at(known.parents, known.children, known.truth, layers, images, **shown))
    assert "looking at weights of fc2 and features of relu2" in capsys.readouterr().err
    assert seen[0].children.features["relu2"].shape == (PARENTS * CHILDREN, len(images), 8)
    for views in ("parents", "children"):
        jax.tree.map(np.testing.assert_array_equal, *(getattr(examples, views) for examples in seen))


def test_a_stopped_run_goes_on_and_a_checkpoint_teaches_what_files_do(folder, learned, tmp_path, monkeypatch):
    out, given = tmp_path / "detector", {"family": [folder / "family"], **SETTINGS}

    class Stopped(cli._train_detector.Progress):
        def update(self, task, *, completed, **words):
            if completed == 2:
                raise KeyboardInterrupt
            super().update(task, completed=completed, **words)

    with monkeypatch.context() as patched:
        patched.setattr(cli._train_detector, "progress_bar", Stopped)
        with pytest.raises(KeyboardInterrupt):
            learn(out, **given)
    assert [path.name for path in tmp_path.iterdir()] == ["detector.unfinished"]
    with pytest.raises(ValueError, match=r"the families of the run in .*, got others: remove that folder"):
        learn(out, **given | {"weights": ["fc1"]})
    learn(out, **given)
    expected, found = (detector.load_detector(path) for path in (learned.folder, out))
    assert found.history == expected.history
    assert found.temperature == expected.temperature
    jax.tree.map(np.testing.assert_array_equal, found.variables, expected.variables)


def test_families_choose_their_weight_score_together_though_names_repeat():
    def family(right, wrong):
        scores = xarray.DataArray(
            [[[1.0, 0.0], [1.0, 1.0]], [[0.0, 1.0], [0.0, 0.0]]],
            coords={"parent": [right, wrong], "child": ["c", "e"], "setting": ["good", "bad"]},
            dims=("parent", "child", "setting"),
        )
        return StudiedFamily(examples=None, scores=scores, truth={"c": right, "e": right})

    scores, truth = together([family("a", "b"), family("b", "z")])
    assert truth == {"0/c": "a", "0/e": "a", "1/c": "b", "1/e": "b"}
    assert lineage.accuracy(lineage.decide(scores), truth).values.tolist() == [1.0, 0.5]
    assert lineage.choose(scores, truth, ["0/c", "1/c"]) == {"setting": "good"}


def test_families_that_cannot_be_learned_from_end_in_one_line(folder, capsys, monkeypatch, tmp_path):
    def check(message, family, *options):
        given = "--family", family, "--out", tmp_path / "out", *options
        refused(capsys, monkeypatch, message, "train-detector", *given)
        assert not (tmp_path / "out").exists()

    probes = "--probes", folder / "probes.npy"
    known, unknown = folder / "family", folder / "unknown"
    check("which exists: choose another", known, "--out", folder)
    check("nowhere, where there is nothing", tmp_path / "nowhere")
    check("expected a family in", tmp_path)
    check("expected --probes for the features of relu2, got none", known, "--features", "relu2")
    check("expected a kernel of 'fc9' in child-00, which has: fc1, fc2, fc3", known, "--weights", "fc9")
    check("layer 'relu9' is not called by FC", known, "--features", "relu9", *probes)
    check("since parent-0.pth is of no known architecture; layers with a kernel: fc1, fc2, fc3", unknown, *probes)
    options = "--weights", "fc2", "--features", "relu2", *probes
    check("expected networks with features relu2, but parent-0.pth is of no known", unknown, *options)
    np.save(tmp_path / "wide.npy", np.ones((4, 9, 9, 1), np.float32))
    check(
        "expected probes of shape [n, 8, 8, 1], got (4, 9, 9, 1)", folder / "known", "--probes", tmp_path / "wide.npy"
    )


def test_a_truth_that_does_not_fit_ends_in_one_line(folder, capsys, monkeypatch, tmp_path):
    family = tmp_path / "family"
    shutil.copytree(folder / "unknown", family)
    truth = json.loads((family / "truth.json").read_text())

    def check(message, text):
        (family / "truth.json").write_text(text)
        given = "--family", family, "--out", tmp_path / "out", "--weights", "fc2"
        refused(capsys, monkeypatch, message, "train-detector", *given)

    check("expected JSON in", "{")
    check("expected {child: parent} in", "[]")
    check("got 'nobody' in one of them", json.dumps(truth | {"nobody": "parent-0"}))
    check("got 'child-00' in one of them", json.dumps({c: p for c, p in truth.items() if c != "child-00.pth"}))
    check("expected 'parent-7', the parent of 'child-00', among", json.dumps(truth | {"child-00.pth": "parent-7"}))
