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


def test_nan_never_wins_and_is_said():
    decisions = lineage.decide(scores([[np.nan, 2.0], [-1e9, np.nan], [np.nan, 5.0]]))
    assert decisions.prediction.values.tolist() == ["p1", "p2"]
    assert decisions.unscored.values.tolist() == [2, 1]
    assert decisions.ranking.sel(child="c1").values.tolist() == ["p2", "p0", "p1"]
    np.testing.assert_array_equal(decisions.margin, [np.nan, 3.0])  # no runner-up: no margin, not an infinite one


def test_nan_stands_behind_minus_infinity():
    decisions = lineage.decide(scores([[np.nan], [-np.inf], [-3.0]]))
    assert decisions.ranking.values[0].tolist() == ["p2", "p1", "p0"]
    assert decisions.margin.item() == np.inf


def test_infinite_scores_win_and_two_of_them_are_a_tie():
    decisions = lineage.decide(scores([[1.0, np.inf], [np.inf, 0.0], [2.0, np.inf]]))
    assert decisions.prediction.values.tolist() == ["p1", "p0"]
    assert decisions.margin.values.tolist() == [np.inf, 0.0]
    assert decisions.tied.values.tolist() == [1, 2]


def test_a_tie_counts_what_drawing_one_would_get():
    same = lineage.decide(scores(np.zeros((4, 3))))
    assert lineage.accuracy(same, {"c0": "p0", "c1": "p2", "c2": "p3"}).item() == 0.25
    two_of_three = lineage.decide(scores([[1.0], [3.0], [3.0]]))
    for parent, share in (("p0", 0.0), ("p1", 0.5), ("p2", 0.5)):
        assert lineage.accuracy(two_of_three, {"c0": parent}).item() == share


def test_a_candidate_without_a_score_is_not_tied_with_another():
    decisions = lineage.decide(scores([[np.nan], [1.0], [np.nan]]))
    assert lineage.accuracy(decisions, {"c0": "p0"}).item() == 0.0
    assert lineage.accuracy(decisions, {"c0": "p1"}).item() == 1.0


def test_the_decision_does_not_depend_on_the_order_of_parents():
    table = scores([[3.0, 0.1], [1.0, 0.7], [2.5, 0.3]])
    shuffled = table.isel(parent=[2, 0, 1])
    assert (lineage.decide(table).prediction == lineage.decide(shuffled).prediction).all()


def test_one_candidate_is_named_without_a_margin():
    decisions = lineage.decide(scores([[1.0, -4.0]]))
    assert decisions.prediction.values.tolist() == ["p0", "p0"]
    assert np.isnan(decisions.margin).all()
    assert decisions.ranking.values.tolist() == [["p0"], ["p0"]]


def test_no_candidate_is_refused():
    with pytest.raises(ValueError, match="expected scores of at least one candidate parent, got none"):
        lineage.decide(scores(np.zeros((0, 2))))


@pytest.mark.parametrize("value", [np.nan, -np.inf])
def test_scores_that_are_all_nan_are_refused_and_placed(value):
    with pytest.raises(ValueError, match=r"all scores at child c1, alpha 0\.5 are NaN or -inf"):
        lineage.decide(scores([[[1.0, 1.0], [1.0, value]], [[1.0, 1.0], [1.0, np.nan]]], alpha=[0.0, 0.5]))
    with pytest.raises(ValueError, match="all scores are NaN or -inf"):
        lineage.decide(xarray.DataArray([value, np.nan], coords={"parent": ["a", "b"]}))


def test_an_unknown_truth_is_refused():
    with pytest.raises(ValueError, match="no true parent is known for child 'c1'"):
        lineage.accuracy(lineage.decide(scores([[1.0, 2.0], [2.0, 1.0]])), {"c0": "p0"})
