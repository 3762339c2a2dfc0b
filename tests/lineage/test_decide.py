"""Decisions: best parent, margin, ranking; accuracy against known truth."""

import numpy as np
import pytest
import xarray

from lineage_jax import lineage


def scores(values, **extra):
    values = np.asarray(values, float)
    parents = [f"p{i}" for i in range(values.shape[0])]
    children = [f"c{i}" for i in range(values.shape[1])]
    return xarray.DataArray(
        values, dims=("parent", "child", *extra), coords={"parent": parents, "child": children, **extra}
    )


def test_the_highest_score_wins_and_the_margin_is_to_the_runner_up():
    decisions = lineage.decide(scores([[3.0, -5.0], [1.0, -2.0], [2.5, -9.0]]))
    assert decisions.prediction.values.tolist() == ["p0", "p1"]
    assert decisions.margin.values.tolist() == [0.5, 3.0]
    assert decisions.ranking.sel(child="c0").values.tolist() == ["p0", "p2", "p1"]
    assert decisions["rank"].values.tolist() == [1, 2, 3]


def test_other_dimensions_are_kept():
    decisions = lineage.decide(scores([[[1.0, 0.0]], [[0.0, 1.0]]], alpha=[0.0, 0.5]))
    assert decisions.prediction.sel(alpha=0.5).item() == "p1"
    accuracy = lineage.accuracy(decisions, {"c0": "p1"})
    assert accuracy.dims == ("alpha",)
    assert accuracy.values.tolist() == [0.0, 1.0]


def test_a_tie_has_margin_zero_and_goes_to_the_first():
    decisions = lineage.decide(scores([[1.0], [1.0]]))
    assert decisions.prediction.item() == "p0"
    assert decisions.margin.item() == 0.0


def test_nan_never_wins():
    decisions = lineage.decide(scores([[np.nan], [-1e9], [np.nan]]))
    assert decisions.prediction.item() == "p1"
    assert decisions.margin.item() == np.inf


def test_the_decision_does_not_depend_on_the_order_of_parents():
    table = scores([[3.0, 0.1], [1.0, 0.7], [2.5, 0.3]])
    shuffled = table.isel(parent=[2, 0, 1])
    assert (lineage.decide(table).prediction == lineage.decide(shuffled).prediction).all()


def test_one_candidate_is_refused():
    with pytest.raises(ValueError, match="expected at least two candidate parents, got 1"):
        lineage.decide(scores([[1.0]]))


def test_scores_that_are_all_nan_are_refused():
    with pytest.raises(ValueError, match="all scores of a child are NaN"):
        lineage.decide(scores([[np.nan], [np.nan]]))


def test_an_unknown_truth_is_refused():
    with pytest.raises(ValueError, match="no true parent is known for child 'c1'"):
        lineage.accuracy(lineage.decide(scores([[1.0, 2.0], [2.0, 1.0]])), {"c0": "p0"})
