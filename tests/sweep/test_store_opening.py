"""A store is opened as scores, and what is not done in it is NaN."""

import json

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import xarray
from rich.console import Console

from lineage_jax import lineage, report, similarity, sweep
from lineage_jax.pairs import AtATime
from tests.sweep.stores import DESCRIBED, PLAN, block_of, opened, places, write


def bare(scores):
    """Leaves of an opened sweep what `lineage.score` returns."""
    return (
        scores.drop_vars(["parent_sha256", "child_sha256"])
        .assign_attrs()
        .pipe(lambda array: array.drop_attrs(deep=False).assign_attrs(not_shared=array.attrs["not_shared"]))
    )


@pytest.fixture(scope="module")
def scored():
    """Scores of small networks, and the same in a store."""
    keys = jax.random.split(jax.random.key(0), 9)
    network = lambda key: {"w": jax.random.normal(key, (4, 3)), "v": jax.random.normal(key, (3, 3))}
    parents = {name: network(key) for name, key in zip("abc", keys, strict=False)}
    children = {
        f"child of {name}": jax.tree.map(lambda leaf: leaf + 0.01, parent) | {"head": jnp.ones(2)}
        for name, parent in parents.items()
    }
    features = lambda params, x: {
        "one": jax.nn.relu(x @ params["w"]),
        "two": jax.nn.relu(x @ params["w"]) @ params["v"],
    }
    probes = jax.random.normal(keys[-1], (8, 4))
    measures = {"l1": similarity.l1, "cka": similarity.linear_cka}
    return lineage.score(features, parents, children, probes, measures=measures, alphas=(0.0, 0.1))


@pytest.fixture
def swept(scored, tmp_path):
    labels = {dim: scored[dim].values.tolist() for dim in scored.dims}
    with opened(tmp_path / "scored", labels=labels, blocks=AtATime(2, 2)) as store:
        for i, j in places(store):
            values = scored.values[2 * i : 2 * i + 2, 2 * j : 2 * j + 2]
            store.write(i, j, values, sweep.Record(not_shared=scored.attrs["not_shared"]))
    return sweep.open(tmp_path / "scored")


def test_a_sweep_is_identical_to_the_scores(scored, swept):
    assert scored.attrs["not_shared"] == ["head"]
    xarray.testing.assert_identical(bare(swept), scored)
    assert swept.dtype == scored.dtype
    assert {dim: swept[dim].dtype for dim in swept.dims} == {dim: scored[dim].dtype for dim in scored.dims}


def test_whoever_reads_scores_reads_sweeps(scored, swept, tmp_path):
    truth = {f"child of {name}": name for name in "abc"}
    xarray.testing.assert_equal(lineage.decide(swept).drop_vars("child_sha256"), lineage.decide(scored))
    accuracy = lineage.accuracy(lineage.decide(swept), truth)
    xarray.testing.assert_identical(accuracy, lineage.accuracy(lineage.decide(scored), truth))
    assert lineage.choose(swept, truth, list(truth)) == lineage.choose(scored, truth, list(truth))
    setting = {"layer": "one", "measure": "cka", "form": "exact", "alpha": 0.1}
    console = Console(width=200)
    for shown in (
        lambda scores: report.decision_table(lineage.decide(scores.sel(setting)), truth, title="t"),
        lambda scores: report.score_table({"cka": scores.sel(setting).sel(child="child of a")}, title="t"),
        lambda scores: report.accuracy_table(lineage.accuracy(lineage.decide(scores), truth)[0], title="t"),
    ):
        texts = []
        for scores in (scored, swept):
            with console.capture() as capture:
                console.print(shown(scores))
            texts.append(capture.get())
        assert texts[0] == texts[1]
    of_layers = {dim: label for dim, label in setting.items() if dim != "layer"}
    report.profile_figure(swept.sel(of_layers), tmp_path / "profile.svg")


def test_the_plan_and_the_sums_come_with_the_scores(filled):
    scores = sweep.open(filled)
    assert json.loads(scores.attrs["plan"]) == PLAN
    assert len(scores.attrs["plan_sha256"]) == 64
    assert {name: scores.attrs[name] for name in DESCRIBED} == DESCRIBED
    assert scores.attrs["complete"] is True
    assert scores.sel(parent="中文").parent_sha256.item() == "中文!"
    assert scores.child_sha256.values.tolist() == [f"child {k}!" for k in range(7)]


def test_what_is_not_done_is_nan_and_has_no_sums(tmp_path):
    with opened(tmp_path) as store:
        write(store, 0, 1)
        scores = sweep.open(tmp_path)
        assert scores.attrs["complete"] is False
        assert scores.attrs["not_shared"] == ["params/head"]
        assert np.isfinite(scores.values).sum() == block_of(0, 1).size
        assert scores.parent_sha256.values.tolist() == ["anna!", "bert!", ""]
        assert scores.child_sha256.values.tolist() == ["", "", "", "child 3!", "child 4!", "child 5!", ""]


def test_a_chunk_without_a_record_is_not_done_and_is_nan(filled):
    (filled / "blocks" / "1-1.json").unlink()
    scores = sweep.open(filled)
    assert np.isnan(scores.values).sum() == block_of(1, 1).size
    assert not scores.attrs["complete"]
    with opened(filled) as store:
        assert set(places(store)) - store.done == {(1, 1)}


def test_labels_of_paths_that_are_not_shared_are_those_of_all_blocks(tmp_path):
    with opened(tmp_path) as store:
        write(store, 0, 0, not_shared=["b", "a"])
        write(store, 1, 1, not_shared=["c", "b"])
        write(store, 0, 1, not_shared=[])
    assert sweep.open(tmp_path).attrs["not_shared"] == ["a", "b", "c"]
