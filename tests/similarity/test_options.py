import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lineage_jax import similarity


def test_normalised_rows_have_length_one_at_any_scale(key):
    a = jax.random.normal(key, (5, 7)) * jnp.array([1e-30, 1e-3, 1.0, 1e3, 1e30])[:, None]
    # float32 rounding
    np.testing.assert_allclose(jnp.linalg.norm(similarity.normalise(a), axis=1), 1.0, rtol=1e-6)


def test_normalised_rows_make_euclidean_neighbours_those_of_the_cosine(key):
    a, b = jax.random.normal(key, (2, 30, 6))
    euclidean = similarity.MutualKNN(k=4, distance=similarity.euclidean_distance)
    cosine = similarity.MutualKNN(k=4)
    normalised = (similarity.normalise(x) for x in (a, b))
    assert jax.jit(euclidean)(*normalised) == jax.jit(cosine)(a, b)


def test_centring_leaves_no_mean(key):
    a = 7 + jax.random.normal(key, (20, 3))
    # float32 rounding
    np.testing.assert_allclose(similarity.centre(a).mean(axis=0), 0.0, atol=1e-6)


def test_pooling_ignores_where_in_the_image_something_is(key):
    a = jax.random.normal(key, (2, 4, 4, 3))
    # sums in another order
    np.testing.assert_allclose(similarity.pool(jnp.roll(a, 1, axis=1)), similarity.pool(a), atol=1e-6)


@pytest.mark.usefixtures("unchecked_shapes")
def test_features_without_an_image_are_not_pooled():
    with pytest.raises(ValueError, match=r"expected features of a convolution \[n, h, w, c\], got \(5, 3\); leave"):
        similarity.pool(jnp.ones((5, 3)))
