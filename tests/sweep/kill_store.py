"""Kills a process that writes blocks, again and again, and goes on: what is done stays done, all comes out the same.

    python -m tests.sweep.kill_store --moments 20

kills at so many random moments and prints one JSON line.
"""

import argparse
import functools
import json
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from lineage_jax import io, sweep
from lineage_jax.pairs import AtATime

BLOCKS = AtATime(4, 16)


def opened(folder, children):
    """Opens a store of 10 x n blocks of 50 kB."""
    labels = {
        "parent": [f"parent {k}" for k in range(38)],
        "child": [f"child {k}" for k in range(children)],
        "layer": [f"layer {k}" for k in range(100)],
        "alpha": [0.0, 0.1],
    }
    return sweep.open_for_writing(folder, plan={"seed": 0}, labels=labels, blocks=BLOCKS, described={})


def block_of(store, i, j):
    """Returns the scores and the record of a block: always the same ones."""
    parents, children = store.names(i, j)
    shape = (len(parents), len(children), 100, 2)
    values = np.random.default_rng([i, j]).normal(size=shape).astype(np.float32)
    sums = {"parent": {name: f"{name}!" for name in parents}, "child": {name: f"{name}!" for name in children}}
    failed = {"child": {children[0]: "cut short"}} if (i + j) % 7 == 0 else {}
    return values, sweep.Record(sha256=sums, failed=failed, not_shared=["params/head"])


def say_nothing(_):
    pass


def write_all(folder, children, *, say=say_nothing):
    """Writes the blocks that are not done."""
    say("opening")
    with opened(folder, children) as store:
        rows, columns = store.grid
        left = [(i, j) for j in range(columns) for i in range(rows) if (i, j) not in store.done]
        say("writing")
        for place in left:
            store.write(*place, *block_of(store, *place))


def killed(folder, children, wait, *, after="writing"):
    """Starts a process that writes, and kills it so many seconds after it has said something; tells what it left."""
    command = [sys.executable, "-m", "tests.sweep.kill_store", "--write", str(folder), "--children", str(children)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=Path(__file__).parents[2]) as process:
        while process.stdout.readline().decode().strip() not in (after, ""):
            pass
        time.sleep(wait)
        process.send_signal(signal.SIGKILL)
    return {
        "records": {path.name for path in (folder / "blocks").glob("*.json")},
        "partial": sum(path.name.endswith(io.PARTIAL) for path in folder.rglob("*")),
        "killed": process.returncode == -signal.SIGKILL,
    }


def check(folder, children, left):
    """Opens what a killed process has left, and compares every block that is done with what was written."""
    with opened(folder, children) as store:
        assert {f"{i}-{j}.json" for i, j in store.done} == left["records"], "a block with a record is not done"
        assert not [path for path in folder.rglob("*") if path.name.endswith(io.PARTIAL)], "a partial file is left"
        scores = sweep.open(folder)
        for i, j in store.done:
            found = scores.isel(parent=slice(4 * i, 4 * i + 4), child=slice(16 * j, 16 * j + 16)).values
            assert found.tobytes() == block_of(store, i, j)[0].tobytes(), f"block ({i}, {j}) is another one"
        return len(store.done)


def lasting(folder):
    """Returns what every run of one plan writes alike: by path the bytes of each file, but logs and locks."""
    files = (path for path in folder.rglob("*") if path.is_file())
    relative = {path.relative_to(folder): path for path in files}
    return {
        str(name): path.read_bytes() for name, path in relative.items() if not str(name).startswith(("runs", "lock"))
    }


def times_written(folder):
    """Returns how often each block was written, by what the runs say."""
    lines = [line for file in (folder / "runs").iterdir() for line in file.read_text().splitlines()]
    blocks = [tuple(said["block"]) for said in map(json.loads, lines) if "block" in said]
    return {block: blocks.count(block) for block in blocks}


def study(folder, *, moments, longest, children, seed):
    """Kills at so many moments, goes on after each, and compares the end with a store that was never interrupted.

    Every fourth is while a new store is made, all others while blocks are written into one store.
    """
    draw = random.Random(seed)
    done, partial, inside, unmade = [], 0, 0, 0
    for moment in range(moments):
        new = moment % 4 == 0
        store = folder / (f"new {moment}" if new else "killed")
        wait = draw.uniform(0, 10 * longest if new else longest)  # zarr is imported on the way
        left = killed(store, children, wait, after="opening" if new else "writing")
        partial += left["partial"]
        inside += left["killed"]
        unmade += not (store / "scores.zarr").exists()
        done.append(check(store, children, left))
    write_all(folder / "killed", children)
    write_all(folder / "whole", children)
    assert lasting(folder / "killed") == lasting(folder / "whole"), "the stores differ"
    assert max(times_written(folder / "killed").values()) == 1, "a block was written twice"
    found = {"moments": moments, "while it ran": inside, "before the store was made": unmade}
    return {**found, "partial files found": partial, "blocks done at each": done}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--moments", type=int, default=20)
    parser.add_argument("--longest", type=float, default=0.1, help="seconds of writing before a kill, at most")
    parser.add_argument("--children", type=int, default=400)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    if given.write:
        write_all(given.write, given.children, say=functools.partial(print, flush=True))
    else:
        with tempfile.TemporaryDirectory() as root:
            settings = {"moments": given.moments, "longest": given.longest, "children": given.children}
            print(json.dumps(study(Path(root), **settings, seed=given.seed)))
