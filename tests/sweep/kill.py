"""Kills sweeps at random moments, goes on with them, and looks whether anything is lost: `python -m tests.sweep.kill`.

A sweep of many small blocks runs as a process of its own, or as two that share it. One process is ended by `kill -9` at
a random moment, or as soon as a file is seen half-written; of two, the other goes on to its own end. The same command
then goes on with what is there. Once it has come to its end, the store must be that of a sweep that was never killed,
file by file, but for what runs say of themselves; no block that was on disk when a run began may be in that run's log.
Networks are being read at almost any moment.

--moments N   kills, half of them of one of two processes (default 20)
--seed S      of the moments (default 0)
"""

import argparse
import collections
import json
import os
import random
import signal
import tempfile
import time
from pathlib import Path

from tests.sweep import networks

APART = ("runs", "lock")
"""What may differ between two stores: what runs say of themselves, and locks."""


def contents(store):
    """Returns the bytes of every file of a store that says what it holds."""
    files = [path for path in sorted(store.rglob("*")) if path.is_file()]
    named = {path.relative_to(store).as_posix(): path for path in files}
    return {name: path.read_bytes() for name, path in named.items() if not name.startswith(APART)}


def done(store):
    """Returns the names of the blocks that are on disk."""
    return {path.stem for path in (store / "blocks").glob("*.json")}


def written(store):
    """Returns by run's file the blocks that the run says it has written."""
    said = {}
    for path in (store / "runs").glob("*.jsonl"):
        lines = [json.loads(line) for line in path.read_text().splitlines() if line.endswith("}")]
        said[path.name] = ["-".join(map(str, line["block"])) for line in lines if "block" in line]
    return said


def half_written(store):
    """Says whether there is a file that is not under its name yet."""
    folders = (store / "scores.zarr" / "score", store / "blocks", store / "networks")
    return any(".partial" in name for folder in folders for name in os.listdir(folder))


class Sweep:
    """A store, the command that fills it, and what was on disk when each of its runs began."""

    def __init__(self, plan, store):
        self.plan, self.store = plan, store
        self.before = {}

    def start(self, count):
        known = set(written(self.store))
        run = networks.start_several(count, self.plan, "--out", self.store) if count > 1 else [self._one()]
        return run, known, done(self.store)

    def _one(self):
        return networks.start(self.plan, "--out", self.store)

    def noted(self, known, before):
        """Looks whether runs that were not known yet have written what was on disk before."""
        for name, blocks in written(self.store).items():
            if name not in known:
                again = before & set(blocks)
                assert not again, f"computed twice: {sorted(again)}"
                assert len(set(blocks)) == len(blocks), f"{name} wrote a block twice"

    def killed(self, count, victim, blocks, seconds):
        """Kills one process of a run, so long after so many blocks are on disk; 0 is when all have opened the store.

        Without seconds it is killed, or one of several is, as soon as a file is seen that is half-written.

        Returns:
            Whether it was still running, how many blocks were done then, whether a file was being written, and what
            the other process said at its end, if there is one.
        """
        run, known, before = self.start(count)
        while len(set(written(self.store)) - known) < count or len(done(self.store)) < blocks:
            if run[victim].poll() is not None:
                break
            time.sleep(0.005)
        if seconds is None:
            while run[victim].poll() is None and not half_written(self.store):
                pass
        else:
            time.sleep(seconds)
        was_running = run[victim].poll() is None
        run[victim].send_signal(signal.SIGKILL)
        left, partial = len(done(self.store)), half_written(self.store)
        others = [networks.ended(each) for each in run if each is not run[victim]]
        run[victim].communicate()
        self.noted(known, before)
        return was_running, left, partial, others

    def finished(self):
        """Goes on to the end."""
        [process], known, before = self.start(1)
        status, _, err = networks.ended(process)
        assert status == 0, err
        self.noted(known, before)
        return contents(self.store)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--moments", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    chosen = parser.parse_args()
    rng = random.Random(chosen.seed)
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        networks.write_family(folder, parents=8, children_of_each=8, widths=(256, 128))
        plan = networks.write_plan(folder, memory="6 MiB", measures=["l1", "cka", "dc"])
        start = time.monotonic()
        whole = Sweep(plan, folder / "whole").finished()
        seconds = (time.monotonic() - start) / 2  # the rest is the start of a process
        blocks = len(done(folder / "whole"))
        print(f"{blocks} blocks in {2 * seconds:.1f} s without a kill", flush=True)
        said = collections.Counter()
        for moment in range(chosen.moments):
            count = 1 + moment % 2
            sweep = Sweep(plan, folder / f"store-{moment}")
            at = rng.randrange(blocks), rng.uniform(0, 2 * seconds / blocks) if moment % 4 < 2 else None
            running, left, partial, _ = sweep.killed(count, rng.randrange(count), *at)
            assert sweep.finished() == whole, f"moment {moment}: the store differs"
            said["while it ran"] += running
            said["half-way"] += 0 < left < blocks
            said["while a file was being written"] += partial
            when = "at a file" if at[1] is None else f"{at[1]:.2f} s"
            print(
                f"{moment}: one of {count} killed {when} after {at[0]} blocks{'' if running else ' (it had ended)'}, "
                f"{left} of {blocks} blocks on disk{', a file half-written' if partial else ''}; then the same store",
                flush=True,
            )
        print(f"{chosen.moments} kills: {dict(said)}; nothing lost, nothing computed twice", flush=True)


if __name__ == "__main__":
    main()
