"""Names after laundering: the study in smoke mode, its bookkeeping, and what its results promise."""

import json

import pytest

from experiments.evidence import naming, naming_published, naming_table
from experiments.evidence.statistics import packed, unpacked
from experiments.lab import published
from lineage_jax import checkpoints, evidence
from lineage_jax.evidence import KIN

RESULTS = json.loads(naming_table.RESULTS.read_text())["runs"]


@pytest.mark.data
def test_the_experiment_resumes_and_prints_its_tables(tmp_path, monkeypatch, data_folder, capsys):
    monkeypatch.setenv("LINEAGE_DATA", str(data_folder))
    monkeypatch.setattr("sys.argv", ["naming", "--mode", "smoke", "--out", str(tmp_path)])
    naming.main()
    found = (tmp_path / "naming-smoke.json").read_text()
    assert naming_table.tables(json.loads(found)["runs"])[0] in capsys.readouterr().out
    naming.main()
    assert "1/3" not in capsys.readouterr().out
    assert (tmp_path / "naming-smoke.json").read_text() == found
    for record in json.loads(found)["runs"].values():
        children = unpacked(record["children"])
        assert children["in place"].tolist() == children["parent"].tolist() == [0, 1]


def test_answers_that_differ_are_counted_beside_those_that_are_right():
    columns = {"parent": [0, 1, 2, 3], "cosine": [0.9, 0.8, 0.1, 0.7], "in place": [0, 1, 2, 0]}
    record = {"children": packed(columns | {"laundered": [0, 2, -1, 3]})}
    rows = naming_table.names({"fc, one start, 0": record}).splitlines()
    assert rows[2] == "| fc | one start | laundered | 4 | 3 | 2 | -25.0 | 3 |"
    assert rows[-1] == "| all | cosine ≥ 0.35 | laundered | 3 | 2 | 2 | +0.0 | 2 |"


def test_files_are_strangers_unless_their_authors_say_otherwise():
    tuned, baseline = "outlier_exposure_mnist/oe_tune_epoch_4", "outlier_exposure_mnist/baseline_epoch_9"
    assert naming_published.documented(tuned, baseline) == "relatives"
    assert naming_published.documented(tuned, "convex_adversarial/mnist") == "strangers"
    assert naming_published.documented("cifar_resnet/resnet20-12fca82f", "convex_adversarial/mnist") == "strangers"


def test_the_readme_shows_the_tables_of_the_results():
    readme = (naming_table.RESULTS.parent.parent / "README.md").read_text()
    for each in naming_table.tables(RESULTS):
        assert each in readme


def test_within_reach_as_many_parents_are_named_laundered_as_before():
    rows = [
        row.split(" | ") for row in naming_table.names(RESULTS).splitlines() if f"cosine ≥ {naming_table.NEAR}" in row
    ]
    assert [row[2] for row in rows] == ["laundered", "turned"]
    assert all(float(row[6]) >= -0.5 for row in rows)


def test_no_published_stranger_is_accused_laundered_and_every_relative_is_found():
    for name, pair in RESULTS["published"]["pairs"].items():
        if "laundered" in pair:
            assert (pair["laundered"][1] in KIN) == (pair["documented"] == "relatives"), name


@pytest.mark.data
@pytest.mark.parametrize("name", ["outlier_exposure_mnist/oe_tune_epoch_4", "face_detector_rfb/rfb-epoch-100"])
def test_files_are_laundered_with_a_program_and_without_one(name, monkeypatch, data_folder):
    monkeypatch.setenv("LINEAGE_DATA", str(data_folder))
    network = checkpoints.load(published.files([name.partition("/")[0]])[name])
    laundered = naming_published.laundered(network, 1)
    found = evidence.verify(laundered, {name: network}).findings[name]
    assert (found.is_kin, found.aligned) == (True, True)
