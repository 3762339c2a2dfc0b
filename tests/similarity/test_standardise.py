import jax
import jax.numpy as jnp
import numpy as np
from jax.test_util import check_grads

from lineage_jax.similarity._standardise import centred, rescaled


def test_constant_features_become_exactly_zero():
    # twelve times 0.1, summed in float32 and divided by twelve, is not 0.1
    constants = jnp.broadcast_to(jnp.array([0.0, 0.1, -1e6]), (12, 3))
    assert (jax.jit(centred)(constants) == 0).all()


def test_features_with_a_large_mean_keep_their_digits(related):
    a = related[0] + 1000.0
    expected = np.float64(a) - np.float64(a).mean(axis=0)
    # float32 rounding of the centred values, not of the thousand that was taken off
    np.testing.assert_allclose(centred(a), expected, atol=1e-6)


def test_centring_is_differentiated_as_a_linear_map(related):
    a, direction = related
    _, tangent = jax.jvp(centred, (a,), (direction,))
    # float32 rounding
    np.testing.assert_allclose(tangent, direction - direction.mean(axis=0), atol=1e-6)


def test_largest_entry_becomes_one_and_zeros_stay():
    a = jnp.array([[2.0, -4.0], [0.0, 0.0]])
    assert rescaled(a).tolist() == [[0.5, -1.0], [0.0, 0.0]]
    assert rescaled(5 * a, axis=1).tolist() == [[0.5, -1.0], [0.0, 0.0]]


def test_a_constant_divisor_is_exact_where_the_scale_is_ignored(related):
    def direction(x):
        x = rescaled(x)
        return x[0] / jnp.sqrt((x * x).sum())

    with jax.enable_x64(True):
        # finite differences in float64, to second order
        check_grads(jax.jit(direction), (related[0].astype(jnp.float64),), order=2, atol=1e-5, rtol=1e-5)
