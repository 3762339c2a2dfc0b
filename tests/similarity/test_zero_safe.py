import jax
import jax.numpy as jnp
import numpy as np

from lineage_jax.similarity._zero_safe import clipped_root, magnitude, ratio


def test_magnitude_has_the_sign_as_its_derivative():
    x = jnp.array([-2.0, 0.0, 3.0])
    assert magnitude(x).tolist() == [2.0, 0.0, 3.0]
    assert jax.vmap(jax.grad(magnitude))(x).tolist() == [-1.0, 0.0, 1.0]


def test_root_is_zero_and_flat_up_to_zero():
    def root(x):
        return clipped_root(x, degree=2)

    x = jnp.array([-1.0, 0.0, 4.0])
    # float32 rounding of a power
    np.testing.assert_allclose(root(x), [0.0, 0.0, 2.0], rtol=1e-6)
    np.testing.assert_allclose(jax.vmap(jax.grad(root))(x), [0.0, 0.0, 0.25], rtol=1e-6)


def test_ratio_over_zero_is_zero_and_flat():
    value, slopes = jax.value_and_grad(ratio, argnums=(0, 1))(jnp.array(3.0), jnp.array(0.0))
    assert (value, *slopes) == (0, 0, 0)


def test_nan_stays_nan():
    nan = jnp.array(jnp.nan)
    assert jnp.isnan(magnitude(nan))
    assert jnp.isnan(clipped_root(nan, degree=2))
    assert jnp.isnan(ratio(jnp.ones(()), nan))
    assert jnp.isnan(ratio(nan, jnp.ones(())))
