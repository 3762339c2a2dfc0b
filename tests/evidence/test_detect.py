"""`evidence.detect` in Python: networks on disk and in memory, probes, detectors; the command prints the same."""

import functools
import json
import logging

import jax
import numpy as np
import pytest

import converters
from lineage_jax import checkpoints, detector, evidence, io, linearize, models, similarity
from lineage_jax.evidence._wording import format_probability
from lineage_jax.typing import Networks
from tests.cli.test_commands import refused, run
from tests.cli.test_detect_files import network

NETWORK = models.fc(5, widths=(24, 12))
SHAPE = (6, 6, 1)


@pytest.fixture(scope="module")
def trees():
    """Three parents of one architecture, and a child of the second with another head."""
    parents = {f"parent-{seed}": models.init(NETWORK, jax.random.key(seed), SHAPE) for seed in range(3)}
    child = jax.tree.map(lambda leaf: np.array(leaf), parents["parent-1"])
    rng = np.random.default_rng(0)
    for layer in ("fc1", "fc2"):
        kernel = child["params"][layer]["kernel"]
        kernel += 0.2 * kernel.std() * rng.normal(size=kernel.shape).astype(np.float32)
    return parents, child


@pytest.fixture(scope="module")
def probes():
    return np.random.default_rng(1).normal(size=(16, *SHAPE)).astype(np.float32)


@pytest.fixture(scope="module")
def folder(trees, probes, tmp_path_factory):
    """The same networks as checkpoint folders, and the probes."""
    place = tmp_path_factory.mktemp("networks")
    parents, child = trees
    for name, tree in (parents | {"child": child}).items():
        models.save_network(
            place / ("child" if name == "child" else f"parents/{name}"), NETWORK, tree, input_shape=SHAPE
        )
    np.save(place / "probes.npy", probes)
    return place


@pytest.fixture(scope="module")
def untaught():
    """A detector of weights and features that has learned nothing."""
    module = detector.Detector(weights=("fc2",), features=("relu2",), nobody=True)
    words = {"temperature": 1.0, "training": detector.DetectorTraining(), "history": ()}
    return detector.Fitted(detector=module, variables=detector.init(module, 0), **words)


def test_paths_variables_and_loaded_networks_have_one_answer(folder, trees, probes):
    parents, child = trees
    paths = {name: folder / "parents" / name for name in parents}
    loaded = checkpoints.load_many(folder / "parents")
    detect = functools.partial(evidence.detect, measures=("l2", "cka"))
    answers = [
        detect(folder / "parents", folder / "child", folder / "probes.npy"),
        detect(list(paths.values()), folder / "child", probes),
        detect(paths, str(folder / "child"), probes),
        detect(loaded, checkpoints.load(folder / "child"), probes),
        detect(list(loaded.values()), models.load_network(folder / "child"), probes),
        detect(parents, child, probes, network=NETWORK),
        detect(Networks.stack(parents), child, probes, network=NETWORK),
        detect(parents, child, probes, features=linearize.features_of(NETWORK, ("relu2",))),
    ]
    assert [answer.prediction for answer in answers] == ["parent-1"] * len(answers)
    assert answers[0].compared["probes"] == {"count": 16, "source": str(folder / "probes.npy")}
    said = [answer.as_dict() | {"probes": None} for answer in answers]
    assert all(each == said[0] for each in said[1:])
    assert set(answers[0].scores) > {"cka direct", "cka taylor 0.3", "weight l2", "weight cosine"}


@pytest.mark.parametrize("options", [(), ("--weights-only",), ("--measure", "l2", "--alpha", "0", "0.5")])
def test_the_command_prints_what_python_returns(folder, capsys, monkeypatch, options):
    given = sorted((folder / "parents").iterdir()), folder / "child"
    arguments = "--parents", *given[0], "--child", given[1], "--probes", folder / "probes.npy", "--json", *options
    status, out, _ = run(capsys, monkeypatch, "detect", *arguments)
    assert status == 0
    settings = {"measures": ("l2",), "alphas": (0.0, 0.5)} if "--alpha" in options else {}
    answer = evidence.detect(*given, folder / "probes.npy", weights_only="--weights-only" in options, **settings)
    assert json.loads(out) == answer.as_dict()
    status, out, _ = run(capsys, monkeypatch, "detect", *(each for each in arguments if each != "--json"))
    assert out.endswith("\n".join([*answer.notes, answer.sentence]) + "\n")


