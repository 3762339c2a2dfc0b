import jax
import jax.numpy as jnp
import numpy as np
from sklearn.linear_model import LinearRegression
from sklearn.metrics import r2_score

from lineage_jax.similarity import _regression

linear_regression_r2 = jax.jit(_regression.linear_regression_r2)


def test_the_share_is_that_of_a_fitted_regression(related):
    with jax.enable_x64(True):
        a, b = (np.float64(x) for x in related)
        fitted = LinearRegression().fit(b, a).predict(b)
        expected = r2_score(a, fitted, multioutput="variance_weighted")
        # float64 rounding
        np.testing.assert_allclose(linear_regression_r2(jnp.asarray(a), jnp.asarray(b)), expected, rtol=1e-10)


def test_invertible_maps_of_the_regressors_go_unnoticed(related, key):
    a, b = related
    mapped = b @ (jnp.eye(5) + 0.3 * jax.random.normal(key, (5, 5))) + 1
    # float32 rounding, times the condition number of the map
    np.testing.assert_allclose(linear_regression_r2(a, mapped), linear_regression_r2(a, b), rtol=1e-5)


def test_more_features_explain_more(related):
    a, b = related
    shares = [linear_regression_r2(a, b[:, :d]) for d in (1, 3, 5)]
    assert shares == sorted(shares)
