"""Errors of the system and missing packages end in one line, and before the work; other trainers' folders are read."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import converters
from lineage_jax import checkpoints, data, io, population
from lineage_jax.cli import _destination
from tests.cli.test_commands import refused, run

ROOT = Path(__file__).parent.parent
LONG = "a" * 240
"""A name that a file system takes, but not with what is put behind it while a folder is unfinished."""


@pytest.fixture
def file(tmp_path):
    converters.write(tmp_path / "a.pth", {"fc.weight": np.eye(3, dtype=np.float32)})
    return tmp_path / "a.pth"


@pytest.fixture
def busy(monkeypatch):
    """Fails where minutes of work would start."""

    def work(*arguments, **options):
        raise AssertionError("the work has started")

    monkeypatch.setattr(population, "make_family", work)
    monkeypatch.setattr(data, "load_probes", work)
    monkeypatch.setattr(converters, "read", work)


def places(tmp_path, file):
    """Destinations that cannot be made, and why."""
    yield tmp_path / LONG, "File name too long"
    yield tmp_path / "a" / ("b" * 300) / "c", "File name too long"
    yield file / "x", "Not a directory"
    yield Path("/proc/none/x"), "No such file or directory"
    yield file, "exists: choose another"


def test_destinations_are_refused_before_the_work(file, tmp_path, capsys, monkeypatch, busy):
    (tmp_path / "family").mkdir()
    for place, reason in places(tmp_path, file):
        for command in (
            ["demo", "--save", place],
            ["train-detector", "--family", tmp_path / "family", "--probes", "p.npy", "--out", place],
            ["convert", file, "--out", place],
            ["export", tmp_path / "family", "--out", place],
        ):
            refused(capsys, monkeypatch, reason, *command)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.pth", "family"]


def test_a_full_disk_is_noticed_before_the_work(file, tmp_path, capsys, monkeypatch, busy):
    def full(path, content):
        raise OSError(28, "No space left on device", str(path))

    monkeypatch.setattr(_destination.Path, "write_bytes", full)
    said = (
        f"expected a checkpoint folder that can be made, got {tmp_path / 'x'}: No space left on device; choose another"
    )
    refused(capsys, monkeypatch, said, "convert", file, "--out", tmp_path / "x")
    assert list(tmp_path.iterdir()) == [file]


def test_nothing_is_left_of_a_destination_that_can_be_made(tmp_path):
    _destination.check_destination(tmp_path / "a" / "b" / "c", "folder")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (PermissionError(13, "Permission denied", "a.pth"), "error: Permission denied: a.pth"),
        (OSError(36, "File name too long", "b" * 9), "error: File name too long: bbbbbbbbb"),
        (OSError(5, "Input/output error"), "error: Input/output error"),
        (OSError("two\nlines"), "error: two lines"),
        (IsADirectoryError(21, "Is a directory", "/tmp"), "error: Is a directory: /tmp"),
        (ModuleNotFoundError("No module named 'h5py'", name="h5py"), "pip install 'lineage-jax[hdf5]'"),
    ],
)
def test_errors_of_the_system_end_in_one_line_on_every_command(file, capsys, monkeypatch, error, said):
    def fail(*arguments, **options):
        raise error

    monkeypatch.setattr(converters, "read", fail)
    for name in ("b.pth", "c.pth"):
        file.with_name(name).write_bytes(file.read_bytes())
    for command in (
        ["inspect", file],
        ["convert", file, "--out", "x"],
        ["detect", "--parents", file.with_name("b.pth"), file.with_name("c.pth"), "--child", file],
    ):
        refused(capsys, monkeypatch, said, *command)


def test_a_fault_of_the_program_is_no_missing_package(monkeypatch):
    fault = ModuleNotFoundError("No module named 'lineage'", name="lineage")
    with pytest.raises(ModuleNotFoundError):
        checkpoints.in_one_line(fault)


def test_an_interrupted_command_ends_quietly(file, capsys, monkeypatch):
    def interrupt(*arguments, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr(converters, "read", interrupt)
    assert run(capsys, monkeypatch, "inspect", file) == (130, "", "")


def test_the_demo_names_the_extra_it_needs_where_only_the_library_is_installed(tmp_path):
    """The packages of the extras are hidden, as after `pip install .`."""
    hidden = "import sys; sys.modules.update(dict.fromkeys(('sklearn', 'matplotlib', 'ml_collections', 'h5py')));"
    given = ["lineage-jax", "demo", "--save", str(tmp_path / "a")]
    script = f"{hidden} from lineage_jax.cli import main; sys.argv = {given}; main()"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, cwd=ROOT)
    lines = [line for line in done.stderr.splitlines() if line.startswith("error:")]
    assert (done.returncode, len(lines)) == (2, 1), done.stderr
    assert "Traceback" not in done.stderr
    assert "scikit-learn: pip install 'lineage-jax[experiments]'" in lines[0]
    assert not os.path.lexists(tmp_path / "a")


def test_a_checkpoint_of_another_trainer_is_inspected_detected_and_converted(tmp_path, capsys, monkeypatch):
    import optax
    import orbax.checkpoint as ocp
    from flax.training import train_state

    rng = np.random.default_rng(0)
    draw = lambda: {"conv": {"kernel": rng.normal(size=(3, 3, 4, 8)).astype(np.float32)}}
    parents = {name: draw() for name in ("one", "two")}
    child = {"conv": {"kernel": parents["two"]["conv"]["kernel"] + 0.1 * draw()["conv"]["kernel"]}}
    with ocp.StandardCheckpointer() as checkpointer:
        for name, params in (*parents.items(), ("child", child)):
            state = train_state.TrainState.create(apply_fn=None, tx=optax.adam(0.1), params=params)
            checkpointer.save(tmp_path / name, state)
            checkpointer.wait_until_finished()
    _, out, _ = run(capsys, monkeypatch, "inspect", tmp_path / "one", "--json")
    said = json.loads(out)
    assert (said["container"], said["tensors"].keys()) == ("orbax", {"params/conv/kernel"})
    given = "--parents", tmp_path / "one", tmp_path / "two", "--child", tmp_path / "child", "--json"
    _, out, _ = run(capsys, monkeypatch, "detect", *given)
    assert json.loads(out)["prediction"] == "two"
    assert run(capsys, monkeypatch, "convert", tmp_path / "one", "--out", tmp_path / "own")[0] == 0
    tree, description = io.load(tmp_path / "own")
    assert tree["params"]["conv"]["kernel"].shape == (3, 3, 4, 8)
    assert description["tree of"] == "one"
