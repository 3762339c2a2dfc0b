"""Alignment ignores scale; the kernel of a linear network does not change."""

import jax
import jax.numpy as jnp
import numpy as np

from lineage_jax import linearize, similarity


def test_alignment_ignores_scale_and_centring_gives_cka(key):
    a, b = (jax.random.normal(jax.random.fold_in(key, i), (9, 4)) for i in range(2))
    k, other = a @ a.T, b @ b.T
    np.testing.assert_allclose(linearize.kernel_alignment(k, 3 * k), 1, rtol=1e-5)  # float32 sums
    ours = linearize.centred_kernel_alignment(k, other)
    np.testing.assert_allclose(ours, similarity.linear_cka(a, b), rtol=1e-4)  # float32 sums
    assert linearize.kernel_alignment(k, jnp.zeros((9, 9))) == 0


def test_the_kernel_of_doubled_weights_is_known():
    f = lambda w, x: x * w**2
    change = linearize.relative_kernel_change(f, jnp.ones(1), jnp.full(1, 2.0), jnp.ones((3, 1)))
    np.testing.assert_allclose(change, 3, rtol=1e-6)  # (2w)^2: 4 becomes 16
