"""The Taylor form is the derivative of the measure along the tangent, for every measure and every user's own."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lineage_jax import similarity

SMOOTH = {name: similarity.MEASURES[name] for name in ("lse", "cosine", "cka", "dc")}


def features(key):
    value, tangent, target = (jax.random.normal(k, (9, 4)) for k in jax.random.split(key, 3))
    return value, 0.3 * tangent, target


@pytest.mark.parametrize("name", sorted(similarity.MEASURES))
def test_alpha_zero_is_the_measure_itself(name, key):
    value, tangent, target = features(key)
    measure = similarity.MEASURES[name]
    ours = similarity.taylor(measure, value, tangent, target, alpha=0.0)
    np.testing.assert_allclose(ours, measure(value, target), rtol=1e-6)  # float32 rounding of the same sums


@pytest.mark.parametrize("name", sorted(SMOOTH))
def test_the_slope_is_that_of_finite_differences(name, key):
    with jax.enable_x64(True):
        value, tangent, target = (array.astype(jnp.float64) for array in features(key))
        measure, h = SMOOTH[name], 1e-5
        at = lambda alpha: similarity.taylor(measure, value, tangent, target, alpha=alpha)
        central = (measure(value + h * tangent, target) - measure(value - h * tangent, target)) / (2 * h)
        np.testing.assert_allclose(at(1.0) - at(0.0), central, rtol=1e-7, atol=1e-10)  # error of h^2


@pytest.mark.parametrize("name", sorted(SMOOTH))
def test_the_taylor_form_is_linear_in_alpha(name, key):
    value, tangent, target = features(key)
    alphas = jnp.array([0.0, 0.25, 0.5, 1.0])
    scores = similarity.taylor(SMOOTH[name], value, tangent, target, alpha=alphas)
    np.testing.assert_allclose(jnp.diff(scores)[:2].sum(), jnp.diff(scores)[2], rtol=1e-3, atol=1e-6)


@pytest.mark.parametrize("p", [1, 2, 4])
def test_rooted_measures_expand_the_power_mean_and_then_take_the_root(p, key):
    value, tangent, target = (np.asarray(array, np.float64) for array in features(key))
    difference = value - target
    power = -np.mean(np.abs(difference) ** p)
    slope = -np.mean(p * np.abs(difference) ** (p - 1) * np.sign(difference) * tangent)
    alpha = 0.2
    expected = -((-min(power + alpha * slope, 0.0)) ** (1 / p))
    ours = similarity.taylor(similarity.lp_norm(p), *(jnp.float32(a) for a in (value, tangent, target)), alpha=alpha)
    np.testing.assert_allclose(ours, expected, rtol=1e-5)


def test_an_expansion_that_overshoots_is_clipped_at_zero_distance():
    value, target = jnp.zeros((3, 2)), jnp.ones((3, 2))
    overshooting = similarity.taylor(similarity.l2, value, 10 * target, target, alpha=jnp.array([0.05, 1.0]))
    np.testing.assert_allclose(overshooting, [0.0, 0.0], atol=1e-6)


def test_l1_uses_the_sign_and_is_not_clipped():
    value, target = jnp.zeros((3, 2)), jnp.ones((3, 2))
    scores = similarity.taylor(similarity.l1, value, 4 * target, target, alpha=jnp.array([0.0, 0.5]))
    np.testing.assert_allclose(scores, [-1.0, 1.0], rtol=1e-6)


def test_a_measure_of_the_users_own_is_expanded_as_it_is(key):
    value, tangent, target = features(key)
    product = lambda a, b: jnp.sum(a * b)
    ours = similarity.taylor(product, value, tangent, target, alpha=2.0)
    np.testing.assert_allclose(ours, jnp.sum((value + 2 * tangent) * target), rtol=1e-4)


@pytest.mark.parametrize("name", sorted(similarity.MEASURES))
def test_equal_features_that_do_not_move_have_finite_scores(name, key):
    value, _, _ = features(key)
    score = similarity.taylor(
        similarity.MEASURES[name], value, jnp.zeros_like(value), value, alpha=jnp.array([0.0, 1.0])
    )
    assert jnp.isfinite(score).all()
    np.testing.assert_allclose(score[0], score[1], rtol=1e-6)
