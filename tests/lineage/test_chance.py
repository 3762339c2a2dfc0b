"""What kernels reach by chance: exact where units can be numbered in all orders, and seen by `overlap`."""

import itertools

import numpy as np
import pytest

from lineage_jax import lineage
from lineage_jax.lineage._chance import variance_by_chance


def centred(*shape, seed):
    kernel = np.random.default_rng(seed).normal(size=shape)
    return kernel - kernel.mean(axis=-1, keepdims=True)


def test_the_variance_is_that_over_all_orders_of_the_units():
    parent, child = centred(3, 3, 2, 5, seed=0), centred(3, 3, 2, 5, seed=1)
    products = [np.sum(parent[..., list(order)] * child) for order in itertools.permutations(range(5))]
    np.testing.assert_allclose(variance_by_chance(parent, child), np.var(products), rtol=1e-12)
    np.testing.assert_allclose(np.mean(products), 0, atol=1e-12)


@pytest.mark.parametrize("alike", [0.0, 1.0])
def test_of_many_units_a_part_is_enough(monkeypatch, alike):
    parent = centred(40, 500, seed=0)
    child = alike * parent + centred(40, 500, seed=1)
    some = variance_by_chance(parent, child)
    monkeypatch.setattr("lineage_jax.lineage._chance.AT_MOST", 500)
    np.testing.assert_allclose(some, variance_by_chance(parent, child), rtol=0.05)


def test_a_kernel_of_one_unit_and_a_single_number_say_nothing():
    assert variance_by_chance(np.ones((4, 1)), np.ones((4, 1))) == variance_by_chance(np.ones(()), np.ones(())) == 0


def strangers(count, *, zeros):
    """Networks of few weights, most of them zero, whose units all favour one direction."""
    trees = {}
    for seed in range(count):
        rng = np.random.default_rng(seed)
        kernel = rng.normal(size=(12, 16)) + 2 * np.linspace(1, 0, 12)[:, None] * rng.normal(size=16)
        trees[f"net-{seed}"] = {"fc": {"kernel": kernel * (rng.random(kernel.shape) > zeros)}}
    return trees


@pytest.mark.parametrize("zeros", [0.0, 0.8])
def test_cosines_of_small_strangers_scatter_as_chance_says(zeros):
    trees = strangers(40, zeros=zeros)
    first, *others = trees
    found = lineage.overlap({name: trees[name] for name in others}, trees[first])
    deviations = (found.centred_kernel_cosine / found.chance).values
    assert (found.centred_kernel_cosine > lineage.UNRELATED).any()  # the threshold alone would name a stranger
    assert np.abs(deviations).max() < lineage.CHANCE
    assert 0.7 < np.std(deviations) < 1.3


def test_a_relative_is_beyond_chance_though_it_is_small():
    parent = strangers(1, zeros=0.0)["net-0"]["fc"]["kernel"]
    child = parent + np.random.default_rng(9).normal(size=parent.shape)
    row = lineage.overlap({"a": {"fc": {"kernel": parent}}}, {"fc": {"kernel": child}}).isel(parent=0)
    assert row.centred_kernel_cosine > lineage.CHANCE * row.chance > lineage.UNRELATED
