"""How long it takes to open a store of 1,000 x 100,000 pairs, to read one of them, and to tell how far it is.

    python -m tests.sweep.large_store --block 50 500
    python -m tests.sweep.large_store --block 8 64

Prints one JSON line. One block is written as a run does it, many times over for the time that takes; the files of all
others are made by hand, of the same size. Everything is in the page cache: what is measured is this code.
"""

import argparse
import json
import statistics
import tempfile
import time
from pathlib import Path

import numpy as np

from lineage_jax import io, sweep
from lineage_jax.pairs import AtATime

PARENTS, CHILDREN = 1_000, 100_000
REPEATS = 5


def opened(folder, block, layers):
    labels = {
        "parent": [f"parent {k}" for k in range(PARENTS)],
        "child": [f"family/child {k}.safetensors" for k in range(CHILDREN)],
        "layer": [f"layer {k}" for k in range(layers)],
    }
    return sweep.open_for_writing(folder, plan={}, labels=labels, blocks=AtATime(*block), described={})


def write_first(store, times):
    """Writes one block as a run does; returns seconds each time takes."""
    parents, children = store.names(0, 0)
    values = np.random.default_rng(0).normal(size=(len(parents), len(children), len(store.labels["layer"])))
    sums = {role: dict.fromkeys(names, "0" * 64) for role, names in (("parent", parents), ("child", children))}
    record = sweep.Record(sha256=sums)
    return [seconds(lambda: store.write(0, 0, values.astype(np.float32), record))[0] for _ in range(times)]


def fill(store):
    """Makes the files of all other blocks as one was written."""
    scores = io.chunks_folder(store.folder / "scores.zarr")
    chunk, record = (scores / "c.0.0.0").read_bytes(), (store.folder / "blocks" / "0-0.json").read_bytes()
    rows, columns = store.grid
    for i in range(rows):
        for j in range(columns):
            (scores / f"c.{i}.{j}.0").write_bytes(chunk)
            (store.folder / "blocks" / f"{i}-{j}.json").write_bytes(record)
    for role, count, place in (("parent", rows, 0), ("child", columns, 1)):
        for k in range(count):
            names = store.names(k, 0)[0] if place == 0 else store.names(0, k)[1]
            known = {"sha256": dict.fromkeys(names, "0" * 64), "not_shared": []}
            (store.folder / "networks" / f"{role}-{k}.json").write_text(json.dumps(known))


def seconds(call):
    start = time.perf_counter()
    result = call()
    return time.perf_counter() - start, result


def measured(folder, block, layers):
    with opened(folder, block, layers) as store:
        writing = write_first(store, 20)
        fill(store)
        blocks = store.grid[0] * store.grid[1]
    found = {"blocks": blocks, "write a block": statistics.median(writing[1:])}
    found["open, all done"] = min(seconds(lambda: sweep.open(folder))[0] for _ in range(REPEATS))
    (folder / "blocks" / "1-1.json").unlink()
    found["open, one missing"] = min(seconds(lambda: sweep.open(folder))[0] for _ in range(REPEATS))
    scores = sweep.open(folder)
    found["read a pair"] = seconds(
        lambda: scores.sel(parent="parent 999", child="family/child 99999.safetensors").load()
    )[0]
    found["status"], status = seconds(lambda: sweep.status(folder))
    found["list the records"] = seconds(lambda: list((folder / "blocks").iterdir()))[0]

    def go_on():
        with opened(folder, block, layers) as store:
            assert len(store.done) == blocks - 1

    found["open for writing"] = seconds(go_on)[0]
    found["bytes beside the scores"] = status.bytes - blocks * io.chunk_bytes(folder / "scores.zarr")
    return found


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--block", type=int, nargs=2, default=(50, 500))
    parser.add_argument("--layers", type=int, default=4)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as root:
        found = measured(Path(root), tuple(given.block), given.layers)
    print(json.dumps({name: round(value, 4) for name, value in found.items()}))