def test_an_answer_reads_as_a_sentence_and_as_tables(trees):
    answer = evidence.detect(*trees, weights_only=True)
    assert str(answer).splitlines() == [answer.sentence, *answer.notes]
    assert repr(answer) == "Answer(child='child', prediction='parent-1', relation='related')"
    assert answer.weights["parent"].values.tolist() == ["parent-0", "parent-1", "parent-2"]
    assert answer.scores["centred kernel cosine"].idxmax().item() == "parent-1"
    assert answer.probabilities is None
    assert json.loads(json.dumps(answer.as_dict())) == answer.as_dict()


def test_one_candidate_is_enough(trees):
    parents, child = trees
    assert evidence.detect({"mine": parents["parent-1"]}, child).prediction == "mine"
    answer = evidence.detect({"other": parents["parent-2"]}, child)
    assert (answer.prediction, answer.relation, answer.verdict.nearest) == (None, "none of these", "other")


def test_the_child_among_the_candidates_is_left_out(folder, trees):
    parents, child = trees
    everyone = [*sorted((folder / "parents").iterdir()), folder / "child"]
    assert evidence.detect(everyone, folder / "child", weights_only=True).measured.left_out == {
        "child": "the same place"
    }
    named = {"one": folder / "parents" / "parent-1", "itself": folder / "child"}
    for candidates in (named, checkpoints.load_many(named)):
        answer = evidence.detect(candidates, folder / "child", weights_only=True)
        assert (answer.prediction, answer.measured.left_out) == ("one", {"itself": "the same place"})
    answer = evidence.detect(parents | {"child": child}, child)
    assert answer.child == "child (the child)"
    assert answer.measured.left_out == {"child": "all 6 tensors are bit for bit equal"}
    answer = evidence.detect([folder / "child"], folder / "child")
    assert (answer.prediction, answer.relation) == ("child", "same network")


def test_a_path_that_cannot_be_read_is_skipped_among_others_and_refused_alone(folder, caplog):
    good, bad = folder / "parents" / "parent-1", folder / "nowhere"
    with caplog.at_level(logging.WARNING, "lineage_jax"):
        answer = evidence.detect([good, bad], folder / "child", weights_only=True)
    assert answer.prediction == "parent-1"
    assert answer.measured.skipped.keys() == {"nowhere"}
    assert [record.message.partition(":")[0] for record in caplog.records] == ["skipped nowhere"]
    for parents, child in (([bad], good), ([good], bad), (bad, good)):
        with pytest.raises(FileNotFoundError, match="nowhere, where there is nothing"):
            evidence.detect(parents, child)


def test_candidates_have_names_of_their_own(folder, trees):
    loaded = checkpoints.load(folder / "child")
    for nothing in ([], {}):
        with pytest.raises(ValueError, match="expected at least one parent, got none"):
            evidence.detect(nothing, folder / "child")
    with pytest.raises(ValueError, match="expected 2 candidates of different names, got only child"):
        evidence.detect([loaded, loaded], trees[1])
    with pytest.raises(TypeError, match=r"give others as \{name: variables\}"):
        evidence.detect([trees[1]], trees[1])
    with pytest.raises(
        TypeError, match=r"expected parents by name, \{name: variables\}, got the variables of one network"
    ):
        evidence.detect(trees[1], trees[1])


def test_a_detector_is_asked_in_memory_as_on_disk(trees, folder, probes, untaught, tmp_path):
    parents, child = trees
    detector.save_detector(tmp_path / "detector", untaught)
    in_memory = evidence.detect(parents, child, probes, untaught, network=NETWORK, measures=("l2",))
    on_disk = evidence.detect(folder / "parents", folder / "child", probes, tmp_path / "detector", measures=("l2",))
    np.testing.assert_array_equal(in_memory.probabilities, on_disk.probabilities)
    assert in_memory.probabilities["parent"].values.tolist() == [*parents, detector.NOBODY]
    np.testing.assert_allclose(in_memory.probabilities.sum(), 1.0, rtol=1e-5)  # float32
    assert in_memory.verdict.decided_by == "detector"
    assert on_disk.as_dict()["detector"] == {
        "folder": str(tmp_path / "detector"),
        "weights": ("fc2",),
        "features": ("relu2",),
    }
    for options, lacking in (
        ({"probes": None}, "no --probes"),
        ({"probes": probes, "weights_only": True}, "--weights"),
    ):
        with pytest.raises(ValueError, match=f"a detector of features, got {lacking}"):
            evidence.detect(parents, child, detector=untaught, network=NETWORK, **options)


