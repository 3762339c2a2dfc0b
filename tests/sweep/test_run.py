"""The driver in one process: what it computes is what `lineage.score` returns, and what it cannot is recorded."""

import collections
import json
from collections.abc import Mapping

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lineage_jax import catalogue, lineage, models, similarity, sweep
from lineage_jax.pairs import AtATime
from lineage_jax.sweep import _setting
from tests.sweep import networks

SETTINGS = {"measures": ["l1", "l2", "cka"], "alphas": [0.0, 0.3]}


def features(params, x):
    hidden = jnp.tanh(x @ params["first"])
    return {"hidden": hidden, "out": hidden @ params["second"]}


def network(seed):
    first, second = (jax.random.normal(key, (5, 5)) for key in jax.random.split(jax.random.key(seed)))
    return {"first": np.asarray(first), "second": np.asarray(second)}


PARENTS = {f"p{seed}": network(seed) for seed in range(5)}
CHILDREN = {f"c{seed}": network(10 + seed) for seed in range(7)}
PROBES = np.asarray(jax.random.normal(jax.random.key(99), (12, 5)))


class Counting(Mapping):
    """Loads networks when they are asked for, and counts how often."""

    def __init__(self, networks):
        self.networks, self.reads = networks, collections.Counter()

    def __getitem__(self, name):
        self.reads[name] += 1
        found = self.networks[name]
        if isinstance(found, Exception):
            raise found
        return found

    def __iter__(self):
        return iter(self.networks)

    def __len__(self):
        return len(self.networks)


@pytest.fixture
def small_blocks(monkeypatch):
    """Cuts five parents and seven children into blocks of two and three."""
    monkeypatch.setattr(_setting.Setting, "blocks", lambda *_: AtATime(2, 3))


def run(folder, parents=PARENTS, children=CHILDREN, *, plan=SETTINGS, **settings):
    given = {"parents": parents, "children": children, "probes": PROBES, "features": features}
    return sweep.run(sweep.Plan(**plan), folder / "store", **(given | settings))


def test_a_sweep_is_what_score_returns(tmp_path, small_blocks):
    status = run(tmp_path, Counting(PARENTS), Counting(CHILDREN))
    measures = {name: similarity.MEASURES[name] for name in SETTINGS["measures"]}
    expected = lineage.score(features, PARENTS, CHILDREN, PROBES, measures=measures, alphas=(0.0, 0.3))
    found = sweep.open(tmp_path / "store")
    assert (status.blocks, status.done, status.errors) == (9, 9, {})
    assert found.dims == expected.dims
    assert found.coords["layer"].values.tolist() == ["hidden", "out"]
    np.testing.assert_allclose(found.values, expected.values, rtol=0, atol=1e-6)  # float32, other blocks


def test_a_new_store_has_the_blocks_that_are_asked_for_and_keeps_them(tmp_path):
    assert run(tmp_path, blocks=AtATime(3, 2)).blocks == 2 * 4
    assert run(tmp_path, blocks=AtATime(5, 7)).blocks == 2 * 4
    assert run(tmp_path / "chosen").blocks < 2 * 4


def test_children_are_read_once_and_parents_once_for_each_block_of_children(tmp_path, small_blocks):
    parents, children = Counting(PARENTS), Counting(CHILDREN)
    run(tmp_path, parents, children)
    once_more = {"p0": 1, "c0": 1}  # the first of either side says what is compared
    assert children.reads == collections.Counter(dict.fromkeys(CHILDREN, 1)) + collections.Counter(c0=once_more["c0"])
    assert parents.reads == collections.Counter(dict.fromkeys(PARENTS, 3)) + collections.Counter(p0=once_more["p0"])


