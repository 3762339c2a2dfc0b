"""What each cue of who came first says, where it says nothing, and what several say together."""

import itertools

import ml_dtypes
import numpy as np
import pytest

from lineage_jax import lineage
from lineage_jax.lineage import Cue, Likeness

KERNEL = np.random.default_rng(0).normal(size=(3, 3, 16, 32)).astype(np.float32)


def by(first, *, error=0.01, forgeable=False, name="some"):
    return Cue(name=name, first=first, error=error, tried=300, forgeable=forgeable, said="")


def both_ways(function, one, other):
    """Returns who came first with the two in both roles; the answers must be each other's mirror image."""
    found = [function({"fc": a}, {"fc": b}) for a, b in ((one, other), (other, one))]
    assert [each is None for each in found] in ([True, True], [False, False])
    if found[0] is None:
        return None
    mirrored = {"candidate": "child", "child": "candidate", None: None}
    assert found[1].first == mirrored[found[0].first]
    return found[0].first


def test_the_error_is_the_rate_at_which_so_few_errors_are_improbable():
    """By its definition: at that rate, as few errors or fewer come in one of twenty experiments."""
    rng = np.random.default_rng(0)
    for wrong, tried in ((0, 40), (2, 60)):
        rate = lineage.cue_error(wrong, tried)
        assert abs((rng.binomial(tried, rate, 200_000) <= wrong).mean() - 0.05) < 0.002
    assert lineage.cue_error(0, 0) == lineage.cue_error(3, 3) == 1
    with pytest.raises(ValueError, match="expected from 0 to 3 errors in 3 trials, got 4"):
        lineage.cue_error(4, 3)


def test_every_cue_brings_the_error_that_was_measured():
    for cue in (lineage.cue_by_counters({"a": 1}, {"a": 2}), lineage.cue_by_head(1000, 3)):
        wrong, tried = lineage.MEASURED.get(cue.name, (0, 0))
        assert (cue.error, cue.tried) == (lineage.cue_error(wrong, tried), tried)


def test_cues_that_contradict_each_other_cancel():
    assert lineage.came_first([by("candidate"), by("child", name="other")]).first is None
    assert lineage.came_first([by("candidate", forgeable=True), by("child", forgeable=True)]).error == 1
    order = lineage.came_first([by(None), by("candidate", forgeable=True, name="counters")])
    assert (order.first, order.siblings, order.contradicted_by) == (None, True, ("counters",))


def test_what_cannot_be_forged_decides_and_the_rest_is_told():
    order = lineage.came_first([by("child", forgeable=True, name="counters", error=0.001), None, by("candidate")])
    assert (order.first, order.error, order.decided_by) == ("candidate", 0.01, ("some",))
    assert order.contradicted_by == ("counters",)
    assert lineage.came_first([by("child", forgeable=True)]).first == "child"


def test_an_unsure_cue_names_nobody_and_keeps_counters_from_naming_another():
    unsure = by("child", error=0.5)
    assert lineage.came_first([unsure, by("candidate", forgeable=True)]).first is None
    assert lineage.came_first([by("candidate", error=0.5), by("candidate", forgeable=True)]).first == "candidate"
    assert lineage.came_first([by("child", error=0.5), by("candidate")]).first == "candidate"


def test_that_neither_descends_needs_as_small_an_error_as_that_one_does():
    assert lineage.came_first([by(None)]).siblings
    assert not lineage.came_first([by(None, error=0.5)]).siblings


def test_the_order_of_cues_does_not_matter():
    cues = [by("candidate"), by("child", forgeable=True, name="b"), by("candidate", error=0.05, name="c")]
    found = {lineage.came_first(each) for each in itertools.permutations(cues)}
    assert len(found) == 1


def test_without_cues_or_with_unsure_ones_nothing_is_decided():
    for cues in ([], [None], [by("child", error=0.5)]):
        order = lineage.came_first(cues)
        assert (order.first, order.error, order.decided_by, order.siblings) == (None, 1.0, (), False)


def test_a_hidden_ancestor_is_dated_alike_in_all_its_children():
    """Counters of two published detectors that share a backbone, and of the backbone."""
    fast = {"backbone.bn": 1_905_515, "head.bn": 343_102}
    yolo = {"backbone.bn": 1_700_730, "head.bn": 138_317}
    assert lineage.begun_at(fast) == lineage.begun_at(yolo) == 1_562_413
    cue = lineage.cue_by_counters({"backbone.bn": 1_562_413}, fast)
    assert (cue.first, cue.name, cue.forgeable) == ("candidate", "batches at the start", True)


