"""The Taylor form is the derivative of the measure along the tangent, for every measure and every user's own."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lineage_jax import lineage, similarity


@functools.partial(jax.jit, static_argnums=0)
def taylor(measure, value, tangent, target, alpha):
    return similarity.taylor(measure, value, tangent, target, alpha=alpha)


SMOOTH = {name: similarity.MEASURES[name] for name in ("lse", "cosine", "cka", "dc")}


def features(key):
    value, tangent, target = (jax.random.normal(k, (9, 4)) for k in jax.random.split(key, 3))
    return value, 0.3 * tangent, target


@pytest.mark.parametrize("name", sorted(similarity.MEASURES))
def test_alpha_zero_is_the_measure_itself(name, key):
    value, tangent, target = features(key)
    measure = similarity.MEASURES[name]
    ours = taylor(measure, value, tangent, target, 0.0)
    np.testing.assert_allclose(ours, jax.jit(measure)(value, target), rtol=1e-6)  # float32 rounding of the same sums


@pytest.mark.parametrize("name", sorted(SMOOTH))
def test_the_slope_is_that_of_finite_differences(name, key):
    with jax.enable_x64(True):
        value, tangent, target = (array.astype(jnp.float64) for array in features(key))
        measure, h = jax.jit(SMOOTH[name]), 1e-5
        at = functools.partial(taylor, SMOOTH[name], value, tangent, target)
        central = (measure(value + h * tangent, target) - measure(value - h * tangent, target)) / (2 * h)
        np.testing.assert_allclose(at(1.0) - at(0.0), central, rtol=1e-7, atol=1e-10)  # error of h^2


@pytest.mark.parametrize("name", sorted(SMOOTH))
def test_the_taylor_form_is_linear_in_alpha(name, key):
    value, tangent, target = features(key)
    alphas = jnp.array([0.0, 0.25, 0.5, 1.0])
    scores = taylor(SMOOTH[name], value, tangent, target, alphas)
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
    score = taylor(similarity.MEASURES[name], value, jnp.zeros_like(value), value, jnp.array([0.0, 0.5, 0.75, 1.0]))
    assert jnp.isfinite(score).all()
    np.testing.assert_allclose(score, score[0], rtol=1e-6)


OTHERS = {
    "mean_cca": similarity.mean_cca,
    "procrustes": similarity.procrustes,
    "squared_procrustes": similarity.squared_procrustes,
}
DEGREES = {
    **{"l1": 1, "linf": 1, "lse": 1, "procrustes": 1, "l2": 2, "lp": 4},
    **dict.fromkeys(("cosine", "cka", "dc", "debiased_cka", "mean_cca", "squared_procrustes"), 2),
}
"""Of each measure's loss near its maximum, in the difference of the features."""


@pytest.mark.parametrize("name", DEGREES)
def test_near_the_maximum_the_slope_along_the_loss_is_degree_times_alpha_minus_one(name, key):
    measure, degree = (similarity.MEASURES | OTHERS)[name], DEGREES[name]
    alphas = np.array([0.0, 0.1, 0.2, 0.3, 0.45, 0.55, 1.1])
    with jax.enable_x64(True):
        child, away = jax.random.normal(key, (2, 12, 5), jnp.float64)
        candidate = child + 1e-4 * away
        scores = taylor(measure, candidate, child - candidate, child, jnp.asarray(alphas))
        best, direct = (float(jax.jit(measure)(x, child)) for x in (child, candidate))
    if isinstance(measure, similarity.RootedMeasure):  # its power is expanded, and clipped at 0 beyond the limit
        expected = np.maximum(1 - degree * alphas, 0) ** (1 / degree) * direct
        np.testing.assert_allclose(scores, expected, rtol=1e-6, atol=1e-10)  # rounding of 1e-4 of a difference
    else:
        slopes = (np.asarray(scores) - best) / (best - direct)
        np.testing.assert_allclose(slopes, degree * alphas - 1, atol=1e-2)  # the next order is 1e-4 of this one's


@pytest.mark.parametrize("name", sorted(similarity.MEASURES))
def test_the_limit_of_a_measure_is_one_over_its_degree_and_what_is_recommended_stays_below(name):
    assert lineage.TAYLOR_LIMIT[name] == 1 / DEGREES[name]
    assert lineage.RECOMMENDED_ALPHA[name] < lineage.TAYLOR_LIMIT[name]
