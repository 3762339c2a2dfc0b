"""Probabilities of kinship: what p-values become, and what as few families as there are can bear out."""

import dataclasses

import numpy as np
import pytest

from lineage_jax import kinship

SEPARATE = [1e-40, 1e-20, 1e-15, 0.02, 0.3, 0.9]
RELATED = [True, True, True, False, False, False]


def fitted(p, related, runs=(20, 20)):
    return kinship.fit_calibration(np.asarray(p).tolist(), np.asarray(related).tolist(), runs=runs, families=["a", "b"])


def test_probability_rises_as_p_falls_and_stays_within_what_runs_can_show():
    found = fitted(SEPARATE, RELATED, runs=(8, 98))
    told = [kinship.probability(p, found) for p in (1.0, 0.1, 1e-3, 1e-6, 1e-9, 1e-12, 1e-200, 0.0)]
    assert told == sorted(told)
    assert told[0] == found.least == 0.1
    assert told[-1] == told[-2] == told[-3] < found.most == 0.99
    assert found.families == ("a", "b")


def test_families_that_separate_give_no_certainty_and_more_runs_more():
    few, many = (fitted(SEPARATE, RELATED, runs=(runs, runs)) for runs in (3, 300))
    assert 0 < few.slope < many.slope <= np.log(10)
    assert kinship.probability(0.0, few) <= 0.8 < kinship.probability(0.0, many) < 0.997


def test_a_family_with_errors_is_told_as_often_as_it_errs():
    rng = np.random.default_rng(0)
    decades = rng.uniform(0, 8, 4000)
    related = rng.random(4000) < 1 / (1 + np.exp(3 - decades))
    odds = related.mean() / (1 - related.mean())  # classes are weighed alike, so their share is taken off
    found = fitted(10**-decades, related, runs=(4000, 4000))
    np.testing.assert_allclose(found.slope, 1.0, rtol=0.1)  # 4,000 pairs
    np.testing.assert_allclose(found.intercept, -3.0 - np.log(odds), rtol=0.1)


def test_pairs_without_information_are_even_odds():
    found = fitted([0.1, 0.5, 0.9] * 2, [True] * 3 + [False] * 3)
    np.testing.assert_allclose([kinship.probability(p, found) for p in (0.0, 0.5, 1.0)], 0.5, atol=1e-3)


def test_kinds_are_combined_by_bonferroni_and_those_that_judged_nothing_do_not_count():
    layer = kinship.Layer(name="fc1", paths=("fc1",), units=64, statistic=2.0, p=0.02)
    one = kinship.Evidence(kind="in place", layers=(layer,), statistic=2.0, p=0.02, share=1.0, left_out={})
    silent = dataclasses.replace(one, kind="matched", layers=(), p=1.0)
    assert kinship.combined([one]) == kinship.combined([silent, one]) == 0.02
    assert kinship.combined([one, dataclasses.replace(one, p=0.5)]) == 0.04
    assert kinship.combined([dataclasses.replace(one, p=0.9)] * 2) == 1.0
    assert kinship.combined([silent]) == 1.0


def test_what_is_used_by_default_says_whom_it_was_fitted_to():
    assert kinship.CALIBRATION.families
    assert 0 < kinship.CALIBRATION.slope <= np.log(10)
    assert kinship.probability(1.0) < 0.5 < kinship.probability(1e-100) <= kinship.CALIBRATION.most < 1


def test_what_cannot_be_fitted_or_told_is_refused():
    with pytest.raises(ValueError, match=r"relatives and strangers of at least one run each, got 2 of 2 pairs related"):
        fitted([0.1, 0.2], [True, True])
    with pytest.raises(ValueError, match=r"runs \(0, 3\)"):
        fitted(SEPARATE, RELATED, runs=(0, 3))
    with pytest.raises(ValueError, match=r"between 0 and 1, got 1\.5"):
        fitted([1.5, 0.1], [True, False])
    with pytest.raises(ValueError, match="between 0 and 1, got nan"):
        kinship.probability(float("nan"))
