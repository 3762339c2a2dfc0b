"""Adjusted p-values, and evidence by layer."""

import numpy as np
import pytest

from lineage_jax import kinship


def test_the_smallest_is_multiplied_by_the_number_and_order_stays():
    assert kinship.holm({"c": 0.04, "a": 0.01, "b": 0.03}) == {"c": 0.06, "a": 0.03, "b": 0.06}
    assert kinship.holm({}) == {}
    assert kinship.holm({"a": 0.0, "b": 1.0}) == {"a": 0.0, "b": 1.0}


def test_any_true_null_is_rejected_at_most_as_often_as_the_level_says():
    rng = np.random.default_rng(0)
    shared = rng.uniform(size=(4000, 1))
    for p in (rng.uniform(size=(4000, 5)), np.repeat(shared, 5, axis=1), np.c_[shared, 1 - shared]):
        rejected = [min(kinship.holm(dict(zip("abcde", row, strict=False))).values()) < 0.05 for row in p.tolist()]
        assert np.mean(rejected) < 0.05 + 3 * np.sqrt(0.05 * 0.95 / 4000)


@pytest.mark.parametrize("value", [-0.1, 1.1, float("nan")])
def test_what_is_no_p_value_is_refused_by_name(value):
    with pytest.raises(ValueError, match=f"between 0 and 1, got {value} for 'b'"):
        kinship.holm({"a": 0.5, "b": value})


def test_layers_are_adjusted_for_their_number():
    layers = tuple(
        kinship.Layer(name=name, paths=(name,), units=16, statistic=0.0, p=p) for name, p in (("a", 0.5), ("b", 0.01))
    )
    found = kinship.Evidence(kind="in place", layers=layers, statistic=0.0, p=0.1, share=1.0, left_out={})
    assert found.by_layer() == {"a": 0.5, "b": 0.02}