@pytest.fixture(scope="module")
def checkpoints_of_one_run(trees):
    """Three checkpoints, a child of the second, and a stranger."""
    parents, _ = trees
    rng = np.random.default_rng(5)

    def moved(tree, step):
        def draw(leaf):
            return leaf + np.float32(step * leaf.std()) * rng.normal(size=leaf.shape).astype(np.float32)

        return jax.tree.map(lambda leaf: draw(np.asarray(leaf)), tree)

    early = parents["parent-0"]
    middle = moved(early, 0.2)
    late = moved(middle, 0.2)
    return {"early": early, "middle": middle, "late": late, "stranger": parents["parent-1"]}, moved(middle, 0.05)


def test_the_detector_of_evidence_chooses_among_relatives(checkpoints_of_one_run, caplog):
    candidates, child = checkpoints_of_one_run
    answer = evidence.detect(candidates, child, weights_only=True)
    assert (answer.prediction, answer.verdict.decided_by) == ("middle", "detector")
    assert set(answer.probabilities["parent"].values) == {"early", "middle", "late"}
    np.testing.assert_allclose(answer.probabilities.sum(), 1.0, rtol=1e-6)  # float64 of float32 logits
    share = format_probability(answer.probabilities.sel(parent="middle").item())
    assert f"if one of the 3 relatives is the parent, the detector gives middle {share}" in str(answer)
    said = answer.as_dict()
    assert said["probabilities"]["middle"] == said["named by"]["probability"] > 0.9
    assert said["detector"].keys() == {"file", "commit", "data", "seed"}
    assert said["named by"]["without the detector"]["prediction"] == "middle"
    alone = evidence.detect({name: candidates[name] for name in ("middle", "stranger")}, child, weights_only=True)
    assert (alone.prediction, alone.probabilities) == ("middle", None)
    assert "detector" not in alone.as_dict()
    assert not caplog.records


def test_a_detector_of_evidence_may_be_ones_own(checkpoints_of_one_run, tmp_path, capsys, monkeypatch):
    candidates, child = checkpoints_of_one_run
    file = tmp_path / "mine.safetensors"
    detector.save_evidence_detector(file, detector.load_evidence_detector())
    shipped, mine, in_memory = (
        evidence.detect(candidates, child, detector=each, weights_only=True)
        for each in (None, file, detector.load_evidence_detector(file))
    )
    np.testing.assert_array_equal(shipped.probabilities, mine.probabilities)
    np.testing.assert_array_equal(shipped.probabilities, in_memory.probabilities)
    found = [each.as_dict()["detector"]["file"] for each in (shipped, mine, in_memory)]
    assert found == ["shipped", str(file), "in memory"]
    file.write_bytes(file.read_bytes()[:-20])
    for name, tree in (candidates | {"child": child}).items():
        models.save_network(tmp_path / name, NETWORK, tree, input_shape=SHAPE)
    paths = [tmp_path / name for name in candidates]
    given = "detect", "--parents", *paths, "--child", tmp_path / "child", "--weights-only", "--detector", file
    refused(capsys, monkeypatch, f"expected a whole detector of evidence at {file}, got a damaged file", *given)
    status, out, _ = run(capsys, monkeypatch, *given[:-2])
    assert status == 0
    assert "whose child the detector takes child for" in out
    assert "if one of the 3 relatives is the parent, the detector gives middle" in out


def test_without_the_detector_that_comes_with_the_library_information_chooses(
    checkpoints_of_one_run, tmp_path, monkeypatch, caplog
):
    damaged = tmp_path / "damaged.safetensors"
    damaged.write_bytes(b"not a detector")
    load = functools.partial(detector.load_evidence_detector, damaged)
    monkeypatch.setattr(detector, "load_evidence_detector", load)
    with caplog.at_level(logging.WARNING, "lineage_jax"):
        answer = evidence.detect(*checkpoints_of_one_run, weights_only=True)
    assert (answer.prediction, answer.verdict.decided_by) == ("middle", "information about weights")
    (record,) = caplog.records
    assert "relatives are ordered by information alone: expected a whole detector of evidence" in record.message
    assert record.message.endswith("install lineage-jax again")


