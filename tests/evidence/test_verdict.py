"""Whose child it is: one rule over what was measured, on weights alone, with features, on noise and with a detector."""

import json

import numpy as np
import pytest
import xarray

from lineage_jax import detector, lineage
from lineage_jax.evidence._verdict import RELATIONS, Measured, name_one, possible_parents, relatives, verdict_of
from lineage_jax.evidence._wording import as_json, notes, sentence

SHARED = {
    "kernel_cosine": 0.0,
    "chance": 0.005,
    "compared": 1.0,
    "tensors": 10,
    "parameters": 100_000,
    "identical": 0,
    "turned": 0,
    "parent_module": "",
    "child_module": "",
}


def measured(cosines, *, of=None, **others):
    """Returns what was measured of a child `c`; `of` holds what differs for some candidates."""
    rows = [
        SHARED | {"centred_kernel_cosine": value, "overlap_information": 2 * value} | (of or {}).get(name, {})
        for name, value in cosines.items()
    ]
    weights = xarray.Dataset(
        {
            key: ("parent", [row[key] for row in rows])
            for key in (*SHARED, "centred_kernel_cosine", "overlap_information")
        },
        coords={"parent": list(cosines)},
        attrs={"tensors": 10, "parameters": 100_000},
    )
    return Measured(child="c", weights=weights, **others)


def said(found, between=None, mixture=None):
    """Returns the verdict, the sentence and the notes."""
    verdict = verdict_of(found, between or {}, mixture or {})
    assert verdict.relation in RELATIONS
    assert json.loads(json.dumps(as_json(found, verdict)))["relation"] == verdict.relation
    return verdict, sentence(found, verdict), list(notes(found, verdict))


def scores(**values):
    return xarray.DataArray(list(values.values()), coords={"parent": list(values)})


def all_for(name, cosines, count=10):
    """Features that all name one candidate."""
    return {
        f"cka taylor {place}": scores(**{other: float(other == name) for other in cosines}) for place in range(count)
    }


STRANGERS = {"x": 0.019, "y": -0.01, "z": 0.002}
RELATED = {"x": 0.9, "y": 0.7, "z": 0.002}


@pytest.mark.parametrize("on_noise", [False, True])
@pytest.mark.parametrize("name", ["x", "z"])
def test_no_votes_of_features_name_a_stranger(on_noise, name):
    found = measured(STRANGERS, features=all_for(name, STRANGERS), on_noise=on_noise)
    verdict, line, _ = said(found)
    assert (verdict.prediction, verdict.relation, verdict.nearest) == (None, "none of these", "x")
    assert line.startswith("None of these is the parent of c, x comes nearest: centred kernel cosine 0.019; 100%")
    assert said(measured(RELATED, features=all_for("z", RELATED), on_noise=on_noise))[0].prediction in ("x", "y")


@pytest.mark.parametrize("on_noise", [False, True])
def test_features_choose_nothing(on_noise):
    found = measured(RELATED, features=all_for("y", RELATED), on_noise=on_noise)
    assert name_one(found) == ("x", "information about weights")
    assert "0 of 10 approximated scores of features" in said(found)[1]


def test_of_relatives_the_one_that_gives_most_information_is_named_whatever_the_cosines():
    found = measured(RELATED, of={"x": {"overlap_information": 1.0}, "y": {"overlap_information": 2.0}})
    verdict, line, beside = said(found)
    assert (verdict.prediction, verdict.decided_by) == ("y", "information about weights")
    start = "c is related to y: centred kernel cosine 0.700, next x (0.900), though y gives more information about c"
    assert line.startswith(f"{start}; ")
    assert beside == ["also related: x (0.900)"]
    assert name_one(measured({"x": 0.9, "z": 0.0})) == ("x", "centred kernel cosine")
    near = measured(RELATED, of={"x": {"overlap_information": 1.92}, "y": {"overlap_information": 2.0}})
    assert said(near)[0].near_ties == ("x",)


def test_a_detector_chooses_among_relatives_only():
    nobody = detector.NOBODY
    for shares, named in (
        ({"x": 0.2, "y": 0.3, "z": 0.5}, "y"),
        ({"x": 0.2, "y": 0.1, "z": 0.3, nobody: 0.4}, None),
        ({"x": 0.3, "y": 0.1, "z": 0.5, nobody: 0.1}, "x"),
    ):
        found = measured(RELATED, probabilities=scores(**shares))
        verdict, line, _ = said(found)
        assert (verdict.prediction, verdict.decided_by) == (named, "detector")
        assert ("None of these is the parent of c, says the detector, though x is related" in line) == (named is None)
    assert "the detector gives x 30.0%, most, 50.0%, to z" in line
    verdict, line, _ = said(measured(STRANGERS, probabilities=scores(x=0.1, y=0.9, z=0.0)))
    assert verdict.prediction is None
    assert line.endswith("the detector gives x 10.0%, most, 90.0%, to y.")
    assert Measured(child="c", weights=found.weights).nobody == nobody


