"""Choosing a setting on some of the children: the best one there, the first of equals, in labels that select it."""

import numpy as np
import pytest
import xarray

from lineage_jax import lineage

TRUTH = {"x": "a", "y": "b", "z": "b"}


def scores_for(named):
    """Scores over measure, parent, child and alpha that name these parents: by setting those of `x`, `y` and `z`."""
    scores = xarray.DataArray(
        np.zeros((2, 2, 3, 2)),
        coords={"measure": ["l1", "cka"], "parent": ["a", "b"], "child": list(TRUTH), "alpha": [0.0, 0.5]},
    )
    for (measure, alpha), parents in named.items():
        for child, parent in zip(TRUTH, parents, strict=True):
            scores.loc[{"measure": measure, "alpha": alpha, "parent": parent, "child": child}] = 1
    return scores


SCORES = scores_for({("l1", 0.0): "aaa", ("l1", 0.5): "bab", ("cka", 0.0): "abb", ("cka", 0.5): "abb"})


def test_the_setting_that_names_most_is_chosen_and_selects_its_scores():
    chosen = lineage.choose(SCORES, TRUTH, ["x", "y", "z"])
    assert chosen == {"measure": "cka", "alpha": 0.0}
    decisions = lineage.decide(SCORES.sel(chosen))
    assert lineage.accuracy(decisions, TRUTH).item() == 1


def test_only_the_children_named_choose():
    assert lineage.choose(SCORES, TRUTH, ["x"]) == {"measure": "l1", "alpha": 0.0}
    assert lineage.choose(SCORES, TRUTH, ("z",)) == {"measure": "l1", "alpha": 0.5}


def test_of_equals_the_first_in_the_order_of_the_axes_is_taken():
    every = ["x", "y", "z"]
    assert lineage.choose(SCORES[:, :, :, ::-1], TRUTH, every) == {"measure": "cka", "alpha": 0.5}
    equal = scores_for({("l1", 0.5): "abb", ("cka", 0.0): "abb"})
    assert lineage.choose(equal, TRUTH, every) == {"measure": "l1", "alpha": 0.5}
    assert lineage.choose(equal.transpose("alpha", ...), TRUTH, every) == {"alpha": 0.0, "measure": "cka"}


def test_tied_candidates_count_as_drawing_one_of_them():
    half_and_two = scores_for({("l1", 0.5): "aba", ("cka", 0.5): "aba"})  # everywhere else all candidates are tied
    half_and_two.loc[{"measure": "l1", "alpha": 0.5, "child": "z"}] = 1
    assert lineage.choose(half_and_two, TRUTH, ["x", "y", "z"]) == {"measure": "l1", "alpha": 0.5}


def test_scores_of_one_setting_choose_nothing():
    assert lineage.choose(SCORES.sel(measure="cka", alpha=0.5, drop=True), TRUTH, ["x"]) == {}


def test_a_choice_that_nothing_stands_behind_is_refused():
    with pytest.raises(ValueError, match="at least one child to choose a setting on, got none"):
        lineage.choose(SCORES, TRUTH, [])
    with pytest.raises(ValueError, match="expected scores of every child to choose on, got none of 'w'"):
        lineage.choose(SCORES, TRUTH, ["x", "w"])
    with pytest.raises(ValueError, match="no true parent is known for child 'y'"):
        lineage.choose(SCORES, {"x": "a"}, ["x", "y"])
    nowhere = SCORES.where(SCORES["alpha"] == 0)
    with pytest.raises(ValueError, match=r"all scores at measure l1, child x, alpha 0\.5 are NaN or -inf"):
        lineage.choose(nowhere, TRUTH, ["x"])


def test_labels_may_be_plain_objects_as_joined_scores_have_them():
    joined = xarray.concat([SCORES.sel(measure="cka"), SCORES.sel(measure="l1")], dim="which")
    labels = np.array(["cka", "l1"], dtype=object)
    assert lineage.choose(joined.assign_coords(which=labels), TRUTH, ["x", "y", "z"]) == {"which": "cka", "alpha": 0.0}
