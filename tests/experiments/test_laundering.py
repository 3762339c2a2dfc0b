"""A laundered network computes what it did, and its weights look like a stranger's."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from experiments.evidence import laundering
from lineage_jax import leaves, models
from tests.symmetry.drawn import drawn, drawn_images

IMAGES = (3, 8, 8, 3)


def cosine_of_kernels(a, b):
    kernels = [[leaf.ravel() for leaf in leaves.leaf_paths(tree).values() if leaf.ndim > 1] for tree in (a, b)]
    one, two = map(np.concatenate, kernels)
    return float(one @ two / np.linalg.norm(one) / np.linalg.norm(two))


def test_a_turned_transformer_computes_the_same(key):
    network = models.ViT(num_classes=3, patch=4, width=24, depth=2, heads=3)
    with jax.enable_x64(True):
        variables = drawn(jax.eval_shape(network.init, jax.random.key(0), jnp.zeros((1, *IMAGES[1:]))))
        laundered = laundering.launder(variables, network, (1, *IMAGES[1:]), key, continuous=True)
        images, outputs = drawn_images(IMAGES), jax.jit(network.apply)
        before, after = outputs(variables, images), outputs(laundered, images)
    np.testing.assert_allclose(after, before, rtol=0, atol=1e-9 * np.abs(before).max())
    assert abs(cosine_of_kernels(variables, laundered)) < 0.1
    assert jax.tree.map(jnp.shape, laundered) == jax.tree.map(jnp.shape, variables)


def test_a_rotation_keeps_lengths_and_means():
    turned = laundering.rotation(7, np.random.default_rng(0))
    np.testing.assert_allclose(turned @ turned.T, np.eye(7), atol=1e-12)
    np.testing.assert_allclose(turned.sum(0), 1.0, atol=1e-12)


def test_only_a_transformer_has_a_stream_to_turn(key):
    network = models.fc(num_classes=2, widths=(4,))
    variables = models.init(network, key, (2, 2, 1))
    with pytest.raises(ValueError, match="expected a vision transformer, got FC: it has no stream to turn"):
        laundering.launder(variables, network, (1, 2, 2, 1), key, continuous=True)
