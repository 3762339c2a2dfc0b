"""Information that a parent gives about one tensor of a child."""

import ml_dtypes
import numpy as np
import pytest

from lineage_jax.leaves import best_factor, information, mean_information
from lineage_jax.leaves._information import SAMPLE

SIZE = 10_000


def normal(seed, size=SIZE):
    return np.random.default_rng(seed).normal(size=size)


def bits(parent, child):
    return information(parent, child)[0]


@pytest.mark.parametrize("size", [1e-3, 1e-2, 0.1])
def test_bits_are_the_entropy_of_the_child_less_that_of_the_step(size):
    parent, random = normal(0), np.random.default_rng(1)
    of_normal = np.log2(2 * np.pi * np.e) / 2  # of variance 1
    steps = {of_normal: random.normal(size=SIZE), np.log2(2 * np.e): random.laplace(size=SIZE)}
    for of_step, step in steps.items():
        # a kernel estimate from 10,000 numbers; the child is wider than the parent by the step
        assert bits(parent, parent + size * step) == pytest.approx(of_normal - of_step - np.log2(size), abs=0.05)


def test_strangers_and_a_parent_without_the_tensor_say_nothing():
    child = normal(0)
    assert information(None, child) == (0.0, SIZE)
    assert 0 <= bits(normal(1), child) < 0.01


@pytest.mark.parametrize("factor", [1.0, 0.5, -3.0, 1e-20, 1e20])
def test_a_copy_and_every_multiple_of_one_save_all_that_float32_holds(factor):
    child = normal(0).astype(np.float32)
    found = bits(np.float32(factor) * child, child)
    assert found == pytest.approx(bits(child, child), abs=1e-3)
    assert 20 < found < 24


@pytest.mark.parametrize("scales", [(1e-20, 1.0), (1.0, 1e20), (-7.0, 0.3)])
def test_scales_of_both_say_nothing(scales):
    parent = normal(0)
    child = parent + 0.1 * normal(1)
    assert bits(scales[0] * parent, scales[1] * child) == pytest.approx(bits(parent, child), abs=1e-3)  # edges of bins


def test_weights_that_were_pruned_are_left_out():
    parent = normal(0)
    child = (parent + 0.01 * normal(1)) * (np.abs(parent) > 1.2)
    left = child != 0
    found, count = information(parent, child)
    assert count == left.sum() < 0.3 * SIZE
    assert found == pytest.approx(bits(parent[left], child[left]), abs=0.01)  # factors are of other samples
    assert bits(normal(2), child) < 0.05 < 5 < found


def test_a_few_weights_that_moved_far_are_nearer_than_many_that_moved_a_little():
    parent, random = normal(0), np.random.default_rng(1)
    child = 0.95 * (parent + 3 * (random.random(SIZE) < 0.02) * random.normal(size=SIZE))
    sibling = child + 0.1 * random.normal(size=SIZE)
    assert np.linalg.norm(child - parent) > np.linalg.norm(child - sibling)
    assert bits(parent, child) > bits(sibling, child) + 5


def test_tensors_that_say_nothing_give_nothing():
    for child in (np.zeros(5), np.zeros(0), np.zeros(())):
        assert information(np.ones_like(child), child) == (0.0, 0)
    ones = np.ones(100)
    assert bits(normal(0, 100), ones) == bits(np.zeros(100), normal(0, 100)) == 0.0
    assert bits(ones, ones) > 19
    assert bits(np.array([2.0]), np.array([3.0])) > 19  # a multiple


@pytest.mark.parametrize("dtype", [np.float16, ml_dtypes.bfloat16, np.int32])
def test_other_dtypes_count_as_the_numbers_they_hold(dtype):
    parent = (8 * normal(0)).astype(dtype)
    child = (parent.astype(np.float32) + normal(1)).astype(dtype)
    wide = [each.astype(np.float64) for each in (parent, child)]
    assert bits(parent, child) == pytest.approx(bits(*wide), abs=1e-3)  # the factor is that of float32 there
    assert bits(parent, child) > 1


def test_a_sample_of_a_large_tensor_meets_all_its_units():
    parent = normal(0, (4 * SAMPLE // 128, 128))
    step = normal(1, parent.shape)
    step[:, ::2] *= 0.01
    found, count = information(parent, parent + 0.01 * step)
    assert count == parent.size
    assert found == pytest.approx(bits(parent[:100], parent[:100] + 0.01 * step[:100]), abs=0.1)  # samples differ


def test_tensors_together_weigh_what_they_count():
    found = mean_information(np.array([[3.0, 1.0], [5.0, 7.0]]), np.array([[1, 3], [0, 0]]))
    assert found.tolist() == [1.5, 0.0]


def test_the_best_factor_is_the_median_of_ratios_by_size():
    parent = np.array([1.0, 1.0, 5.0, 0.0])
    assert best_factor(parent, np.array([3.0, 2.0, 10.0, 9.0])) == 2.0
    assert best_factor(np.zeros(3), np.ones(3)) == best_factor(np.ones(3), np.zeros(3)) == 1.0
