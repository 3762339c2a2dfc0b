"""Training in the tangent space."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from lineage_jax import linearize

MSE = lambda f, y: jnp.square(f - y).mean()
X = jnp.cos(jnp.arange(40.0).reshape(8, 5))
Y = jnp.sin(jnp.arange(16.0).reshape(8, 2))


def finetuned(f, parent, key, batch_size=8):
    return linearize.finetune_linearized(
        f, parent, X, Y, loss=MSE, optimizer=optax.sgd(0.1), steps=10, batch_size=batch_size, key=key
    )


def test_a_linear_network_trains_as_usual(key):
    f = lambda v, x: x @ v["w"]
    parent = {"w": jax.random.normal(key, (5, 2))}
    usual = parent["w"]
    for _ in range(10):
        usual = usual - 0.1 * jax.grad(lambda w: MSE(X @ w, Y))(usual)
    ours = finetuned(f, parent, key)
    np.testing.assert_allclose(ours.variables["w"], usual, rtol=1e-4, atol=1e-5)  # another order of the examples


def test_the_loss_falls_and_the_first_gradient_is_the_usual_one(key):
    f = lambda v, x: jnp.tanh(x @ v["w"])
    parent = {"w": jax.random.normal(key, (5, 2))}
    losses = finetuned(f, parent, key).losses
    assert (jnp.diff(losses) < 0).all()
    model = linearize.linearized(f, parent)
    ours, usual = (jax.grad(lambda v, g=g: MSE(g(v, X), Y))(parent)["w"] for g in (model, f))
    np.testing.assert_allclose(ours, usual, rtol=1e-4, atol=1e-6)  # float32 sums


def test_a_batch_larger_than_the_data_is_refused(key):
    with pytest.raises(ValueError, match="expected batch_size from 1 to 8 examples, got 9"):
        finetuned(lambda v, x: x @ v, jnp.ones((5, 2)), key, batch_size=9)


def test_numpy_networks_inputs_and_labels_train_alike(key):
    f = lambda v, x: jnp.tanh(x @ v["w"])
    labels = np.arange(8) % 2
    loss = lambda f, y: optax.softmax_cross_entropy_with_integer_labels(f, y).mean()
    parent = {"w": np.random.default_rng(0).normal(size=(5, 2))}
    settings = {"loss": loss, "optimizer": optax.sgd(0.1), "steps": 3, "batch_size": 4, "key": key}
    ours = linearize.finetune_linearized(f, parent, np.asarray(X), labels, **settings)
    usual = linearize.finetune_linearized(f, jax.tree.map(jnp.asarray, parent), X, jnp.asarray(labels), **settings)
    np.testing.assert_array_equal(ours.variables["w"], usual.variables["w"])
    with pytest.raises(ValueError, match="expected a target for each of 8 examples, got 7 targets"):
        linearize.finetune_linearized(f, parent, X, labels[1:], **settings)


def test_numpy_networks_and_inputs_have_the_tangents_of_jax_ones():
    draw = np.random.default_rng(0)
    parent, child = ({"w": draw.normal(size=(5, 2)), "scale": np.float64(i)} for i in (1.0, 2.0))
    f = lambda v, x: jnp.tanh(x @ v["w"]) * v["scale"]
    x = np.asarray(X)
    for call in (
        lambda p, c, x: linearize.tangents(f, p, c, x),
        lambda p, c, x: linearize.linearize(f, p, x)[1](c),
        lambda p, c, x: linearize.predict_second_order(f, p, c, x),
        lambda p, c, x: linearize.tangents_by_group(f, p, c, x),
        lambda p, c, x: linearize.laziness(f, p, c, x, alphas=np.array([0.5, 1.0])).curve.error,
        lambda p, c, x: linearize.ntk_trace(f, p, x),
    ):
        of_jax = call(*jax.tree.map(jnp.asarray, (parent, child, x)))
        jax.tree.map(np.testing.assert_array_equal, call(parent, child, x), of_jax)
