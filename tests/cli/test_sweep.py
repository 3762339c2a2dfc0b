"""The command sweeps, goes on, says what failed, and ends with the status that scripts expect."""

import errno
import json
import os
import shutil
import sys

import pytest

from lineage_jax import cli, sweep
from lineage_jax.io import _grid
from lineage_jax.pairs import AtATime
from lineage_jax.sweep import _setting
from tests.sweep import networks


@pytest.fixture(scope="module")
def family(tmp_path_factory):
    return networks.write_family(tmp_path_factory.mktemp("family"), parents=2, children_of_each=2, widths=(8,))


@pytest.fixture
def folder(tmp_path, family, monkeypatch):
    """A plan beside networks, compared in blocks of one child."""
    shutil.copytree(family, tmp_path, dirs_exist_ok=True)
    networks.write_plan(tmp_path, measures=["l1"], alphas=[0.0], probes={"noise": 4})
    monkeypatch.setattr(_setting.Setting, "blocks", lambda *_: AtATime(2, 1))
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def lineage_jax(capsys, monkeypatch):
    """Runs the command; returns its exit status and what it said."""

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["lineage-jax", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        out, err = capsys.readouterr()
        return ended.value.code or 0, out, err

    return run


def test_a_sweep_runs_and_is_gone_on_with(folder, lineage_jax):
    status, out, _ = lineage_jax("sweep", "plan.json", "--out", "store")
    assert (status, out.splitlines()[0]) == (0, "4 of 4 blocks are done: 8 of 8 pairs")
    assert lineage_jax("sweep", "plan.json", "--out", "store")[0] == 0
    assert sweep.open("store").notnull().all()


def test_the_status_comes_as_lines_and_as_json(folder, lineage_jax):
    lineage_jax("sweep", "plan.json", "--out", "store")
    status, out, _ = lineage_jax("sweep", "status", "store")
    assert status == 0
    assert "4 of 4 blocks are done" in out
    status, out, _ = lineage_jax("sweep", "status", "store", "--json")
    assert (status, json.loads(out)["pairs_done"]) == (0, 8)


def test_a_checkpoint_that_cannot_be_read_is_told_and_tried_again(folder, lineage_jax):
    damaged = folder / "children" / "c0-01" / "description" / "metadata"
    whole = damaged.read_bytes()
    damaged.write_bytes(b"x" + whole[1:])
    status, out, _ = lineage_jax("sweep", "plan.json", "--out", "store")
    assert status == 1
    assert "4 of 4 blocks are done" in out
    assert "no scores of child 'c0-01': checkpoint" in out
    damaged.write_bytes(whole)
    assert lineage_jax("sweep", "plan.json", "--out", "store")[0] == 1
    status, out, _ = lineage_jax("sweep", "plan.json", "--out", "store", "--retry-failed")
    assert (status, "no scores" in out) == (0, False)
    assert sweep.open("store").notnull().all()


def test_a_full_disk_ends_in_one_line_and_keeps_what_is_done(folder, lineage_jax, monkeypatch):
    def full(grid, place, values, write=_grid.write_chunk):
        if place[1] == 2:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "c.0.2")
        write(grid, place, values)

    with monkeypatch.context() as patched:
        patched.setattr("lineage_jax.io.write_chunk", full)
        status, _, err = lineage_jax("sweep", "plan.json", "--out", "store")
    assert status == 2
    assert "error: No space left on device" in err
    assert "What is done is kept: make room" in err
    assert sweep.status("store").done == 2
    assert lineage_jax("sweep", "plan.json", "--out", "store")[0] == 0


def test_ctrl_c_keeps_what_is_done(folder, lineage_jax, monkeypatch):
    def interrupted(grid, place, values, write=_grid.write_chunk):
        if place[1] == 1:
            raise KeyboardInterrupt
        write(grid, place, values)

    with monkeypatch.context() as patched:
        patched.setattr("lineage_jax.io.write_chunk", interrupted)
        assert lineage_jax("sweep", "plan.json", "--out", "store")[0] == 130
    assert sweep.status("store").done == 1


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["plan.json"], "Missing option '--out'"),
        (["nowhere.json", "--out", "s"], "error: No such file or directory: nowhere.json"),
        (["plan.json", "--out", "s", "--mesh", "children=3"], "error: expected a mesh of all devices"),
        (["plan.json", "--out", "s", "--mesh", "rows=3"], "error: expected a mesh such as children=4,probes=2"),
        (["plan.json", "--out", "s", "--processes", 2], "error: expected --coordinator, --processes and --process"),
        (["plan.json", "--out", "children"], "error: expected a store, a new folder or an empty one"),
        (["status", "children"], "error: expected the folder of a sweep"),
    ],
)
def test_bad_input_ends_in_one_line(folder, lineage_jax, arguments, said):
    status, _, err = lineage_jax("sweep", *arguments)
    assert status == 2
    assert said in err


def test_a_store_of_another_plan_is_refused_with_what_differs(folder, lineage_jax):
    lineage_jax("sweep", "plan.json", "--out", "store")
    networks.write_plan(folder, measures=["l2"], alphas=[0.0], probes={"noise": 4})
    status, _, err = lineage_jax("sweep", "plan.json", "--out", "store")
    assert status == 2
    assert 'measures[0] is "l2", and was "l1"' in err