def test_a_detector_that_was_asked_about_relatives_alone_says_so():
    found = measured(RELATED, probabilities=scores(x=0.25, y=0.75), among_relatives=True)
    verdict, line, _ = said(found)
    assert (verdict.prediction, verdict.decided_by) == ("y", "detector")
    assert line.endswith("; if one of the 2 relatives is the parent, the detector gives y 75.0%.")
    assert possible_parents(found) == ["x", "y"]
    assert name_one(found.select(["x", "z"])) == ("x", "centred kernel cosine")
    assert name_one(found.select(["x", "y"])) == ("y", "detector")
    mixed, line, _ = said(found, mixture={"x": 0.5, "y": 0.5})
    assert (mixed.relation, "detector" in line) == ("mixture", False)


def test_whom_a_detector_passes_over_is_almost_as_near():
    near = {"x": {"overlap_information": 1.92}, "y": {"overlap_information": 2.0}}
    for shares, named, tied in (({"x": 0.9, "y": 0.1}, "x", "y"), ({"x": 0.1, "y": 0.9}, "y", "x")):
        found = measured(RELATED, of=near, probabilities=scores(**shares), among_relatives=True)
        assert (said(found)[0].prediction, said(found)[0].near_ties) == (named, (tied,))


def test_one_candidate_is_mine_or_not():
    assert said(measured({"x": 0.4}))[1].startswith("c is related to x: centred kernel cosine 0.400; 100% of")
    verdict, line, _ = said(measured({"x": 0.01}, features=all_for("x", ["x"])))
    assert verdict.prediction is None
    assert line == "c is not related to x: centred kernel cosine 0.010; 100% of its kernels were compared."


def test_few_weights_reach_a_cosine_by_chance():
    few = {"x": {"chance": 0.05}}
    verdict, line, _ = said(measured({"x": 0.15}, of=few))
    assert verdict.prediction is None
    assert "centred kernel cosine 0.150, which units numbered at random reach too, so few are they;" in line
    assert said(measured({"x": 0.25}, of=few))[0].prediction == "x"
    assert lineage.UNRELATED < 0.15


def test_what_could_not_be_compared_is_no_stranger():
    little = {"compared": 0.02, "tensors": 1}
    not_plain = {"c": "9 tensors cannot be brought to plain weights, 'fc' for one (packed)"}
    verdict, line, _ = said(
        measured({"x": 0.9, "y": 0.1}, of={"x": little, "y": little | {"compared": 0.01}}, not_plain=not_plain)
    )
    assert (verdict.prediction, verdict.relation) == (None, "cannot be compared")
    assert line == (
        "c cannot be compared with any of these: in x, which has most, 1 of its 10 tensors have a counterpart of equal "
        "name and shape, 2% of its kernels; of c, 9 tensors cannot be brought to plain weights, 'fc' for one (packed)."
    )
    verdict, line, beside = said(measured(STRANGERS, of={"x": little}))
    assert (verdict.prediction, verdict.relation, verdict.nearest) == (None, "none of these", "z")
    assert beside == ["x could not be compared: 2% of c's kernels have a counterpart there"]
    assert verdict.incomparable == {"x": 0.02}
    none = {"compared": 0.0, "tensors": 0}
    assert said(measured({"x": 0.0}, of={"x": none}))[1].startswith("c cannot be compared with x: there 0 of its 10")


def test_near_ties_other_relatives_and_opposite_signs_are_said():
    _, _, beside = said(measured({"x": 0.729, "y": 0.685, "z": 0.3, "w": -0.937, "v": 0.01}))
    assert beside == [
        "almost as near: y (0.685); c may descend from either, or from both",
        "also related: z (0.300)",
        "w is related with the opposite sign (-0.937): it was subtracted, or its signs were turned",
    ]
    verdict, _, beside = said(measured({"w": -0.937, "v": 0.01}))
    assert (verdict.prediction, verdict.opposite) == (None, {"w": -0.937})
    assert len(beside) == 1


