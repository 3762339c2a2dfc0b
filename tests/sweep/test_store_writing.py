"""A store keeps what is done, whatever ends a run, and takes nothing for done that is not."""

import contextlib
import errno
import os
import subprocess
import types
from pathlib import Path

import numpy as np
import pytest

from lineage_jax import io, sweep
from lineage_jax.io import _whole
from lineage_jax.pairs import AtATime
from tests.sweep import kill_store
from tests.sweep.stores import BLOCKS, LABELS, PLAN, SCORES, block_of, chunk, opened, places, write, write_all


def test_a_run_finds_what_is_done_and_what_failed(tmp_path):
    with opened(tmp_path) as store:
        assert (store.done, store.failed, store.grid) == (set(), {}, (2, 3))
        write(store, 0, 0)
        write(store, 1, 2, failed={"child": {"child 6": "cut short"}, "parent": {}})
        assert store.done == {(0, 0), (1, 2)}
    with opened(tmp_path) as again:
        assert again.done == {(0, 0), (1, 2)}
        assert again.failed == store.failed == {(1, 2): {"child": {"child 6": "cut short"}}}
        assert [list(names) for names in again.names(1, 2)] == [["中文"], ["child 6"]]
        write(again, 1, 2)
        assert again.failed == {}
    with opened(tmp_path) as once_more:
        assert once_more.failed == {}


def test_runs_of_one_plan_write_the_same_bytes_whatever_their_order(tmp_path):
    write_all(tmp_path / "a")
    write_all(tmp_path / "b", order=reversed)
    with opened(tmp_path / "c") as store:
        write(store, 1, 1, failed={"child": {"child 3": "cut short"}})  # and is mended later
        for place in places(store)[::2]:
            write(store, *place)
    for process in (1, 0):
        with opened(tmp_path / "c", run="r", process=process, processes=2) as store:
            for place in places(store)[process::2]:
                write(store, *place)
    assert (
        kill_store.lasting(tmp_path / "a") == kill_store.lasting(tmp_path / "b") == kill_store.lasting(tmp_path / "c")
    )
    assert len(kill_store.lasting(tmp_path / "a")) > 6 * 2 + 5


def test_the_order_of_keys_in_a_plan_makes_no_difference(filled):
    with opened(filled, plan=dict(reversed(PLAN.items()))) as store:
        assert len(store.done) == 6


def test_a_store_keeps_its_blocks(filled):
    with opened(filled, blocks=AtATime(1, 1)) as store:
        assert store.blocks == BLOCKS


def test_blocks_may_be_larger_than_all_there_is(tmp_path):
    with opened(tmp_path, blocks=AtATime(64, 64)) as store:
        assert store.grid == (1, 1)
        store.write(0, 0, SCORES, sweep.Record())
    np.testing.assert_array_equal(sweep.open(tmp_path).values, SCORES)


@pytest.mark.parametrize("record", [b"", b'{"failed": {', b"[]", b'{"failed": [1]}', b"{}", b"\xff", b'{"other": {}}'])
def test_a_record_that_cannot_be_read_makes_nothing_done(filled, caplog, record):
    (filled / "blocks" / "1-0.json").write_bytes(record)
    assert not sweep.open(filled).attrs["complete"]
    assert sweep.status(filled).done == 5
    with opened(filled) as store:
        assert set(places(store)) - store.done == {(1, 0)}
        assert "1-0.json is damaged" in caplog.text
        write(store, 1, 0)
    np.testing.assert_array_equal(sweep.open(filled).values, SCORES)


@pytest.mark.parametrize("damage", ["missing", "empty", "short"])
def test_a_block_without_its_whole_chunk_is_not_done(filled, caplog, damage):
    path = chunk(filled, 1, 2)
    path.unlink() if damage == "missing" else os.truncate(path, 0 if damage == "empty" else 10)
    scores = sweep.open(filled)
    assert not scores.attrs["complete"]
    assert np.isnan(scores.values).sum() == block_of(1, 2).size
    with opened(filled) as store:
        assert set(places(store)) - store.done == {(1, 2)}
        assert "1 blocks of" in caplog.text
        write(store, 1, 2)
    np.testing.assert_array_equal(sweep.open(filled).values, SCORES)


def test_sums_that_cannot_be_read_are_not_known_and_scores_stay(filled, caplog):
    (filled / "networks" / "parent-1.json").write_text("{")
    scores = sweep.open(filled)
    assert scores.parent_sha256.values.tolist() == ["anna!", "bert!", ""]
    assert "parent-1.json is damaged" in caplog.text
    np.testing.assert_array_equal(scores.values, SCORES)
    with opened(filled) as store:
        assert len(store.done) == 6
        write(store, 1, 0)
    assert sweep.open(filled).parent_sha256.values.tolist() == ["anna!", "bert!", "中文!"]


