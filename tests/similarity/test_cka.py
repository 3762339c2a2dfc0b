import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lineage_jax.similarity import linear_cka


def test_cka_is_the_published_number():
    random = np.random.RandomState(1337)
    a = random.randn(100, 10)
    b = random.randn(100, 10) + a
    with jax.enable_x64(True):
        # all the digits that the authors' demonstration, run with this seed, was recorded to
        np.testing.assert_allclose(linear_cka(jnp.asarray(a), jnp.asarray(b)), 0.5576132566, atol=5e-11)


def test_feature_form_equals_gram_form(related):
    a, b = related
    # features of zeros change no inner product, but make the n x n form the cheaper one
    padded = [jnp.pad(x, ((0, 0), (0, 40))) for x in related]
    # the two forms sum in different orders
    np.testing.assert_allclose(linear_cka(*padded), linear_cka(a, b), rtol=1e-5)


@pytest.mark.parametrize(("n", "d", "expected"), [(1000, 5, (5, 5)), (10, 50, (10, 10))])
def test_the_cheaper_form_is_chosen_by_shape(n, d, expected):
    a = jax.ShapeDtypeStruct((n, d), jnp.float32)
    jaxpr = jax.make_jaxpr(linear_cka)(a, a)
    products = [eqn.outvars[0].aval.shape for eqn in jaxpr.eqns if eqn.primitive.name == "dot_general"]
    assert set(products) == {expected}


def test_independent_features_show_the_bias_of_the_estimator(key):
    n, d = 200, 100
    a, b = jax.random.normal(key, (2, n, d))
    # d / (n + d) for Gaussian features, with a sampling error of about 1 / n
    np.testing.assert_allclose(linear_cka(a, b), d / (n + d), atol=0.02)


def test_orthogonal_features_have_cka_zero():
    a = jnp.array([[1.0], [-1.0], [1.0], [-1.0]])
    b = jnp.array([[1.0], [1.0], [-1.0], [-1.0]])
    assert linear_cka(a, b) == 0


def test_cka_notices_invertible_maps_that_are_no_rotation(related):
    a, _ = related
    assert linear_cka(a, a * jnp.array([10.0, 1.0, 1.0, 1.0, 1.0])) < 0.9


def test_a_large_mean_costs_no_more_than_the_features_own_rounding(related):
    a, b = (x + 1000.0 for x in related)
    with jax.enable_x64(True):
        expected = linear_cka(a.astype(jnp.float64), b.astype(jnp.float64))
    # the shifted float32 features are the input of both; only the arithmetic differs
    np.testing.assert_allclose(linear_cka(a, b), expected, rtol=1e-5)