@pytest.mark.parametrize(
    ("counters", "steps", "begun"),
    [({}, 5, None), ({"a": 7}, None, None), ({"a": 7}, 9, None), ({"a": 7}, 7, 0), ({"a": 1, "b": 2, "c": 4}, 1, None)],
    ids=["no counters", "no steps", "more steps than batches", "trained from its initialisation", "three values"],
)
def test_what_counters_say_of_the_start(counters, steps, begun):
    assert lineage.begun_at(counters, steps) == begun


def test_a_head_says_something_only_where_one_is_of_a_set_for_pretraining():
    assert lineage.cue_by_head(37, 1000).first == "child"
    assert lineage.cue_by_head(21_841, 1000).first == "candidate"
    assert lineage.cue_by_head(None, 1000) is lineage.cue_by_head(1000, 1000) is lineage.cue_by_head(10, 3) is None


@pytest.mark.parametrize("share", [0.5, 0.9])
def test_the_pruned_one_came_later_also_after_training_on(share):
    mask = np.abs(KERNEL) > np.quantile(np.abs(KERNEL), share)
    tuned = np.where(mask, KERNEL + 0.3, 0).astype(np.float32)
    for sparse in (KERNEL * mask, tuned):
        assert both_ways(lineage.cue_by_zeros, KERNEL, sparse) == "candidate"


def test_zeros_of_a_near_relative_say_nothing():
    """Neither came from the other: one was pruned, and one rounded or trained on."""
    sparse = np.where(np.abs(KERNEL) > 1.5, KERNEL, 0)
    for relative in (on_grid(KERNEL), on_grid(KERNEL, axis=(0, 1, 2)), 1.01 * KERNEL + 0.01 * KERNEL[::-1]):
        assert both_ways(lineage.cue_by_zeros, relative, sparse) is None


def test_zeros_that_pruning_did_not_put_there_say_nothing():
    rng = np.random.default_rng(1)
    sparse = np.where(np.abs(KERNEL) > 1.5, KERNEL, 0)
    regrown = sparse + 0.1 * rng.normal(size=KERNEL.shape).astype(np.float32)  # a sparse parent, tuned without its mask
    at_random = np.where(rng.random(KERNEL.shape) < 0.5, KERNEL, 0)
    dead = KERNEL * (np.arange(32) > 8)
    for one, other in ((sparse, regrown), (KERNEL, at_random), (KERNEL, dead), (KERNEL, KERNEL)):
        assert both_ways(lineage.cue_by_zeros, one, other) is None


def on_grid(kernel, levels=127, axis=None):
    step = np.abs(kernel).max(axis=axis, keepdims=axis is not None) / levels
    return (np.round(kernel / step) * step).astype(np.float32)


@pytest.mark.parametrize(
    "rounded",
    [
        *(KERNEL.astype(dtype).astype(np.float32) for dtype in (np.float16, ml_dtypes.bfloat16)),
        *(on_grid(KERNEL), on_grid(KERNEL, axis=(0, 1, 2)), on_grid(KERNEL, levels=7)),
    ],
    ids=["float16", "bfloat16", "int8", "int8 by unit", "int4"],
)
def test_the_rounded_one_came_later(rounded):
    assert both_ways(lineage.cue_by_rounding, KERNEL, rounded) == "candidate"


def test_one_network_rounded_in_two_ways_says_nothing():
    """Steps of each unit are so much finer than one for all that the coarser one seems to be the finer one rounded."""
    wide = KERNEL * np.linspace(0.02, 1, 32, dtype=np.float32)
    assert both_ways(lineage.cue_by_rounding, on_grid(wide, axis=(0, 1, 2)), on_grid(wide)) is None
    assert both_ways(lineage.cue_by_rounding, wide, on_grid(wide)) == "candidate"


def test_a_network_tuned_from_a_rounded_one_says_nothing():
    """A grid alone would call the parent the younger one."""
    steps = 0.05 * np.random.default_rng(2).normal(size=KERNEL.shape).astype(np.float32)
    for rounded in (on_grid(KERNEL), KERNEL.astype(np.float16).astype(np.float32)):
        assert both_ways(lineage.cue_by_rounding, rounded, rounded + steps) is None
        assert both_ways(lineage.cue_by_rounding, rounded, rounded + 1e-3 * steps) is None
        assert both_ways(lineage.cue_by_rounding, rounded, KERNEL + steps) is None
    assert both_ways(lineage.cue_by_rounding, KERNEL, KERNEL) is None


def test_kernels_without_a_counterpart_are_passed_over():
    small = {"fc": np.eye(3, dtype=np.float32), "other": KERNEL}
    for function in (lineage.cue_by_zeros, lineage.cue_by_rounding):
        assert function(small, {"fc": np.ones((3, 3), np.float32), "another": KERNEL}) is None
        assert function({}, {}) is None


def alike(cosine, kept=1.0, given=1.0):
    return Likeness(cosine, kept, given)


