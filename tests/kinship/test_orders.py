"""Moments over all orders of units, and the tail that is made of them."""

import itertools

import numpy as np
import pytest
from scipy import stats

from lineage_jax.kinship._orders import over_all_orders, together
from lineage_jax.kinship._tail import LEAST_P, upper_tail


def centred(matrix):
    return matrix - matrix.mean(0) - matrix.mean(1, keepdims=True) + matrix.mean()


def every_sum(matrix):
    n = len(matrix)
    return np.array([matrix[np.arange(n), list(order)].sum() for order in itertools.permutations(range(n))])


@pytest.mark.parametrize("n", [2, 3, 4, 7])
def test_moments_are_those_of_all_orders(n):
    matrix = centred(np.random.default_rng(n).standard_t(2, size=(n, n)))
    found, sums = over_all_orders(matrix), every_sum(matrix)
    np.testing.assert_allclose([found.value, found.variance], [np.trace(matrix), np.var(sums)])
    np.testing.assert_allclose(found.third, np.mean(sums**3), atol=1e-12 * np.std(sums) ** 3)
    fourth = np.mean(sums**4) - 3 * np.var(sums) ** 2
    assert fourth - 1e-9 <= found.fourth
    if n > 3:
        assert found.fourth <= fourth + 9 * np.var(sums) ** 2 * (n - 1) ** 2 / (n * (n - 1) * (n - 2) * (n - 3))


@pytest.mark.parametrize("n", [2, 3, 5, 7])
def test_the_fourth_is_exact_for_a_matrix_of_rank_one(n):
    one, two = np.random.default_rng(n).exponential(size=(2, n))
    matrix = centred(np.outer(one, two))
    sums = every_sum(matrix)
    np.testing.assert_allclose(over_all_orders(matrix).fourth, np.mean(sums**4) - 3 * np.var(sums) ** 2)


def test_a_large_matrix_is_taken_in_pieces():
    matrix = centred(np.random.default_rng(0).normal(size=(700, 700)))
    squares = matrix**2
    np.testing.assert_allclose(over_all_orders(matrix).variance, squares.sum() / 699)
    np.testing.assert_allclose(over_all_orders(matrix).third, (matrix**3).sum() * 700 / (699 * 698))


def test_cumulants_of_sets_add():
    one, two = (centred(matrix) for matrix in np.random.default_rng(0).normal(size=(2, 5, 5)))
    both = np.add.outer(every_sum(one), every_sum(two)).ravel()
    found = together(map(over_all_orders, (one, two)))
    np.testing.assert_allclose([found.variance, found.third], [np.var(both), np.mean(both**3)])


def test_the_tail_is_normal_without_a_third_and_a_heavy_fourth_moment():
    for skewness, excess in ((0.0, 0.0), (-1.0, 0.0), (0.0, -1.0), (1e-5, 0.0)):
        found = [upper_tail(z, skewness=skewness, excess=excess) for z in (-3.0, 0.0, 2.0, 8.0)]
        np.testing.assert_allclose(found, stats.norm.sf([-3.0, 0.0, 2.0, 8.0]), rtol=2e-3)  # of 1e-5 still felt at 8


def test_the_tail_follows_the_steps_of_rare_agreements_and_is_longer_far_out():
    for mean in (1, 4, 20):  # how many units agree: Poisson's law, of skewness 1 / sqrt(mean) and excess 1 / mean
        counts = np.arange(mean + 2 * int(np.sqrt(mean)), mean + 60)
        found = [upper_tail((n - mean) / mean**0.5, skewness=mean**-0.5, excess=1 / mean) for n in counts.tolist()]
        exact = stats.poisson.sf(counts - 1, mean)
        assert (np.array(found) > exact / 2).all()  # a law without steps goes through the middle of each
        assert found[-1] > 10 * exact[-1]


def units_of_few_kinds(rng, n):
    """Units, [n, inputs], of which a few agree or none: the normal law gives their agreements far too little."""
    one_hot = np.eye(40)[:, :27]
    yield [one_hot[rng.integers(0, 27, n)] for _ in range(2)]
    yield [one_hot[rng.integers(0, 27, n)] * rng.choice([-1, 1], (n, 1)) for _ in range(2)]
    yield [np.eye(n)] * 2
    yield [np.outer(rng.choice([-1.0, 1.0], n), np.ones(9)) for _ in range(2)]
    yield [rng.standard_cauchy((n, 9)) for _ in range(2)]
    yield [np.repeat(np.r_[[1, 1, 1], -np.ones(n - 3)][:, None], 9, 1)] * 2
    yield [rng.normal(size=(n, 9))] * 2


@pytest.mark.parametrize("n", [16, 40])
def test_far_tails_of_drawn_orders_are_no_heavier_than_told(n):
    rng = np.random.default_rng(n)
    orders = np.argsort(rng.random((50_000, n), dtype=np.float32), 1)
    for pair in units_of_few_kinds(rng, n):
        one, two = (units / np.linalg.norm(units, axis=1, keepdims=True) for units in pair)
        matrix = centred(one @ two.T)
        found = over_all_orders(matrix)
        deviation = np.sqrt(found.variance)
        drawn = np.sort(matrix[np.arange(n), orders].sum(1) / deviation)[::-1]
        for level in (1e-2, 1e-3, 1e-4):
            reached = drawn[int(level * len(orders)) - 1]
            p = upper_tail(reached, skewness=found.third / deviation**3, excess=found.fourth / deviation**4)
            assert p > level / (4 if level == 1e-2 else 2)  # sums take few values: a step is up to four times a level


def test_the_tail_is_a_probability_everywhere():
    found = [upper_tail(z, skewness=0.5, excess=0.5) for z in (-100.0, -1.0, 0.0, 1.0, 100.0, 1e6)]
    assert found[0] == 1
    assert found == sorted(found, reverse=True)
    assert found[-1] == LEAST_P