def test_a_second_run_goes_on_where_the_first_was_ended(tmp_path, small_blocks):
    class EndedError(Exception):
        pass

    def end(step):
        if step.blocks == 4:
            raise EndedError

    with pytest.raises(EndedError):
        run(tmp_path, progress=end)
    assert sweep.status(tmp_path / "store").done == 4
    steps = []
    assert run(tmp_path, progress=steps.append).done == 9
    assert [step.blocks for step in steps] == [1, 2, 3, 4, 5]
    assert steps[-1].pairs == steps[-1].all_pairs == 5 * 7 - (5 * 3 + 2 * 3)
    whole = sweep.open(tmp_path / "store").values
    run(tmp_path / "other")
    np.testing.assert_array_equal(sweep.open(tmp_path / "other" / "store").values, whole)


def test_networks_that_cannot_be_compared_are_recorded_and_all_others_scored(tmp_path, small_blocks):
    bad = {
        "c1": OSError(5, "Input/output error", "c1.npz"),
        "c2": CHILDREN["c2"] | {"first": np.full((5, 5), np.nan, np.float32)},
        "c4": CHILDREN["c4"] | {"first": np.ones((5, 4), np.float32)},
        "c5": CHILDREN["c5"] | {"second": np.full((5, 5), 3e38, np.float32)},
    }
    status = run(tmp_path, Counting(PARENTS | {"p3": ValueError("no network")}), Counting(CHILDREN | bad))
    assert status.done == 9
    reasons = {name: reason for reason, names in status.errors.items() for name in names}
    assert set(reasons) == {"parent 'p3'", *(f"child '{name}'" for name in bad)}
    assert reasons["child 'c1'"] == "Input/output error: c1.npz"
    assert reasons["child 'c2'"].startswith("expected finite weights")
    assert reasons["child 'c4'"].startswith("expected (5, 5) at 'first'")
    assert reasons["child 'c5'"].startswith("features that are not finite at layer 'out'")
    found = sweep.open(tmp_path / "store")
    good = {
        "parent": [name for name in PARENTS if name != "p3"],
        "child": [name for name in CHILDREN if name not in bad],
    }
    assert found.sel(good).notnull().all()
    assert found.sel(parent="p3").isnull().all()
    assert found.sel(child=list(bad)).isnull().all()
    run(tmp_path / "other")
    np.testing.assert_array_equal(found.sel(good).values, sweep.open(tmp_path / "other" / "store").sel(good).values)


def test_only_blocks_with_errors_are_computed_again(tmp_path, small_blocks):
    run(tmp_path, children=Counting(CHILDREN | {"c1": OSError("away")}))
    assert run(tmp_path).with_errors == 3
    steps = []
    status = run(tmp_path, retry_failed=True, progress=steps.append)
    assert (len(steps), status.errors) == (3, {})
    run(tmp_path / "other")
    np.testing.assert_array_equal(
        sweep.open(tmp_path / "store").values, sweep.open(tmp_path / "other" / "store").values
    )


def test_what_is_compared_follows_from_the_first_network_that_can_be_read(tmp_path):
    status = run(tmp_path, Counting(PARENTS | {"p0": ValueError("no network")}))
    assert list(status.errors) == ["no network"]
    assert sweep.open(tmp_path / "store").sel(parent="p1").notnull().all()


def test_other_heads_take_no_part(tmp_path):
    heads = {name: net | {"head": np.ones(k + 1, np.float32)} for k, (name, net) in enumerate(CHILDREN.items())}
    assert run(tmp_path, children=heads).errors == {}
    assert sweep.open(tmp_path / "store").attrs["not_shared"] == ["head"]


def test_a_side_that_cannot_be_read_is_refused(tmp_path):
    with pytest.raises(ValueError, match="expected one child at least that can be read, got 1 that cannot; 'a': gone"):
        run(tmp_path, children=Counting({"a": OSError("gone")}))
    assert not (tmp_path / "store").exists()


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"parents": None}, "expected parents in the plan or handed to run, got neither"),
        ({"plan": SETTINGS | {"children": "x"}}, "expected children in the plan or handed to run, got both"),
        ({"probes": None}, "expected probes in the plan or handed to run, got neither"),
        ({"features": None}, "expected networks of a known architecture, got one that is of no known architecture"),
        ({"mesh": {"children": 2}}, "meshes that fit: children=1,probes=1"),
        ({"mesh": {"parents": 1}}, "expected a mesh with axes out of children, probes, got 'parents'"),
    ],
)
def test_what_does_not_fit_is_refused_before_anything_is_written(tmp_path, settings, said):
    with pytest.raises(ValueError, match=said):
        run(tmp_path, **settings)
    assert not (tmp_path / "store").exists()


