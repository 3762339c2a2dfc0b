"""What all experiments share: how settings are chosen, and READMEs that show what was measured."""

import doctest
from pathlib import Path

import numpy as np
import pytest
import xarray

from experiments import reading_order
from experiments import table as accuracy_table
from experiments.benchmarks import _table as bench_table
from experiments.lab import accuracies, markdown, methods, pretraining
from experiments.unrelated import table as unrelated_table
from lineage_jax import data, models, population

EXPERIMENTS = Path(accuracy_table.__file__).parent


def test_the_best_setting_is_chosen_on_the_given_children_and_the_first_of_equals():
    truth = {"x": "a", "y": "b", "z": "b"}
    good, bad = [[1.0, 0.0, 0.0], [0.0, 1.0, 1.0]], [[1.0, 1.0, 0.0], [0.0, 0.0, 1.0]]
    coords = {"parent": ["a", "b"], "child": ["x", "y", "z"], "setting": ["bad", "good", "equal"]}
    scores = {"taylor": xarray.DataArray(np.stack([bad, good, good], axis=-1), coords=coords)}
    assert methods.choose(scores, truth, only=("x", "y")) == {"taylor": "good"}
    assert methods.choose(scores, truth, only=("x", "z")) == {"taylor": "bad"}
    assert methods.accuracy(scores, truth, {"taylor": "bad"}, only=("y", "z")) == {"taylor": 0.5}


@pytest.mark.parametrize(
    ("experiment", "digits"),
    [
        ("detector_fc", 0),
        ("fc", 0),
        ("fewshot", 0),
        ("imbalanced", 0),
        ("hybrid", 0),
        ("variety", 0),
        ("generations", 1),
        ("lineage300", 1),
    ],
)
def test_the_readme_shows_the_table_of_the_results(experiment, digits):
    readme = (EXPERIMENTS / experiment / "README.md").read_text()
    assert accuracy_table.table(experiment, digits=digits) in readme


def test_every_study_has_its_place_in_the_reading_order_and_shows_what_was_measured():
    assert {path.parent.name for path in EXPERIMENTS.glob("*/config.py")} == reading_order.STUDIES.keys()
    assert reading_order.table() in (EXPERIMENTS / "README.md").read_text()


def test_the_readme_of_the_benchmarks_shows_their_results():
    assert bench_table.table() in (bench_table.RESULTS.parent / "README.md").read_text()


def test_a_piece_that_two_parents_tie_for_is_given_to_neither():
    scores = xarray.DataArray(
        [[[1.0], [2.0], [0.0]], [[1.0], [0.0], [3.0]]],
        coords={"parent": ["a", "b"], "child": ["x", "y", "z"], "setting": ["l1"]},
        dims=("parent", "child", "setting"),
    )
    found = methods.right({"l1": scores}, {"x": "a", "y": "a", "z": "b"}, {"l1": "l1"}, only=("x", "y", "z"))
    assert found["l1"].tolist() == [False, True, True]


@pytest.mark.parametrize("module", [accuracies, markdown, unrelated_table], ids=lambda module: module.__name__)
def test_examples_in_docstrings_hold(module):
    found = doctest.testmod(module)
    assert found.attempted > 0
    assert found.failed == 0


def test_parents_come_about_in_a_known_way_or_not_at_all():
    train, _ = data.digits()
    network = models.fc(num_classes=3, widths=(4,))
    settings = {"count": 2, "seed": 0, "training": population.TrainingSettings(steps=3)}
    with pytest.raises(ValueError, match=r"one of independent, shared-init, checkpoints, got 'twins'"):
        pretraining.pretrain("twins", network, train, **settings)
    chain = pretraining.pretrain("checkpoints", network, train, **settings)
    assert chain.names == ("parent-0", "parent-1")  # of 4 steps, which two checkpoints divide equally
    assert chain.variables["params"][network.head]["kernel"].shape == (2, 4, train.num_classes)
