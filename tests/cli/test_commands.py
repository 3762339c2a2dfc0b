"""The command names parents, and bad input ends in one line and exit status 2."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lineage_jax import cli, data, models, population
from lineage_jax.evidence import _probes


@pytest.fixture(scope="module")
def family(tmp_path_factory):
    """Three parents and two children each, trained on real digits and saved as single checkpoints."""
    folder = tmp_path_factory.mktemp("family")
    train, test = data.digits()
    settings = population.FamilySettings(
        num_parents=3,
        children_per_parent=2,
        pretraining=population.TrainingSettings(steps=100),
        finetuning=population.TrainingSettings(steps=60),
    )
    network = models.fc(num_classes=10, widths=(32, 16))
    made = population.make_family(network, train, train, settings=settings)
    for group in (made.parents, made.children):
        for name in group.names:
            models.save_network(folder / name, network, group[name], input_shape=(8, 8, 1))
    np.save(folder / "probes.npy", data.probes(test, 64, seed=0))
    other = models.convnet(num_classes=10)
    models.save_network(
        folder / "convnet", other, models.init(other, jax.random.key(0), (8, 8, 1)), input_shape=(8, 8, 1)
    )
    return folder, made.truth


def run(capsys, monkeypatch, *arguments):
    monkeypatch.setattr(sys, "argv", ["lineage-jax", *map(str, arguments)])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    captured = capsys.readouterr()
    return ended.value.code or 0, captured.out, captured.err


def arguments(folder, child, **options):
    parents = options.pop("parents", [folder / f"parent-{i}" for i in range(3)])
    given = {"--child": [folder / child], "--probes": [folder / "probes.npy"]} | options
    return ["detect", "--parents", *parents, *(part for option, values in given.items() for part in (option, *values))]


def test_every_child_finds_its_parent(family, capsys, monkeypatch):
    folder, truth = family
    for child, parent in truth.items():
        status, out, _ = run(capsys, monkeypatch, *arguments(folder, child), "--json")
        assert status == 0
        assert json.loads(out)["prediction"] == parent


def test_the_table_shows_scores_margin_and_prediction(family, capsys, monkeypatch):
    folder, truth = family
    status, out, _ = run(capsys, monkeypatch, *arguments(folder, "child-03"))
    assert status == 0
    for word in ("prediction", "margin", "l1 direct", "cka taylor 0.3", "cka exact 0.3", "weight cosine", "64 probes"):
        assert word in " ".join(out.split())
    assert f"child-03 is related to {truth['child-03']}: centred kernel cosine" in out
    assert out.strip().endswith(f"10 of 10 approximated scores of features name {truth['child-03']}.")


def test_json_holds_every_score(family, capsys, monkeypatch):
    folder, _ = family
    given = arguments(folder, "child-00", **{"--measure": ["l2", "dc"], "--alpha": ["0", "0.5"]})
    _, out, _ = run(capsys, monkeypatch, *given, "--json")
    answer = json.loads(out)
    kinds = [row["score"] for row in answer["scores"]]
    assert kinds == [
        *("l2 direct", "l2 taylor 0", "l2 taylor 0.5", "l2 exact 0", "l2 exact 0.5"),
        *("dc direct", "dc taylor 0", "dc taylor 0.5", "dc exact 0", "dc exact 0.5"),
        *("weight l2", "weight cosine", "weight information"),
    ]
    assert answer["probes"] == {"count": 64, "source": str(folder / "probes.npy")}
    first, second = answer["scores"][:2]
    assert first["by parent"].keys() == {"parent-0", "parent-1", "parent-2"}
    np.testing.assert_allclose(list(first["by parent"].values()), list(second["by parent"].values()), rtol=1e-5)
    ordered = sorted(first["by parent"], key=first["by parent"].get, reverse=True)
    assert first["ranking"] == ordered


def test_without_probes_noise_is_used_and_said(family, capsys, monkeypatch):
    folder, _ = family
    given = ["detect", "--parents", folder / "parent-0", folder / "parent-1", "--child", folder / "child-00", "--json"]
    status, out, err = run(capsys, monkeypatch, *given)
    assert status == 0
    assert json.loads(out)["probes"] == {"count": 256, "source": "standard-normal noise"}
    assert "no --probes given" in err


def refused(capsys, monkeypatch, message, *given):
    status, out, err = run(capsys, monkeypatch, *given)
    assert status == 2
    assert out == ""
    errors = [line for line in err.splitlines() if line.startswith("error:")]
    assert len(errors) == 1
    assert message in errors[0]


def test_bad_input_ends_in_one_line(family, capsys, monkeypatch, tmp_path):
    folder, _ = family

    def check(message, child="child-00", **options):
        refused(capsys, monkeypatch, message, *arguments(folder, child, **options))

    check("nowhere, where there is nothing", parents=[folder / "nowhere"])
    check("unknown measure 'l7'; those that exist: l1, l2, lp", **{"--measure": ["l7"]})
    check("expected finite alphas >= 0", **{"--alpha": ["-0.5"]})


def test_broken_probes_end_in_one_line(family, capsys, monkeypatch, tmp_path):
    folder, _ = family
    for name, array, message in (
        ("shape", np.ones((4, 5, 5, 1), np.float32), "expected probes of shape [n, 8, 8, 1], got (4, 5, 5, 1)"),
        ("nan", np.full((4, 8, 8, 1), np.nan, np.float32), "NaN"),
        ("empty", np.ones((0, 8, 8, 1), np.float32), "expected at least one probe"),
    ):
        np.save(tmp_path / f"{name}.npy", array)
        refused(
            capsys, monkeypatch, message, *arguments(folder, "child-00", **{"--probes": [tmp_path / f"{name}.npy"]})
        )
    refused(capsys, monkeypatch, "none.npy", *arguments(folder, "child-00", **{"--probes": [tmp_path / "none.npy"]}))


def test_a_checkpoint_cut_short_is_refused_and_left_as_it_was(family, capsys, monkeypatch, tmp_path):
    folder, _ = family
    broken = tmp_path / "broken"
    shutil.copytree(folder / "parent-1", broken)
    largest = max((path for path in broken.rglob("*") if path.is_file()), key=lambda path: path.stat().st_size)
    largest.write_bytes(largest.read_bytes()[:-20])
    before = {path: path.read_bytes() for path in broken.rglob("*") if path.is_file()}
    refused(capsys, monkeypatch, "broken", *arguments(folder, "child-00", parents=[broken]))
    refused(capsys, monkeypatch, "broken", "detect", "--parents", folder / "parent-0", "--child", broken)
    assert {path: path.read_bytes() for path in broken.rglob("*") if path.is_file()} == before


def test_demo_refuses_a_folder_that_exists_before_any_work(capsys, monkeypatch, tmp_path):
    refused(capsys, monkeypatch, "which exists: choose another", "demo", "--save", tmp_path)


def test_demo_names_the_parents_and_its_networks_can_be_detected(capsys, monkeypatch, tmp_path):
    folder = tmp_path / "saved"
    monkeypatch.setattr(cli._demo, "LEARNED_FROM", (1, 2))  # half of the families, each of which takes seconds
    status, out, _ = run(capsys, monkeypatch, "demo", "--save", folder)
    assert status == 0
    assert int(re.search(r"(\d+) of 20 parents named rightly", out).group(1)) >= 19
    assert "direct comparison and approximation" in out
    assert "A detector that learned from 40 children of other parents names 20." in out
    assert len(list(folder.iterdir())) == 27
    given = arguments(folder, "child-19", parents=sorted(folder.glob("parent-*")))
    status, out, _ = run(capsys, monkeypatch, *given, "--detector", folder / "detector", "--json")
    assert json.loads(out)["prediction"] == "parent-4"
    assert json.loads(out)["named by"]["decided by"] == "detector"


def test_a_fault_of_the_program_ends_with_status_one(family):
    folder, _ = family
    script = (
        "import sys; from lineage_jax import cli, evidence\n"
        "def broken(*_, **__): raise RuntimeError('a fault')\n"
        "evidence.detect = broken\n"
        f"sys.argv = 'lineage-jax detect --parents {folder}/parent-0 {folder}/parent-1 --child x'.split()\n"
        "cli.main()\n"
    )
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert ended.returncode == 1
    assert "a fault" in ended.stderr


def test_the_installed_command_answers():
    command = Path(sys.executable).parent / "lineage-jax"
    ended = subprocess.run([command, "--help"], capture_output=True, text=True, check=False)
    assert ended.returncode == 0
    assert "detect" in ended.stdout
    missing = subprocess.run([command, "detect"], capture_output=True, text=True, check=False)
    assert missing.returncode == 2


def test_noise_follows_the_input_shape_of_the_parents(family, capsys):
    folder, _ = family
    images = _probes.draw_noise(models.load_network(folder / "parent-0").input_shape).inputs
    assert images.shape == (256, 8, 8, 1)
    assert jnp.isfinite(images).all()


def test_fewer_images_of_noise_are_drawn_where_they_are_large():
    images = _probes.draw_noise((224, 224, 3)).inputs
    assert images.shape == (20, 224, 224, 3)


def test_without_probes_networks_of_large_images_are_compared_by_weights_alone(tmp_path, capsys, monkeypatch):
    network = models.fc(5, widths=(8,))
    made = {name: models.init(network, jax.random.key(seed), (2, 70, 1)) for seed, name in enumerate(("anna", "bert"))}
    made["carl"] = jax.tree.map(lambda leaf: 1.1 * leaf, made["bert"])
    for name, variables in made.items():
        models.save_network(tmp_path / name, network, variables, input_shape=(2, 70, 1))
    given = ["detect", "--parents", tmp_path / "anna", tmp_path / "bert", "--child", tmp_path / "carl", "--json"]
    status, out, err = run(capsys, monkeypatch, *given)
    answer = json.loads(out)
    assert (status, answer["prediction"], "probes" in answer) == (0, "bert", False)
    assert (
        answer["weights only"]
        == "no --probes are given, and features on noise of 2 x 70 would take long and decide nothing"
    )
    assert answer["weights only"] in err
