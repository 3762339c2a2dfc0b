import jax
import jax.numpy as jnp
import numpy as np

from lineage_jax import similarity

cosine = jax.jit(similarity.cosine)


def test_equal_features_have_cosine_one_and_opposite_ones_minus_one(pair):
    a, _ = pair
    # float32 rounding
    np.testing.assert_allclose(cosine(a, a), 1.0, rtol=1e-6)
    np.testing.assert_allclose(cosine(a, -a), -1.0, rtol=1e-6)


def test_cosine_stays_between_minus_one_and_one(pair):
    # float32 rounding
    assert abs(cosine(*pair)) <= 1 + 1e-6


def test_cosine_ignores_the_scale_of_each_row(related):
    a, b = related
    scales = jnp.logspace(-15, 15, len(a))[:, None]
    # float32 rounding
    np.testing.assert_allclose(cosine(scales * a, b), cosine(a, b), rtol=1e-5)


def test_cosine_ignores_a_common_rotation(related, rotation):
    a, b = related
    # float32 rounding
    np.testing.assert_allclose(cosine(a @ rotation, b @ rotation), cosine(a, b), rtol=1e-5)


def test_a_row_of_zeros_counts_as_zero():
    a = jnp.array([[0.0, 0.0], [3.0, 4.0]])
    # float32 rounding
    np.testing.assert_allclose(cosine(a, a), 0.5, rtol=1e-6)


def test_a_row_of_zeros_leaves_the_other_derivatives_alone():
    a, b = jnp.array([[0.0, 0.0], [3.0, 4.0]]), jnp.array([[1.0, 2.0], [1.0, 0.0]])
    gradient = jax.grad(cosine)(a, b)
    assert gradient[0].tolist() == [0.0, 0.0]
    # half of the gradient of the second row alone; float32 rounding
    np.testing.assert_allclose(gradient[1], 0.5 * jax.grad(cosine)(a[1:], b[1:])[0], rtol=1e-5)