def test_kernels_in_another_layout_are_said():
    beside = said(measured({"x": 0.9}, of={"x": {"turned": 3}}))[2]
    assert beside == ["3 kernels of x were transposed or flipped to the layout of c"]


def test_equal_tensors_are_counted_and_said():
    assert (
        "; 100% of its kernels were compared, 7 of 10 tensors are bit for bit equal; "
        in said(measured({"x": 0.9}, of={"x": {"identical": 7}}))[1]
    )


def test_the_child_among_the_candidates_is_left_out():
    alone = measured({}, left_out={"copy": "an equal file"})
    verdict, line, _ = said(alone)
    assert (verdict.prediction, verdict.relation, line) == (
        "copy",
        "same network",
        "c is the same network as copy: an equal file.",
    )
    assert said(measured({}, left_out={"c": "the same place"}))[1] == "c is itself the only candidate."
    verdict, line, beside = said(measured(STRANGERS, left_out={"c": "the same place", "copy": "an equal file"}))
    assert (verdict.prediction, verdict.relation) == (None, "none of these")
    assert line.startswith("None of the others is the parent of c, x comes nearest")
    assert beside == [
        "c is itself among the candidates, and left out",
        "copy is left out, it is the same network as c: an equal file",
    ]


def counted(**counts):
    return {name: {"bn": count} for name, count in counts.items()}


def test_counters_say_which_came_first_and_set_later_networks_aside():
    verdict, line, beside = said(measured(RELATED, counters=counted(c=50, x=90, y=20)))
    assert (verdict.prediction, verdict.relation, verdict.counted_after) == ("y", "parent", ("x",))
    assert line.startswith("y is the most likely parent of c: centred kernel cosine 0.700, nearer x (0.900)")
    assert line.endswith("y has counted fewer batches than c.")
    assert "counted more batches than c, so rather later networks: x" in beside
    verdict, line, _ = said(measured(RELATED, counters=counted(c=50, x=90, y=90)))
    assert (verdict.prediction, verdict.relation) == ("x", "descendant")
    assert line.endswith("but x has counted more batches than c, so it came later if nobody set its counters.")
    assert said(measured(STRANGERS, counters=counted(c=50, x=10)))[0].prediction is None


def test_counters_of_modules_that_correspond_are_compared():
    inside = {"x": {"child_module": "backbone/body"}}
    counters = {"c": {"backbone.body.bn": 50, "head.bn": 1}, "x": {"bn": 20}}
    assert said(measured(RELATED, of=inside, counters=counters))[0].relation == "parent"


def test_direction_is_claimed_where_something_shows_it():
    assert said(measured({"x": 0.9}))[0].relation == "related"
    verdict, line, _ = said(measured({"x": 0.9, "y": 0.72}), between={"y": 0.8})
    assert verdict.relation == "parent"
    assert line.endswith("; it lies between c and y, as a parent does unless it descends from c.")
    verdict, line, _ = said(measured({"x": 0.8, "y": 0.79}), between={"y": 0.8})
    assert (verdict.relation, verdict.place) == ("related", "siblings")
    assert line.startswith("c is related to x: centred kernel cosine 0.800, next y (0.790)")
    assert line.endswith("; seen from y, both lie apart, as siblings do, and ancestors of what has forgotten much.")
    contradicting = measured({"x": 0.8, "y": 0.79}, counters=counted(c=50, x=20))
    verdict, line, _ = said(contradicting, between={"y": 0.8})
    assert verdict.relation == "related"
    assert line.endswith("; x has counted fewer batches, but both lie apart from y as siblings do.")
    verdict, line, _ = said(measured({"x": 0.9, "y": 0.8}), between={"y": 0.72})
    assert (verdict.relation, verdict.place) == ("related", "child between")


def test_a_mixture_names_all_its_parents():
    verdict, line, beside = said(measured({"x": 0.72, "y": 0.7}), between={"y": 0.0}, mixture={"x": 0.4, "y": 0.6})
    assert (verdict.prediction, verdict.relation) == ("y", "mixture")
    assert line.startswith("c is a mixture, 0.40 of x, 0.60 of y; it is related most to y: centred kernel cosine 0.700")
    assert not any("almost" in line for line in beside)
    assert said(measured(STRANGERS), mixture={"x": 1.0, "y": -1.0})[0].prediction is None


def test_relatives_come_nearest_first():
    assert list(relatives(measured({"a": 0.2, "b": 0.9, "c2": 0.0, "d": np.nan}).weights)) == ["b", "a"]
