import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.test_util import check_grads

from lineage_jax import similarity
from lineage_jax.similarity import l1, l2, linf, lp, lp_norm

NORMS = [l1, l2, lp, linf]
norms = pytest.mark.parametrize("norm", NORMS, ids=["l1", "l2", "lp", "linf"])


@norms
def test_equal_features_score_zero(norm, pair):
    assert norm(pair[0], pair[0]) == 0


@norms
def test_norm_is_negative_between_different_features(norm, pair):
    assert norm(*pair) < 0


@norms
def test_norm_is_homogeneous(norm, pair):
    a, b = pair
    # float32 rounding
    np.testing.assert_allclose(norm(-3 * a, -3 * b), 3 * norm(a, b), rtol=1e-5)


@norms
def test_norm_ignores_a_common_shift(norm, pair):
    a, b = pair
    # the shift costs the differences their last digits
    np.testing.assert_allclose(norm(a + 10, b + 10), norm(a, b), rtol=1e-5)


@norms
def test_norm_obeys_the_triangle_inequality(norm, related, key):
    a, b = related
    c = jax.random.normal(key, a.shape)
    assert -norm(a, b) <= -norm(a, c) - norm(c, b)


@norms
def test_norm_of_zero_features_is_the_norm_of_the_others(norm):
    a, b = jnp.zeros((4, 3)), jnp.full((4, 3), 2.0)
    # the root may round
    np.testing.assert_allclose(norm(a, b), -2.0, rtol=1e-6)


@pytest.mark.parametrize("scale", [1e-30, 1e-12, 1e12, 1e30])
def test_differences_count_whatever_their_scale(scale, related, key):
    a, b = related
    tangent = jax.random.normal(key, a.shape)
    for norm in NORMS:
        of = jax.jit(
            lambda a, b, tangent, norm=norm: similarity.taylor(norm, a, tangent, b, alpha=jnp.array([0.0, 0.1]))
        )
        # float32 rounding; the squares of these differences lie outside its range
        np.testing.assert_allclose(of(scale * a, scale * b, scale * tangent), scale * of(a, b, tangent), rtol=1e-5)
        np.testing.assert_allclose(norm(scale * a, scale * b), scale * norm(a, b), rtol=1e-5)


def test_l2_ignores_a_common_rotation(related, rotation):
    a, b = related
    # float32 rounding
    np.testing.assert_allclose(l2(a @ rotation, b @ rotation), l2(a, b), rtol=1e-5)


def test_power_means_grow_with_the_exponent(pair):
    scores = [l1(*pair), l2(*pair), lp_norm(3)(*pair), lp(*pair), -jnp.abs(pair[0] - pair[1]).max()]
    # one entry alone has equal means, up to float32 rounding
    assert (jnp.diff(jnp.stack(scores)) <= 1e-6).all()


def test_first_power_mean_is_l1(pair):
    # float32 rounding
    np.testing.assert_allclose(lp_norm(1)(*pair), l1(*pair), rtol=1e-6)


@pytest.mark.parametrize("p", [1, 2, 3, 4])
def test_measure_is_the_root_of_the_power(p, pair):
    measure = lp_norm(p)
    # the measure takes both in another unit: the root may round
    np.testing.assert_allclose(measure(*pair), measure.root(measure.power(*pair)), rtol=1e-6)
    # float32 rounding of a p-th root
    np.testing.assert_allclose(measure.root(jnp.array([-(2.0**p), -1.0])), [-2.0, -1.0], rtol=1e-6)


@pytest.mark.parametrize("power", [0.0, 0.5])
@pytest.mark.parametrize("p", [1, 2, 4])
def test_root_of_an_overshot_power_is_zero_with_zero_derivative(p, power):
    value, slope = jax.value_and_grad(lp_norm(p).root)(power * jnp.ones(()))
    assert (value, slope) == (0, 0)


def test_root_of_nan_is_nan():
    assert jnp.isnan(l2.root(jnp.array(jnp.nan)))


@pytest.mark.parametrize("p", [2, 3, 4])
def test_power_is_smooth_where_features_agree(p, related):
    with jax.enable_x64(True):
        a = related[0].astype(jnp.float64)
        # finite differences in float64
        check_grads(jax.jit(lp_norm(p).power), (a, a), order=2, atol=1e-5, rtol=1e-5)


def test_l1_takes_the_sign_as_its_derivative():
    a, b = jnp.array([[1.0, 2.0], [3.0, 4.0]]), jnp.array([[1.0, 3.0], [2.0, 4.0]])
    assert jax.grad(l1)(a, b).tolist() == [[0.0, 0.25], [-0.25, 0.0]]


def test_equal_exponents_make_one_measure():
    assert lp_norm(4) == lp
    assert hash(lp_norm(4)) == hash(lp)
    assert lp_norm(3) != lp
    with pytest.raises(dataclasses.FrozenInstanceError):
        lp.p = 2


def test_equal_exponents_share_one_compilation(related):
    traces = []

    def score(measure, a, b):
        traces.append(measure)
        return measure(a, b)

    compiled = jax.jit(score, static_argnums=0)
    for measure in (l2, lp_norm(2), similarity.RootedMeasure(p=2)):
        compiled(measure, *related)
    assert traces == [l2]


def test_exponents_below_one_are_refused():
    with pytest.raises(ValueError, match="expected an exponent p of at least 1, got 0; smaller ones give no norm"):
        lp_norm(0)