def test_what_a_killed_run_has_left_is_removed_before_anything_is_written(filled):
    left = ["blocks/0-0.json.12.partial", "networks/child-0.json.12.partial", "scores.zarr/score/c.0.0.0.12.partial"]
    for name in left:
        (filled / name).write_text("half")
    (filled / "scores.zarr.unfinished-12").mkdir()
    (filled / "scores.zarr.unfinished-12" / "grid").write_text("half")
    with opened(filled) as store:
        assert len(store.done) == 6
        assert not [name for name in (*left, "scores.zarr.unfinished-12") if (filled / name).exists()]


def test_what_another_process_of_the_run_is_writing_is_left_alone(filled):
    with opened(filled, run="r", process=0, processes=2):
        (filled / "blocks" / "0-0.json.12.partial").write_text("half")
        with opened(filled, run="r", process=1, processes=2):
            assert (filled / "blocks" / "0-0.json.12.partial").exists()


def test_a_store_that_was_begun_and_not_made_is_made(tmp_path):
    for name in ("blocks", "networks", "scores.zarr.unfinished-1"):
        (tmp_path / name).mkdir()
    for name in ("lock", "lock.0"):
        (tmp_path / name).touch()
    write_all(tmp_path)
    np.testing.assert_array_equal(sweep.open(tmp_path).values, SCORES)


def test_a_record_comes_last_and_sums_come_first(tmp_path, monkeypatch):
    named, replace = [], Path.replace
    with opened(tmp_path) as store:
        monkeypatch.setattr(Path, "replace", lambda path, to: (named.append(to.parent.name), replace(path, to))[1])
        write(store, 0, 0)
        write(store, 0, 0)
    assert named == ["networks", "networks", "score", "blocks", "score", "blocks"]


# --- a disk that is full, and a process that is killed ---------------------------------------------------------------


def check_after_full_disk(folder, error, written):
    assert error.errno == errno.ENOSPC
    assert "\n" not in str(error)
    assert "blocks that are not done here take" in str(error)
    assert "What is done is kept: make room, run again" in str(error)
    assert not [path for path in folder.rglob("*") if path.name.endswith(io.PARTIAL)]
    assert sweep.status(folder).done == len(written)
    scores = sweep.open(folder)
    for i, j in written:
        np.testing.assert_array_equal(block_of(i, j, scores.values), block_of(i, j))


@pytest.mark.parametrize("ends_at", ["networks", "score", "blocks"])
def test_a_full_disk_at_any_file_is_told_and_keeps_what_is_done(tmp_path, monkeypatch, ends_at):
    with opened(tmp_path) as store:
        write(store, 0, 0)

        def fsync(descriptor):
            if ends_at in os.readlink(f"/proc/self/fd/{descriptor}"):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        with monkeypatch.context() as patched:
            patched.setattr(_whole, "os", types.SimpleNamespace(**{**vars(os), "fsync": fsync}))
            with pytest.raises(OSError, match="No space left on device: block") as caught:
                write(store, 1, 1)
        check_after_full_disk(tmp_path, caught.value, [(0, 0)])
        write(store, 1, 1)
    with opened(tmp_path) as again:
        assert again.done == {(0, 0), (1, 1)}


@pytest.fixture
def small_disk(tmp_path):
    """A disk of its own with 600 kB."""
    (tmp_path / "disk").mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=600k", "tmpfs", str(tmp_path / "disk")]
    with contextlib.suppress(FileNotFoundError):
        if subprocess.run(command, capture_output=True).returncode == 0:
            yield tmp_path / "disk"
            subprocess.run(["umount", "--lazy", str(tmp_path / "disk")], check=True)
            return
    pytest.skip("needs the right to mount a small disk")


def test_a_small_disk_that_fills_up_keeps_what_is_done(small_disk):
    labels = {**LABELS, "layer": [f"layer {k}" for k in range(1000)]}
    scores = np.random.default_rng(0).normal(size=(3, 7, 1000, 2, 2, 2)).astype(np.float32)
    written = []

    def write_until_full(store):
        for place in places(store):
            write(store, *place, scores)
            written.append(place)

    with opened(small_disk / "store", labels=labels) as store:
        with pytest.raises(OSError, match="No space left on device: block") as caught:
            write_until_full(store)
        assert 0 < len(written) < 6
        assert "takes 192,004 bytes" in str(caught.value)
        assert not [path for path in small_disk.rglob("*") if path.name.endswith(io.PARTIAL)]
    with opened(small_disk / "store", labels=labels) as again:
        assert again.done == set(written)
    opened_scores = sweep.open(small_disk / "store").values
    for place in written:
        np.testing.assert_array_equal(block_of(*place, opened_scores), block_of(*place, scores))


def test_a_disk_without_room_for_a_store_is_told(small_disk):
    labels = {**LABELS, "child": [f"child {'x' * 100} {k}" for k in range(10_000)]}
    with (
        pytest.raises(OSError, match=r"expected a folder for the store .*: No space left on device.*make room or"),
        opened(small_disk / "store", labels=labels),
    ):
        pass


def test_a_run_that_is_killed_while_it_writes_loses_nothing(tmp_path):
    kill_store.study(tmp_path, moments=3, longest=0.05, children=100, seed=0)
