"""One run writes a store at a time, of one process or several; a run that ends in whatever way lets go of it."""

import errno
import fcntl
import json
import os
import re
import socket
import threading

import numpy as np
import pytest

from lineage_jax import sweep
from lineage_jax.pairs import AtATime
from lineage_jax.sweep import _lock

LABELS = {"parent": ["a", "b"], "child": ["c"], "layer": ["fc"]}


def opened(folder, **changes):
    return sweep.open_for_writing(folder, plan={}, labels=LABELS, blocks=AtATime(1, 1), described={}, **changes)


def written(store, i):
    store.write(i, 0, np.ones((1, 1, 1), np.float32), sweep.Record())


def test_another_run_is_kept_out_and_told_who_writes(tmp_path):
    with opened(tmp_path, run="first"):
        who = rf"pid {os.getpid()} on {re.escape(socket.gethostname())}, since 2"
        said = rf"is written by process 0 of 1 of run first \({who}"
        with pytest.raises(BlockingIOError, match=said), opened(tmp_path):
            pass
    with opened(tmp_path, run="second") as store:
        assert store.writer.run == "second"


def test_a_message_of_the_lock_is_one_line_with_what_to_do(tmp_path):
    with opened(tmp_path), pytest.raises(BlockingIOError) as caught, opened(tmp_path):
        pass
    assert "\n" not in str(caught.value)
    assert "wait for it, or end it, and run again" in str(caught.value)


def test_processes_of_one_run_write_side_by_side(tmp_path):
    with opened(tmp_path, run="r", process=0, processes=2) as first:
        written(first, 0)
        with opened(tmp_path, run="r", process=1, processes=2) as second:
            assert second.done == {(0, 0)}
            written(second, 1)
            written(first, 0)
            assert len(sweep.status(tmp_path).writers) == 2
    assert sweep.open(tmp_path).attrs["complete"]


def test_one_process_of_a_run_is_there_once(tmp_path):
    with (
        opened(tmp_path, run="r", process=1, processes=2),
        pytest.raises(BlockingIOError, match="process 1 of 2 of run r"),
        opened(tmp_path, run="r", process=1, processes=2),
    ):
        pass


def test_a_process_that_outlived_its_run_keeps_every_process_of_another_out(tmp_path):
    with opened(tmp_path, run="old", process=1, processes=2):
        for process in (0, 1):
            with (
                pytest.raises(BlockingIOError, match="process 1 of 2 of run old"),
                opened(tmp_path, run="new", process=process, processes=2),
            ):
                pass
        with pytest.raises(BlockingIOError, match="process 1 of 2 of run old"), opened(tmp_path):
            pass


def test_of_runs_that_start_at_once_one_gets_in(tmp_path):
    entered, refused, everyone = [], [], threading.Barrier(6)

    def start(number):
        everyone.wait()
        try:
            with opened(tmp_path / "store", run=f"r{number % 3}", process=number // 3, processes=2) as store:
                entered.append(store.writer.run)
                finished.wait(20)
        except BlockingIOError:
            refused.append(number)
        if len(entered) + len(refused) == 6:
            finished.set()

    finished = threading.Event()
    threads = [threading.Thread(target=start, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    while len(entered) + len(refused) < 6 and any(thread.is_alive() for thread in threads):
        finished.wait(0.01)
    finished.set()
    for thread in threads:
        thread.join()
    assert len(set(entered)) == 1
    assert len(entered) + len(refused) == 6


def test_a_lock_that_nobody_holds_keeps_nobody_out(tmp_path):
    with opened(tmp_path):
        pass
    (tmp_path / "lock.7").write_text(json.dumps({"run": "killed"}))
    (tmp_path / "lock.8").write_text("{")
    with opened(tmp_path):
        pass


def test_a_child_that_was_forked_does_not_keep_the_lock_of_a_run_that_has_ended(tmp_path):
    with opened(tmp_path):
        lock = next(d for d in os.listdir("/proc/self/fd") if _link(d) == str(tmp_path / "lock.0"))
        inherited = os.dup(int(lock))  # what a fork leaves in the child
    try:
        with opened(tmp_path):
            pass
    finally:
        os.close(inherited)


def _link(descriptor):
    try:
        return os.readlink(f"/proc/self/fd/{descriptor}")
    except FileNotFoundError:
        return ""


def test_a_lock_that_says_nothing_keeps_others_out_all_the_same(tmp_path):
    with opened(tmp_path):
        (tmp_path / "lock.0").write_text("")
        with pytest.raises(BlockingIOError, match=r"of run \? \(pid 0 on \?"), opened(tmp_path):
            pass


def test_looking_at_a_store_keeps_no_run_out(tmp_path):
    with opened(tmp_path):
        pass
    with _lock.gate(tmp_path, shared=True), _lock.gate(tmp_path, shared=True):
        assert _lock.writers(tmp_path) == []
    with opened(tmp_path):
        assert sweep.status(tmp_path).writers


def test_a_gate_that_stays_shut_is_told(tmp_path, monkeypatch):
    monkeypatch.setattr(_lock, "PATIENCE", 0.0)
    tmp_path.joinpath("lock").touch()
    with (tmp_path / "lock").open("rb") as stopped:
        fcntl.flock(stopped, fcntl.LOCK_SH)
        said = r"expected other processes to let go of .*lock within 0 s"
        with pytest.raises(BlockingIOError, match=said), opened(tmp_path):
            pass


def test_a_file_system_without_locks_is_told(tmp_path, monkeypatch):
    def fail(*_):
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(_lock.fcntl, "flock", fail)
    with (
        pytest.raises(OSError, match=r"expected a file system with locks \(flock\), got .*keep the store elsewhere"),
        opened(tmp_path),
    ):
        pass


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"process": 2, "processes": 2, "run": "r"}, "expected a process of 0 to 1, got 2"),
        ({"processes": 2}, "expected an identity that the 2 processes of the run share"),
        ({"run": "a/b"}, "expected an identity of letters and digits, got 'a/b'"),
    ],
)
def test_processes_that_cannot_be_told_apart_are_refused(tmp_path, changes, said):
    with pytest.raises(ValueError, match=said), opened(tmp_path / "new", **changes):
        pass
    assert not list(tmp_path.iterdir())
