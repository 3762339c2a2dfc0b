"""A child of several parents, a child of one beside its relatives, and what cannot be explained."""

import numpy as np
import pytest

from lineage_jax import lineage


def network(*parts):
    """Sums kernels `(factor, seed)`."""
    draw = lambda seed, *shape: np.random.default_rng(seed).normal(size=shape)
    conv = sum(factor * draw(seed, 3, 3, 8, 16) for factor, seed in parts)
    dense = sum(factor * draw(seed + 50, 24, 24) for factor, seed in parts)
    return {"params": {"conv": {"kernel": conv}, "fc": {"kernel": dense, "bias": np.ones(24)}}}


BASE = {name: network((1, 0), (0.5, seed)) for seed, name in enumerate("abc", start=1)}


def test_an_average_of_two_relatives_leaves_nothing_and_names_both():
    found = lineage.mixture(BASE, network((1, 0), (0.25, 1), (0.25, 2)))
    np.testing.assert_allclose(found.weight, [0.5, 0.5, 0], atol=1e-9)
    assert found.attrs["residual"] < 1e-6 < 0.1 < found.attrs["residual_alone"]
    np.testing.assert_allclose(found.attrs["residual_alone"], found.alone.min())


def test_kernels_are_taken_in_pieces_of_any_size_alike(monkeypatch):
    child = network((1, 0), (0.2, 1), (0.3, 2), (0.4, 9))
    whole = lineage.mixture(BASE, child)
    monkeypatch.setattr("lineage_jax.lineage._mixture.AT_A_TIME", 200)  # less than one kernel, more than a row of it
    pieces = lineage.mixture(BASE, child)
    np.testing.assert_allclose(pieces.weight, whole.weight, rtol=1e-9)
    np.testing.assert_allclose(pieces.attrs["residual"], whole.attrs["residual"], rtol=1e-9)


def test_a_network_that_was_subtracted_has_a_negative_weight():
    found = lineage.mixture(BASE, network((0.5, 0), (0.5, 1), (-0.25, 3)))
    np.testing.assert_allclose(found.weight, [1, 0, -0.5], atol=1e-9)
    assert found.attrs["residual"] <= lineage.MERGED * found.attrs["residual_alone"]


def test_a_child_of_one_is_no_mixture_though_its_relatives_resemble_it():
    found = lineage.mixture(BASE, network((1, 0), (0.5, 1), (0.3, 9)))
    assert found.alone.values.argmin() == 0
    assert found.attrs["residual"] > 0.9 * found.attrs["residual_alone"]


def test_a_merge_is_still_seen_under_a_little_noise():
    found = lineage.mixture(BASE, network((1, 0), (0.25, 1), (0.25, 2), (0.05, 9)))
    np.testing.assert_allclose(found.weight, [0.5, 0.5, 0], atol=0.02)
    assert found.attrs["residual"] <= lineage.MERGED * found.attrs["residual_alone"]


def test_copies_share_their_weight():
    found = lineage.mixture({"a": BASE["a"], "copy": BASE["a"]}, BASE["a"])
    np.testing.assert_allclose(found.weight, [0.5, 0.5], rtol=1e-9)
    np.testing.assert_allclose(found.alone, [0, 0], atol=1e-7)


def test_what_a_candidate_lacks_counts_as_zeros():
    child = network((1, 0), (1, 1))
    half = {"params": {"conv": child["params"]["conv"]}}
    rest = {"params": {"fc": child["params"]["fc"]}}
    found = lineage.mixture({"half": half, "rest": rest}, child)
    np.testing.assert_allclose(found.weight, [1, 1], rtol=1e-9)
    assert found.attrs["residual"] < 1e-6
    np.testing.assert_allclose((found.alone**2).sum(), 1, rtol=1e-9)


def test_nothing_to_explain_is_refused():
    with pytest.raises(ValueError, match="at least one parent, got none"):
        lineage.mixture({}, BASE["a"])
    with pytest.raises(ValueError, match="kernels of several outputs, got none"):
        lineage.mixture(BASE, {"fc": {"kernel": np.ones((8, 1))}})
    with pytest.raises(ValueError, match="kernels of several outputs, got none"):
        lineage.mixture(BASE, {"step": 3})  # no weights at all
    with pytest.raises(ValueError, match="of parent 'bad' 1 of 4 values"):
        lineage.mixture({"bad": {"fc": {"kernel": np.array([[1.0, np.nan], [0, 1]])}}}, BASE["a"])
