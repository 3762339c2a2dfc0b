"""The tangents of all groups sum to the whole."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lineage_jax import linearize


def network(v, x):
    return jnp.tanh(x @ v["params"]["fc1"]["w"]) @ v["params"]["fc2"]["w"]


def pair(key):
    draw = lambda i: {
        "params": {
            "fc1": {"w": jax.random.normal(jax.random.fold_in(key, i), (5, 4))},
            "fc2": {"w": jax.random.normal(jax.random.fold_in(key, i + 1), (4, 3))},
        }
    }
    return draw(0), draw(2), jnp.cos(jnp.arange(10.0).reshape(2, 5))


def test_groups_sum_to_the_tangent_and_shares_to_one(key):
    split = linearize.tangents_by_group(network, *pair(key))
    assert list(split) == ["params/fc1", "params/fc2"]
    whole = linearize.tangents(network, *pair(key)).tangent
    np.testing.assert_allclose(sum(split.values()), whole, rtol=1e-5, atol=1e-5)  # float32 sums
    np.testing.assert_allclose(sum(linearize.group_shares(split).values()), 1, rtol=1e-5)  # float32 sums


def test_a_leaf_in_no_group_is_named(key):
    with pytest.raises(ValueError, match="expected 'params/fc2/w' in exactly one group, got"):
        linearize.tangents_by_group(network, *pair(key), groups={"first": ("params/fc1",)})
