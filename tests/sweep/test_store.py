"""A store keeps what is done, whatever ends a run, and takes nothing for done that is not."""

import numpy as np
import xarray

from lineage_jax import sweep
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


def record_of(store, i, j, **facts):
    parents, children = store.names(i, j)
    sums = {
        "parent": {name: f"sum of {name}" for name in parents},
        "child": {name: f"sum of {name}" for name in children},
    }
    return sweep.Record(sha256=sums, **facts)


def write(store, i, j, **facts):
    store.write(i, j, block_of(i, j), record_of(store, i, j, **facts), waited=1.0, computed=3.0)


def places(store):
    return [(i, j) for j in range(store.grid[1]) for i in range(store.grid[0])]


def filled(folder):
    with opened(folder) as store:
        for place in places(store):
            write(store, *place, not_shared=["params/head"])
    return folder


def test_what_is_opened_is_what_was_scored(tmp_path):
    expected = xarray.DataArray(
        SCORES, dims=tuple(LABELS), coords=LABELS, name="score", attrs={"not_shared": ["params/head"]}
    )
    scores = sweep.open(filled(tmp_path))
    assert scores.attrs["complete"]
    bare = scores.drop_vars(["parent_sha256", "child_sha256"]).drop_attrs().assign_attrs(expected.attrs)
    xarray.testing.assert_identical(bare, expected)
    assert {name: c.dtype for name, c in bare.coords.items()} == {name: c.dtype for name, c in expected.coords.items()}
    assert scores.dtype == expected.dtype


def test_status_tells_how_far_it_is(tmp_path):
    with opened(tmp_path) as store:
        write(store, 0, 0)
        write(store, 1, 2, failed={"child": {"child 6": "cut short"}})
        status = sweep.status(tmp_path)
        assert status.writers == [str(store.writer)]
    status = sweep.status(tmp_path)
    assert (status.blocks, status.done, status.pairs, status.pairs_done) == (6, 2, 21, 7)
    assert (status.with_errors, status.errors) == (1, {"cut short": ["child 'child 6'"]})
    assert (status.waiting, status.bound) == (0.25, "computing")
    assert status.pairs_a_second > 0
    assert (status.writers, status.complete) == ([], False)
