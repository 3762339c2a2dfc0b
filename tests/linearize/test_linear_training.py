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