def test_of_many_relatives_the_nearest_are_asked(checkpoints_of_one_run):
    candidates, child = checkpoints_of_one_run
    many = {f"early-{place}": candidates["early"] for place in range(20)}
    answer = evidence.detect(many | {"middle": candidates["middle"]}, child, weights_only=True)
    assert answer.prediction == "middle"
    assert answer.probabilities.sizes["parent"] == 16
    assert len(answer.verdict.related) == 21


def test_noise_is_drawn_where_the_shape_of_an_input_is_known(trees, caplog):
    parents, child = trees
    with caplog.at_level(logging.INFO, "lineage_jax"):
        answer = evidence.detect(parents, child, network=NETWORK, input_shape=SHAPE, measures=("l2",))
    assert answer.measured.on_noise
    assert "using 256 images of standard-normal noise (6, 6, 1)" in caplog.text
    with pytest.raises(ValueError, match="expected probes, or input_shape"):
        evidence.detect(parents, child, network=NETWORK)


def test_features_are_those_of_the_last_layer_and_measures_may_be_functions(trees, probes):
    parents, child = trees
    mine = {"mine": lambda a, b: similarity.l2(a, b)}
    features = linearize.features_of(NETWORK, ("relu1",))
    answer = evidence.detect(parents, child, probes, features=features, measures=mine, alphas=(0.1,))
    assert answer.compared["layer"] == "relu1"
    assert list(answer.scores)[:3] == ["mine direct", "mine taylor 0.1", "mine exact 0.1"]
    with pytest.raises(ValueError, match="no alpha is recommended for the measure 'mine'"):
        evidence.detect(parents, child, probes, features=features, measures=mine)
    both = linearize.features_of(NETWORK, ("relu1", "relu2"))
    last = evidence.detect(parents, child, probes, features=both, measures=("l2",))
    assert last.as_dict() == evidence.detect(parents, child, probes, network=NETWORK, measures=("l2",)).as_dict()
    with pytest.raises(ValueError, match=r"expected probes of shape \[n, 6, 6, 1\], got \(16, 5, 6, 1\)"):
        evidence.detect(parents, child, probes[:, 1:], network=NETWORK, input_shape=SHAPE)


def test_progress_tells_what_is_done(trees, probes):
    told = []
    evidence.detect(*trees, probes, network=NETWORK, measures=("l2",), progress=lambda *each: told.append(each))
    assert told[:5] == [("loading", done, 4) for done in range(5)]
    assert told[-1] == ("scoring", 3, 3)


def test_each_file_is_read_once(folder, probes, untaught, monkeypatch, tmp_path):
    """Networks and probes alike, though features, weights and a detector all look at them."""
    from lineage_jax import data

    detector.save_detector(tmp_path / "detector", untaught)
    read = []
    for module, name in ((io, "load"), (data, "load_probes")):
        function = getattr(module, name)
        monkeypatch.setattr(module, name, lambda path, function=function: (read.append(path), function(path))[1])
    evidence.detect(
        folder / "parents", folder / "child", folder / "probes.npy", tmp_path / "detector", measures=("l2",)
    )
    wanted = [folder / "child", *sorted((folder / "parents").iterdir()), tmp_path / "detector", folder / "probes.npy"]
    assert read == wanted


def test_some_of_the_candidates_are_judged_as_if_they_were_all(trees):
    parents, child = trees
    measured = evidence.detect(parents, child).measured
    for names in (("parent-0", "parent-1"), ("parent-0", "parent-2")):
        alone = evidence.detect({name: parents[name] for name in names}, child)
        assert evidence.conclude(measured.select(names), parents, child) == alone.verdict


def test_files_of_no_known_architecture_say_why_only_weights_are_compared(tmp_path):
    for seed in (0, 1):
        converters.write(tmp_path / f"p{seed}.pt", network(seed))
    converters.write(tmp_path / "c.pt", network(9, like=network(1)))
    answer = evidence.detect([tmp_path / "p0.pt", tmp_path / "p1.pt"], tmp_path / "c.pt")
    assert answer.prediction == "p1"
    assert answer.compared == {"weights only": "p0.pt is of no known architecture"}
