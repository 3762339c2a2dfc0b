"""A small store: what it is of, and its blocks as a run writes them."""

import numpy as np

from lineage_jax import io, sweep
from lineage_jax.pairs import AtATime

LABELS = {
    "parent": ["anna", "bert", "中文"],
    "child": [f"child {k}" for k in range(7)],
    "layer": ["fc1", "fc2"],
    "measure": ["l1", "cka"],
    "form": ["direct", "exact"],
    "alpha": [0.0, 0.1],
}
PLAN = {"measures": ["l1", "cka"], "memory": 1000, "probes": {"seed": 3}}
DESCRIBED = {"versions": {"jax": "0.10"}, "device_kind": "cpu", "probes_sha256": "ab"}
BLOCKS = AtATime(2, 3)
SHAPE = tuple(len(labels) for labels in LABELS.values())
SCORES = np.random.default_rng(0).normal(size=SHAPE).astype(np.float32)


def opened(folder, **changes):
    settings = {"plan": PLAN, "labels": LABELS, "blocks": BLOCKS, "described": DESCRIBED}
    return sweep.open_for_writing(folder, **{**settings, **changes})


def block_of(i, j, scores=SCORES):
    return scores[2 * i : 2 * i + 2, 3 * j : 3 * j + 3]


def sums_of(store, i, j):
    parents, children = store.names(i, j)
    return {"parent": {name: f"{name}!" for name in parents}, "child": {name: f"{name}!" for name in children}}


def write(store, i, j, scores=SCORES, **facts):
    facts = {"sha256": sums_of(store, i, j), "not_shared": ["params/head"], **facts}
    store.write(i, j, block_of(i, j, scores), sweep.Record(**facts), waited=1.0, computed=3.0)


def places(store):
    return [(i, j) for j in range(store.grid[1]) for i in range(store.grid[0])]


def write_all(folder, order=list, **changes):
    with opened(folder, **changes) as store:
        for place in order(places(store)):
            write(store, *place)


def chunk(folder, i, j):
    return io.chunks_folder(folder / "scores.zarr") / f"c.{i}.{j}.0.0.0.0"
