"""The tangent is the directional derivative of the features along the fine-tuning step."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lineage_jax import linearize


def mlp(params, inputs):
    hidden = jnp.tanh(inputs @ params["fc1"]["kernel"] + params["fc1"]["bias"])
    return {"fc1": hidden, "fc2": jnp.tanh(hidden @ params["fc2"]["kernel"])}


def mlp_params(key, scale=1.0):
    keys = jax.random.split(key, 3)
    return {
        "fc1": {"kernel": scale * jax.random.normal(keys[0], (6, 8)), "bias": scale * jax.random.normal(keys[1], (8,))},
        "fc2": {"kernel": scale * jax.random.normal(keys[2], (8, 4))},
    }


def pair_and_inputs(key):
    parent, step = mlp_params(jax.random.fold_in(key, 0)), mlp_params(jax.random.fold_in(key, 1), scale=0.1)
    return parent, jax.tree.map(jnp.add, parent, step), jax.random.normal(jax.random.fold_in(key, 2), (5, 6))


def test_tangent_is_the_derivative_along_the_step_at_every_layer(key):
    with jax.enable_x64(True):
        parent, child, inputs = pair_and_inputs(key)
        h = 1e-5
        along = lambda t: mlp(jax.tree.map(lambda p, c: p + t * (c - p), parent, child), inputs)
        _, tangent = linearize.tangents(mlp, parent, child, inputs)
        for layer in ("fc1", "fc2"):
            central = (along(h)[layer] - along(-h)[layer]) / (2 * h)
            np.testing.assert_allclose(tangent[layer], central, rtol=1e-7, atol=1e-9)  # central differences: O(h^2)


def test_value_is_the_parents_own_features(key):
    parent, child, inputs = pair_and_inputs(key)
    value, _ = linearize.tangents(mlp, parent, child, inputs)
    np.testing.assert_array_equal(value["fc2"], mlp(parent, inputs)["fc2"])


def test_error_of_the_prediction_is_second_order_in_the_step(key):
    with jax.enable_x64(True):
        parent, child, inputs = pair_and_inputs(key)

        def error(t):
            near = jax.tree.map(lambda p, c: p + t * (c - p), parent, child)
            predicted = linearize.predict_finetuned(mlp, parent, near, inputs)["fc2"]
            return jnp.linalg.norm(predicted - mlp(near, inputs)["fc2"])

        np.testing.assert_allclose(jnp.log2(error(1e-3) / error(5e-4)), 2.0, atol=0.05)


def test_a_bias_free_relu_network_obeys_eulers_identity(key):
    """A network homogeneous of degree L in its parameters has J theta = L f: stepping from theta to 2 theta."""
    layers = [jax.random.normal(k, (7, 7)) for k in jax.random.split(key, 3)]

    def network(params, inputs):
        for kernel in params:
            inputs = jax.nn.relu(inputs @ kernel)
        return inputs

    inputs = jax.random.normal(jax.random.fold_in(key, 9), (4, 7))
    value, tangent = linearize.tangents(network, layers, [2 * kernel for kernel in layers], inputs)
    np.testing.assert_allclose(tangent, 3 * value, rtol=1e-5)  # float32 rounding of three products


def test_alpha_zero_predicts_the_parent_itself(key):
    parent, child, inputs = pair_and_inputs(key)
    predicted = linearize.predict_finetuned(mlp, parent, child, inputs, alpha=0.0)
    np.testing.assert_array_equal(predicted["fc1"], mlp(parent, inputs)["fc1"])


def test_one_linearisation_serves_many_children(key):
    parent, child, inputs = pair_and_inputs(key)
    value, push = linearize.linearize(mlp, parent, inputs)
    once = linearize.tangents(mlp, parent, child, inputs)
    np.testing.assert_allclose(value["fc2"], once.value["fc2"], rtol=1e-6)  # the same float32 products
    np.testing.assert_allclose(push(child)["fc2"], once.tangent["fc2"], rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(push(parent)["fc2"], jnp.zeros((5, 4)))


def test_tangents_work_under_jit_and_vmap(key):
    parent, child, inputs = pair_and_inputs(key)
    children = jax.tree.map(lambda p, c: jnp.stack([c, 2 * c - p]), parent, child)
    many = jax.jit(jax.vmap(lambda c: linearize.tangents(mlp, parent, c, inputs).tangent["fc2"]))(children)
    np.testing.assert_allclose(many[1], 2 * many[0], rtol=1e-4, atol=1e-6)  # the tangent is linear in the step


def test_batch_statistics_stay_the_parents_unless_asked(key):
    network = lambda v, x: x @ v["params"]["w"] - v["batch_stats"]["mean"]
    parent = {"params": {"w": jnp.ones((3, 2))}, "batch_stats": {"mean": jnp.zeros(2)}}
    child = {"params": {"w": jnp.ones((3, 2))}, "batch_stats": {"mean": jnp.ones(2)}}
    inputs = jnp.ones((4, 3))
    np.testing.assert_array_equal(linearize.tangents(network, parent, child, inputs).tangent, jnp.zeros((4, 2)))
    moved = linearize.tangents(network, parent, child, inputs, held=()).tangent
    np.testing.assert_array_equal(moved, -jnp.ones((4, 2)))


def test_integer_leaves_take_no_part():
    parent, child = {"w": jnp.zeros(3), "steps": jnp.array(1)}, {"w": jnp.ones(3), "steps": jnp.array(9)}
    step = linearize.finetuning_step(parent, child)
    assert list(step) == ["w"]


def test_features_of_any_rank_become_matrices():
    assert linearize.as_matrices(jnp.zeros(5)).shape == (5, 1)
    with pytest.raises(ValueError, match=r"expected features of shape \[n, \.\.\.\], got a scalar"):
        linearize.as_matrices(jnp.array(1.0))


def test_the_first_path_that_differs_is_named():
    parent = {"fc1": {"bias": jnp.ones(2), "kernel": jnp.ones((3, 2))}, "fc2": {"kernel": jnp.ones((2, 2))}}
    other_shape = parent | {"fc2": {"kernel": jnp.ones((2, 5))}}
    with pytest.raises(ValueError, match=r"differ at 'fc2/kernel': \(2, 2\) in the parent, \(2, 5\) in the child"):
        linearize.finetuning_step(parent, other_shape)
    absent = {"fc1": {"kernel": jnp.ones((3, 2))}, "fc2": parent["fc2"]}
    with pytest.raises(ValueError, match=r"differ at 'fc1/bias': \(2,\) in the parent, absent in the child"):
        linearize.finetuning_step(parent, absent)
    with pytest.raises(ValueError, match=r"differ at 'fc1/bias': absent in the parent, \(2,\) in the child"):
        linearize.finetuning_step(absent, parent)


def test_held_paths_may_differ():
    parent, child = {"body": jnp.ones(2), "head": jnp.ones(3)}, {"body": jnp.zeros(2), "head": jnp.ones(7)}
    assert list(linearize.finetuning_step(parent, child, held=("head",))) == ["body"]
