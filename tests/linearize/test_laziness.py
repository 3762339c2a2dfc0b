"""A linear network is lazy, a far step of a curved one is not."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lineage_jax import linearize

LINEAR = lambda w, x: x @ w
CURVED = lambda w, x: jnp.tanh(x @ w)


def pair(key, scale):
    parent = jax.random.normal(key, (5, 3))
    child = parent + scale * jax.random.normal(jax.random.fold_in(key, 1), (5, 3))
    return parent, child, jnp.cos(jnp.arange(20.0).reshape(4, 5))


def test_a_linear_network_is_lazy(key):
    seen = linearize.laziness(LINEAR, *pair(key, 1.0), with_kernel=True)
    assert seen.lazy
    np.testing.assert_allclose(seen.curve.error, 0, atol=1e-5)  # float32 rounding
    np.testing.assert_allclose(seen.kernel_change, 0, atol=1e-6)  # the kernel of a linear network is constant


def test_a_far_step_of_a_curved_network_is_not_lazy(key):
    assert linearize.laziness(CURVED, *pair(key, 0.001), threshold=0.9).lazy
    assert not linearize.laziness(CURVED, *pair(key, 5.0), threshold=0.9).lazy


def test_the_change_of_the_weights_is_relative_to_the_parents():
    w = jnp.ones((5, 3))
    inputs = jnp.ones((2, 5))
    assert linearize.laziness(LINEAR, w, w, inputs).weight_change == 0
    np.testing.assert_allclose(linearize.laziness(LINEAR, 4 * w, 5 * w, inputs).weight_change, 0.25, rtol=1e-6)


def test_the_error_is_zero_by_limit_at_the_parent(key):
    curve = linearize.linearisation_error(CURVED, *pair(key, 1.0), alphas=(0.0, 1.0))
    assert (curve.error[0], curve.explained[0], curve.cosine[0]) == (0, 1, 1)


def test_the_relative_error_is_first_order_in_alpha(key):
    with jax.enable_x64(True):
        error = linearize.linearisation_error(CURVED, *pair(key, 1.0), alphas=(1e-3, 2e-3)).error
        np.testing.assert_allclose(error[1] / error[0], 2, atol=0.02)  # the next order is 1e-3 of it


def test_alphas_that_miss_the_child_are_refused(key):
    with pytest.raises(ValueError, match="expected alphas that end at 1"):
        linearize.laziness(LINEAR, *pair(key, 1.0), alphas=(0.5,))