def seen(apart, of_child, of_candidate):
    """Returns the cue of one third relative, of a candidate "a" and a child that has faded from it."""
    return lineage.cue_by_outgroup("a", {"a": alike(apart, 0.8, 1.2), "b": alike(of_child)}, {"b": alike(of_candidate)})


def test_an_outgroup_names_the_one_between_from_which_the_other_has_faded():
    cue = seen(0.9, 0.63, 0.7)
    assert (cue.first, cue.forgeable) == ("candidate", False)
    turned = lineage.cue_by_outgroup("a", {"a": alike(0.9, 1.2, 0.8), "b": alike(0.7)}, {"b": alike(0.63)})
    assert turned.first == "child"


@pytest.mark.parametrize("shares", [(1.0, 1.0), (1.2, 0.8), (0.97, 1.2), (0.8, 1.03), (0.8, 0.8), (np.nan, np.nan)])
def test_where_the_beginning_is_not_shown_nobody_is_named_and_the_one_between_is_told(shares):
    """A child of the child as third relative puts the child in the middle: only fading tells."""
    of_child, of_candidate = {"a": alike(0.95, *shares), "b": alike(0.779)}, {"b": alike(0.82)}
    assert lineage.cue_by_outgroup("a", of_child, of_candidate) is None
    assert lineage.between("a", of_child, of_candidate) == {"b": "candidate"}


def test_siblings_are_told_only_where_both_have_faded_from_what_lies_between_them():
    faded, alone = alike(0.9, 0.8, 1.2), {"a": alike(0.81)}
    cue = lineage.cue_by_outgroup("a", alone | {"b": faded}, {"b": faded})
    assert (cue.name, cue.first) == ("outgroup", None)
    for other in (faded.turned, alike(0.9)):  # a chain from one end to the other, or no sign of where it begins
        assert lineage.cue_by_outgroup("a", alone | {"b": faded}, {"b": other}) is None
    hanging_off = alike(0.8, 0.8, 1.2)
    assert lineage.cue_by_outgroup("a", {"a": alike(0.8), "b": hanging_off}, {"b": hanging_off}) is None
    assert lineage.cue_by_outgroup("a", alone, {}) is None


@pytest.mark.parametrize(
    ("apart", "of_child", "of_candidate"),
    [(0.9, 0.75, 0.84), (0.9, 0.5, 0.7), (0.99999, 0.7, 0.7), (0.9, -0.1, 0.2), (0.7, 0.3, 0.4)],
    ids=["third too near", "distances that do not add up", "a copy", "opposite signs", "only one way adds up"],
)
def test_an_outgroup_that_says_nothing(apart, of_child, of_candidate):
    assert seen(apart, of_child, of_candidate) is None
    of = {"a": alike(apart), "b": alike(of_child)}
    assert lineage.between("a", of, {"b": alike(of_candidate)}) == {}


def test_relatives_that_contradict_each_other_say_nothing():
    pair = alike(0.9, 0.8, 1.2)
    faded = alike(0.95, 0.85, 1.15)
    of_child, of_candidate = {"a": pair, "b": alike(0.63), "c": faded}, {"b": alike(0.7), "c": faded}
    assert lineage.cue_by_outgroup("a", of_child, of_candidate) is None  # a came first; both came from c
    assert "b and" not in lineage.cue_by_outgroup("a", of_child, {"b": of_candidate["b"]}).said
    assert lineage.cue_by_outgroup("a", of_child, {"c": faded}).first is None


def test_what_fades_is_kept_in_part_whatever_is_added_in_few_places():
    rng = np.random.default_rng(3)
    learned = np.where(rng.random(KERNEL.shape) < 0.2, rng.normal(size=KERNEL.shape), 0)
    later = 0.8 * KERNEL + learned
    assert lineage.kept({"fc": KERNEL}, {"fc": later}) == pytest.approx(0.8, abs=0.01)
    found = alike(0.9, lineage.kept({"fc": KERNEL}, {"fc": later}), lineage.kept({"fc": later}, {"fc": KERNEL}))
    assert (found.is_later, found.is_earlier) == (True, False)
    assert (found.turned.is_later, found.turned.is_earlier) == (False, True)
    without_decay = KERNEL + learned
    shares = lineage.kept({"fc": KERNEL}, {"fc": without_decay}), lineage.kept({"fc": without_decay}, {"fc": KERNEL})
    unsure = alike(0.9, *shares)
    assert (unsure.is_later, unsure.is_earlier) == (False, False)


def test_nothing_is_kept_of_what_has_no_counterpart_or_is_zero():
    for one, other in (({}, {}), ({"a": KERNEL}, {"b": KERNEL}), ({"a": 0 * KERNEL}, {"a": KERNEL})):
        assert np.isnan(lineage.kept(one, other))
