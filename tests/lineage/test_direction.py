"""Who came first: counters, and how relatives lie to each other; with real files, where the truth is known."""

import itertools

import numpy as np
import pytest

import converters
from lineage_jax import lineage
from lineage_jax.checkpoints import batch_counters

CHAIN = [f"rfb-epoch-{epoch}" for epoch in (0, 20, 100, 200, 300, 400, 499)]
TUNED = {"oe_tune_epoch_4": "baseline_epoch_9", "calib_oe_tune_epoch_4": "calib_baseline_epoch_9"}
UNTUNED = ["baseline_epoch_9", "calib_baseline_epoch_9", "calib_oe_scratch_epoch_9", "oe_scratch_epoch_9"]


def test_counters_say_who_saw_fewer_batches():
    ours, more = {"a": 5, "b": 5}, {"a": 9, "b": 5, "c": 1}
    assert lineage.first_by_counters(ours, more) == "candidate"
    assert lineage.first_by_counters(more, ours) == "child"


@pytest.mark.parametrize(
    ("candidate", "child"),
    [({}, {}), ({"a": 3}, {"b": 4}), ({"a": 3}, {"a": 3}), ({"a": 3, "b": 4}, {"a": 4, "b": 3})],
    ids=["none", "of other modules", "equal", "contradicting"],
)
def test_counters_that_say_nothing(candidate, child):
    assert lineage.first_by_counters(candidate, child) is None


def test_counters_that_were_set_back_say_nothing():
    """A trainer that leaves counters out starts at 0, which must not make its parent a later network."""
    assert lineage.first_by_counters({"a": 700}, {"a": 0}) is None
    assert lineage.first_by_counters({"a": 0}, {"a": 700}) is None


def walk(*steps, seed=0, size=20_000):
    """Returns points of a random walk, orthogonal steps of given lengths from a start of length 1."""
    rng = np.random.default_rng(seed)
    return np.cumsum([rng.normal(size=size) / size**0.5 * length for length in (1, *steps)], axis=0)


def cosine(one, other):
    return float(one @ other / np.linalg.norm(one) / np.linalg.norm(other))


def placed(candidate, child, others):
    of_child = {str(place): cosine(child, other) for place, other in enumerate(others)} | {
        "a": cosine(child, candidate)
    }
    return lineage.place("a", of_child, {str(place): cosine(candidate, other) for place, other in enumerate(others)})


def test_a_parent_lies_between_its_child_and_what_it_came_from():
    root, parent, child = walk(0.6, 0.4)
    assert placed(parent, child, [root]) == "between"
    assert placed(child, parent, [root]) == "child between"
    assert placed(parent, child, []) is None


def test_siblings_hang_off_each_others_path():
    root, one = walk(0.5, seed=1)
    others = [root + walk(0.5, seed=seed)[1] - walk(0.5, seed=seed)[0] for seed in (2, 3, 4)]
    assert placed(one, others[0], others[1:]) == "siblings"


def test_a_nearer_child_of_the_candidate_says_nothing_of_another_one():
    """Else a sibling would pass for a child wherever its sibling's own child is among the candidates."""
    root, one = walk(0.6, seed=5)
    sibling = root + 0.6 * (walk(1, seed=6)[1] - walk(1, seed=6)[0])
    child_of_one = one + 0.1 * (walk(1, seed=7)[1] - walk(1, seed=7)[0])
    assert placed(one, sibling, [child_of_one]) is None


def test_relatives_that_contradict_each_other_say_nothing():
    root, parent, child = walk(0.6, 0.4, seed=8)
    drifting = parent + 0.8 * (child - parent) + 0.2 * (walk(1, seed=9)[1] - walk(1, seed=9)[0])
    assert placed(parent, child, [root]) == "between"
    assert placed(parent, child, [root, drifting]) is None or placed(parent, child, [root, drifting]) == "between"


def test_near_copies_are_too_near_to_be_placed():
    root, parent, child = walk(0.6, 0.01, seed=10)
    assert placed(parent, child, [root]) is None


@pytest.fixture(scope="module")
def cosines(request):
    """Returns the cosines of all pairs of a folder."""

    def of(folder, names):
        trees = {name: converters.as_tree(file.weights) for name, file in read(folder, names).items()}
        found = {
            name: lineage.overlap(trees, tree)["centred_kernel_cosine"].to_series().to_dict()
            for name, tree in trees.items()
        }
        return {name: {other: value for other, value in row.items() if other != name} for name, row in found.items()}

    return of


def read(folder, names):
    files = {path.name.partition(".")[0]: path for path in folder.iterdir()}
    return {name: converters.read(files[name]) for name in names}


@pytest.mark.data
def test_published_children_lie_behind_their_parents_and_siblings_beside_each_other(data_folder, cosines):
    folder = data_folder / "checkpoints" / "outlier_exposure_mnist"
    found = cosines(folder, [*UNTUNED, *TUNED])
    for child, parent in TUNED.items():
        among = {name: value for name, value in found[parent].items() if name in UNTUNED}
        assert lineage.place(parent, found[child], among) == "between"
    for one, other in itertools.combinations(UNTUNED, 2):
        among = {name: value for name, value in found[one].items() if name in UNTUNED and name != other}
        assert lineage.place(one, found[other], among) in ("siblings", None)


@pytest.mark.data
def test_counters_order_the_epochs_of_a_published_run(data_folder):
    counters = [
        batch_counters(file) for file in read(data_folder / "checkpoints" / "face_detector_rfb", CHAIN).values()
    ]
    for earlier, later in itertools.combinations(counters, 2):
        assert lineage.first_by_counters(earlier, later) == "candidate"
        assert lineage.first_by_counters(later, earlier) == "child"