@pytest.fixture(scope="module")
def family(tmp_path_factory):
    """Two parents and two children on disk, one of which has another head."""
    folder = tmp_path_factory.mktemp("family")
    for side, classes in (("parents", (3, 3)), ("children", (3, 4))):
        for seed, count in enumerate(classes):
            net = models.fc(count, widths=(8,))
            variables = models.init(net, jax.random.key(seed), (4, 4, 1))
            models.save_network(folder / side / f"{side[0]}{seed}", net, variables, input_shape=(4, 4, 1))
    return folder


def planned(family, **settings):
    given = {"parents": "parents", "children": "children", "probes": {"noise": 6}, "measures": ["l1"]}
    return sweep.Plan(**(given | settings), folder=family)


def test_files_are_compared_at_the_last_tap(tmp_path, family):
    status = sweep.run(planned(family), tmp_path / "store")
    found = sweep.open(tmp_path / "store")
    assert status.errors == {}
    assert found.coords["layer"].values.tolist() == [models.fc(3, widths=(8,)).taps[-1]]
    assert found.sel(parent="p0", child="c0", form="direct").values.ravel() == pytest.approx(0)  # of one seed


def test_one_file_under_two_names_is_refused(tmp_path, family):
    twice = {"a": "children/c0", "b": "children/../children/c0"}
    with pytest.raises(ValueError, match=r"expected every child once, but 'a' and 'b' are one file, .*c0: remove one"):
        sweep.run(planned(family, children=twice), tmp_path / "store")


def test_a_folder_that_is_not_there_is_refused(tmp_path, family):
    with pytest.raises(FileNotFoundError, match=r"expected a folder of networks, got .*childen"):
        sweep.run(planned(family, children="childen"), tmp_path / "store")
    with pytest.raises(FileNotFoundError, match=r"expected parent 'p' at .*p9, where there is nothing"):
        sweep.run(planned(family, parents={"p": "p9"}), tmp_path / "store")


def test_a_layer_that_is_not_there_is_refused(tmp_path, family):
    with pytest.raises(ValueError, match="layer 'fc7' is not called by"):
        sweep.run(planned(family, layers=["fc7"]), tmp_path / "store")


def test_a_child_may_be_a_parent(tmp_path, family):
    sweep.run(planned(family, children="parents", layers="all", forms=["direct"]), tmp_path / "store")
    scores = sweep.open(tmp_path / "store").squeeze("form").isel(alpha=0)
    assert (scores.sel(parent="p0", child="p0") == 0).all()


def test_a_catalogue_leaves_the_best_parents_of_each_child(tmp_path):
    folder = networks.write_family(tmp_path / "family", parents=3, children_of_each=2, widths=(64, 64))
    catalogue.index(folder / "parents", tmp_path / "index")
    plan = sweep.Plan(
        children="children",
        probes={"noise": 6},
        measures=["l1"],
        catalogue={"index": str(tmp_path / "index"), "top": 1},
        folder=folder,
    )
    status = sweep.run(plan, tmp_path / "store", blocks=AtATime(1, 2))
    scores = sweep.open(tmp_path / "store").isel(layer=0, measure=0, form=0, alpha=0)
    assert status.complete
    for child in scores["child"].values.tolist():
        of_child = scores.sel(child=child).dropna("parent")
        assert of_child["parent"].values.tolist() == [f"p{child[1]}"]
    assert len({(i, j) for i, j in blocks_with_sums(tmp_path / "store")}) == 3


def blocks_with_sums(store):
    """Returns the blocks whose networks were read, by what the run says of them."""
    lines = [json.loads(line) for file in (store / "runs").iterdir() for line in file.read_text().splitlines()]
    return [tuple(line["block"]) for line in lines if "computed" in line]
