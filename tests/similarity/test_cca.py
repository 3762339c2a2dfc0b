import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.linalg

from lineage_jax.similarity import _cca, _regression
from lineage_jax.similarity._cca import SVCCA, RidgeCCA
from tests.oracles import factorisations as oracle

mean_cca, mean_squared_cca, pwcca = map(jax.jit, (_cca.mean_cca, _cca.mean_squared_cca, _cca.pwcca))
ridge_cca, svcca, linear_regression_r2 = map(jax.jit, (_cca.ridge_cca, _cca.svcca, _regression.linear_regression_r2))


def test_the_oracle_gives_the_published_number():
    random = np.random.RandomState(1337)
    a = random.randn(100, 10)
    b = random.randn(100, 10) + a
    # the authors' demonstration does not centre, so that the measure itself cannot be compared
    np.testing.assert_allclose(np.mean(oracle.correlations(a, b) ** 2), 0.5431238559, atol=5e-11)


def test_canonical_correlations_are_cosines_of_the_angles_between_subspaces(related):
    with jax.enable_x64(True):
        a, b = (x.astype(jnp.float64) for x in related)
        cosines = np.cos(scipy.linalg.subspace_angles(oracle.centred(a), oracle.centred(b)))
        # float64 rounding
        np.testing.assert_allclose(mean_cca(a, b), cosines.mean(), rtol=1e-10)
        np.testing.assert_allclose(mean_squared_cca(a, b), (cosines**2).mean(), rtol=1e-10)


@pytest.mark.parametrize("measure", [mean_cca, mean_squared_cca])
def test_any_invertible_map_goes_unnoticed(measure, related, key):
    a, b = related
    mapped = a @ (jnp.eye(5) + 0.3 * jax.random.normal(key, (5, 5))) + 1
    # float32 rounding, times the condition number of the map
    np.testing.assert_allclose(measure(mapped, b), measure(a, b), rtol=1e-5)


def test_pwcca_ignores_invertible_maps_of_the_second_side_only(related):
    a, b = related
    scales = jnp.array([10.0, 1.0, 1.0, 1.0, 0.1])
    np.testing.assert_allclose(pwcca(a, b * scales), pwcca(a, b), rtol=1e-5)  # float32 rounding
    assert abs(pwcca(a * scales, b) - pwcca(a, b)) > 1e-3


def test_wide_features_are_always_fully_correlated(key):
    a, b = jax.random.normal(key, (2, 8, 7))
    # float32 rounding
    np.testing.assert_allclose([mean_cca(a, b), mean_squared_cca(a, b), pwcca(a, b)], 1.0, rtol=1e-5)
    assert ridge_cca(a, b) < 0.95


def test_svcca_of_all_the_variance_is_mean_cca(related):
    # one takes the features as they are, the other each in its own unit: bases round differently
    np.testing.assert_allclose(jax.jit(SVCCA(threshold=1.0))(*related), mean_cca(*related), rtol=1e-6)


@pytest.mark.parametrize("threshold", [0.3, 0.6, 0.9])
def test_svcca_truncates_by_variance(threshold, related):
    expected = oracle.svcca(*map(np.asarray, related), threshold)
    # float32 rounding
    np.testing.assert_allclose(jax.jit(SVCCA(threshold=threshold))(*related), expected, rtol=1e-5)


def test_svcca_ignores_faint_noise_that_cca_hears(related, key):
    a, _ = related
    noise = 1e-3 * jax.random.normal(key, (2, 12, 4))
    noisy = [jnp.concatenate([a, x], axis=1) for x in noise]
    np.testing.assert_allclose(svcca(*noisy), 1.0, rtol=1e-4)  # the noise itself tilts the directions
    assert mean_cca(*noisy) < svcca(*noisy)


def test_a_small_ridge_leads_to_cca(related):
    # an error of the order of the ridge
    np.testing.assert_allclose(jax.jit(RidgeCCA(ridge=1e-7))(*related), mean_cca(*related), rtol=1e-5)


def test_a_larger_ridge_gives_a_smaller_score(related):
    scores = [jax.jit(RidgeCCA(ridge=ridge))(*related) for ridge in (1.0, 0.1, 0.01)]
    assert scores == sorted(scores)


@pytest.mark.parametrize("threshold", [0.0, 1.1, float("nan")])
def test_a_threshold_that_is_no_share_is_refused(threshold):
    with pytest.raises(ValueError, match=r"share of the variance in \(0, 1\]"):
        SVCCA(threshold=threshold)


@pytest.mark.parametrize("ridge", [0.0, -1.0, float("inf"), float("nan")])
def test_a_ridge_that_is_not_positive_is_refused(ridge):
    with pytest.raises(ValueError, match="positive, finite ridge"):
        RidgeCCA(ridge=ridge)


def test_a_feature_far_larger_than_the_others_hides_none(related):
    a, b = related
    large = [x.at[:, 2].mul(1e6) for x in related]
    for measure in (mean_cca, mean_squared_cca, linear_regression_r2):
        # invertible maps of b change nothing; float32 rounding
        np.testing.assert_allclose(measure(a, large[1]), measure(a, b), rtol=1e-5)
    np.testing.assert_allclose(mean_cca(*large), mean_cca(a, b), rtol=1e-5)
