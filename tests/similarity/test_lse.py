import jax.numpy as jnp
import numpy as np
import pytest

from lineage_jax.similarity import l1, linf, lse
from tests.oracles import similarity as oracle


@pytest.mark.parametrize("temperature", [0.01, 0.5, 5.0])
def test_every_temperature_agrees_with_the_oracle(temperature, pair):
    expected = oracle.lse(*map(np.asarray, pair), temperature=temperature)
    # float32 rounding
    np.testing.assert_allclose(lse(*pair, temperature=temperature), expected, rtol=1e-5)


def test_the_default_temperature_is_the_original_codes(pair):
    assert lse(*pair) == lse(*pair, temperature=0.02)


def test_equal_features_score_the_offset_of_the_soft_maximum():
    a = jnp.ones((4, 3))
    # float32 rounding
    np.testing.assert_allclose(lse(a, a, temperature=0.5), -np.log(3) / (0.5 * 3), rtol=1e-6)


def test_scaling_features_is_scaling_the_inverse_temperature(pair):
    a, b = pair
    # float32 rounding
    np.testing.assert_allclose(lse(4 * a, 4 * b, temperature=0.1), 4 * lse(a, b, temperature=0.4), rtol=1e-5)


def test_soft_maximum_hardens_to_linf(pair):
    d = pair[0].shape[1]
    # at t = 1e4 ties closer than 1e-4 still blur
    np.testing.assert_allclose(d * lse(*pair, temperature=1e4), linf(*pair), rtol=1e-3)


def test_soft_maximum_lies_between_the_mean_and_the_maximum_plus_its_offset(pair):
    d, t = pair[0].shape[1], 0.5
    scaled = d * lse(*pair, temperature=t) + np.log(d) / t
    # with one feature all three agree up to float32 rounding
    assert linf(*pair) - 1e-5 <= scaled <= l1(*pair) + 1e-5


def test_large_differences_are_not_clipped():
    a, b = jnp.zeros((1, 2)), jnp.array([[0.0, 1e6]])
    # t times the difference is 2e4, far above the original's clip at 10; float32 rounding
    np.testing.assert_allclose(lse(a, b), -1e6 / 2, rtol=1e-6)


@pytest.mark.parametrize("temperature", [0.0, -1.0, float("nan")])
def test_temperatures_that_are_not_positive_are_refused(temperature):
    with pytest.raises(ValueError, match=r"expected a positive temperature, got .*; the default is 0.02"):
        lse(jnp.ones((1, 1)), jnp.ones((1, 1)), temperature=temperature)
