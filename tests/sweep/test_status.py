"""Status tells how far a sweep is from what lies on disk, while it is written and after a kill."""

import errno
import fcntl
import json
import os
import threading

import numpy as np
import pytest

from lineage_jax import sweep
from lineage_jax.pairs import AtATime
from tests.sweep import kill_store

LABELS = {"parent": ["a", "b", "c"], "child": [f"child {k}" for k in range(7)], "layer": ["fc"]}


def opened(folder, **changes):
    return sweep.open_for_writing(folder, plan={}, labels=LABELS, blocks=AtATime(2, 3), described={}, **changes)


def write(store, i, j, failed=(), **measured):
    parents, children = store.names(i, j)
    values = np.zeros((len(parents), len(children), 1), np.float32)
    store.write(i, j, values, sweep.Record(failed=dict(failed)), **measured)


def said(folder, run, *lines, process=0):
    """Writes the log of a run by hand, with times of its own."""
    start = {"event": "start", "run": run, "process": process, "processes": 2, "pid": 1, "host": "h", "since": "then"}
    (folder / "runs" / f"{run}.{process}.jsonl").write_text(
        "".join(json.dumps({**start, **line} if not k else line) + "\n" for k, line in enumerate(lines))
    )


@pytest.fixture
def store(tmp_path):
    with opened(tmp_path, run="empty"):
        pass
    return tmp_path


def test_a_new_store_is_at_its_beginning(store):
    status = sweep.status(store)
    assert (status.blocks, status.done, status.pairs, status.pairs_done, status.complete) == (6, 0, 21, 0, False)
    assert (status.pairs_a_second, status.seconds_left, status.waiting, status.bound) == (None, None, None, None)
    assert (status.with_errors, status.errors, status.writers) == (0, {}, [])


def test_blocks_at_the_edge_count_their_own_pairs(store):
    with opened(store) as writing:
        write(writing, 0, 0)
        write(writing, 1, 2)
        status = sweep.status(store)
        assert status.writers == [str(writing.writer)]
        assert (status.done, status.pairs_done) == (2, 6 + 1)
        assert len(status.processes) == 2
    assert sweep.status(store).writers == []


def test_errors_are_grouped_by_reason(store):
    with opened(store) as writing:
        write(writing, 0, 0, failed={"child": {"child 1": "cut short", "child 0": "cut short"}})
        write(writing, 0, 1, failed={"child": {"child 4": "no such file"}, "parent": {"a": "cut short"}})
        write(writing, 1, 0)
    status = sweep.status(store)
    assert status.with_errors == 2
    assert status.errors == {
        "cut short": ["child 'child 0'", "child 'child 1'", "parent 'a'"],
        "no such file": ["child 'child 4'"],
    }


def test_the_rate_is_that_of_the_last_run_that_finished_a_block_its_processes_together(store):
    with opened(store) as writing:
        write(writing, 0, 0)
    said(store, "old", {"time": 10.0}, {"time": 20.0, "pairs": 1000})
    said(store, "new", {"time": 5e9}, {"time": 5e9 + 10, "pairs": 30})
    said(store, "new", {"time": 5e9 + 1}, {"time": 5e9 + 6, "pairs": 20}, {"event": "end", "time": 6e9}, process=1)
    said(store, "later", {"time": 7e9}, {"time": 8e9, "event": "end"})
    status = sweep.status(store)
    assert status.pairs_a_second == 5.0
    assert status.seconds_left == (21 - 6) / 5.0


@pytest.mark.parametrize(("waited", "bound"), [(1.0, "computing"), (9.0, "reading")])
def test_what_bounds_is_what_takes_more_time(store, waited, bound):
    with opened(store) as writing:
        write(writing, 0, 0, waited=waited, computed=2.0)
        write(writing, 0, 1, waited=waited, computed=4.0)
        write(writing, 1, 1)
    status = sweep.status(store)
    assert status.waiting == pytest.approx(2 * waited / (2 * waited + 6))
    assert status.bound == bound


def test_a_store_is_looked_at_while_it_is_written(tmp_path, caplog):
    said = threading.Event()
    writing = threading.Thread(
        target=kill_store.write_all, args=(tmp_path, 60), kwargs={"say": lambda what: said.set()}
    )
    writing.start()
    said.wait()
    done, shown = [], []
    while writing.is_alive():
        if (tmp_path / "scores.zarr").exists():
            shown.append(int(np.isfinite(sweep.open(tmp_path).isel(layer=0, alpha=0).values).sum()))
            done.append(sweep.status(tmp_path).pairs_done)
    assert done == sorted(done)
    assert all(pairs <= later for pairs, later in zip(shown, done, strict=True))
    assert sweep.status(tmp_path).complete
    assert caplog.text == ""


def test_lines_that_a_kill_has_cut_short_are_left_out(store):
    with opened(store, run="r") as writing:
        write(writing, 0, 0, waited=1.0, computed=1.0)
    with (store / "runs" / "r.0.jsonl").open("a") as log:
        log.write('{"time": 9e9, "pai')
    (store / "runs" / "k.0.jsonl").write_text('{"eve')
    (store / "runs" / "e.0.jsonl").write_text("")
    assert sweep.status(store).waiting == 0.5
    assert len(sweep.status(store).processes) == 2


def test_json_holds_a_status(store):
    with opened(store) as writing:
        write(writing, 0, 0, failed={"child": {"child 0": "cut short"}}, waited=1, computed=1)
    found = json.loads(json.dumps(sweep.status(store).as_dict()))
    assert found["done"] == 1
    assert found["complete"] is False
    assert found["bytes"] == sum(path.stat().st_size for path in store.rglob("*") if path.is_file())


def test_a_copy_of_a_store_that_nobody_ever_wrote_has_a_status(store):
    with opened(store) as writing:
        write(writing, 0, 0)
    for lock in store.glob("lock*"):
        lock.unlink()
    assert sweep.status(store).done == 1


def test_a_store_where_there_are_no_locks_has_a_status(store, monkeypatch, caplog):
    def fail(*_):
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(fcntl, "flock", fail)
    assert sweep.status(store).writers == []
    assert "it cannot be told whether a run writes" in caplog.text


def test_a_run_that_ends_with_an_error_says_so(store):
    def interrupted():
        with opened(store, run="bad"):
            raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        interrupted()
    lines = [json.loads(line) for line in (store / "runs" / "bad.0.jsonl").read_text().splitlines()]
    assert lines[-1]["error"] == "ValueError: broken"
    assert sweep.status(store).writers == []
