import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lineage_jax import similarity
from tests.oracles import similarity as oracle

distance_correlation = jax.jit(similarity.distance_correlation)


def test_near_duplicates_with_a_large_mean_stay_accurate(key):
    first, second = jax.random.normal(key, (2, 20, 30))
    # squared distances of 6e-3 beside squared norms of 3e5: without centring float32 would keep no digit of them
    a = 100.0 + 0.01 * first
    b = 100.0 + 0.01 * (first + 0.5 * second)
    expected = oracle.distance_correlation(np.asarray(a), np.asarray(b))
    # float32 rounding, once centred
    np.testing.assert_allclose(distance_correlation(a, b), expected, rtol=1e-5)


def test_clusters_of_near_duplicates_stay_accurate(key):
    first, second = jax.random.normal(key, (2, 20, 30))
    centres = jnp.repeat(first[:4], 5, axis=0)
    a, b = centres + 1e-4 * first, centres + 1e-4 * second
    expected = oracle.distance_correlation(np.asarray(a), np.asarray(b))
    # distances within a cluster are the square root of a cancelling difference, but weigh little
    np.testing.assert_allclose(distance_correlation(a, b), expected, rtol=1e-4)


def test_one_dimension_of_independent_coin_flips_has_no_correlation():
    a = jnp.array([[1.0], [-1.0], [1.0], [-1.0]])
    b = jnp.array([[1.0], [1.0], [-1.0], [-1.0]])
    assert distance_correlation(a, b) == 0


def test_dependence_without_linear_correlation_is_seen():
    a = jnp.linspace(-1.0, 1.0, 21)[:, None]
    assert distance_correlation(a, a**2) > 0.4


def test_value_lies_between_zero_and_one(related):
    # float32 rounding
    assert 0 <= distance_correlation(*related) <= 1 + 1e-6


def test_two_points_are_always_perfectly_correlated(key):
    a, b = jax.random.normal(key, (2, 2, 3))
    # float32 rounding
    np.testing.assert_allclose(distance_correlation(a, b), 1.0, rtol=1e-5)


@pytest.mark.parametrize("d", [64, 4096])
def test_memory_does_not_grow_with_pairs_times_features(d):
    n = 64
    a = jax.ShapeDtypeStruct((n, d), jnp.float32)
    jaxpr = jax.make_jaxpr(similarity.distance_correlation)(a, a)
    largest = max(variable.aval.size for equation in jaxpr.eqns for variable in equation.outvars)
    assert largest <= max(n * d, n * n)
