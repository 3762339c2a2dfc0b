"""The training step against float64 numpy, and one compiled program for a whole family."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lineage_jax import data, models, population
from lineage_jax.population import TrainingSettings
from lineage_jax.typing import Networks

NETWORK = models.fc(3, widths=(4,))
STILL = 1e-30
"""A learning rate that moves no float32 weight: the networks stay as they start."""


def gradient(layers, image, label):
    """Returns the gradient of the cross-entropy of a network with one hidden layer."""
    (w1, b1), (w2, b2) = layers
    hidden = np.maximum(image @ w1 + b1, 0)
    logits = hidden @ w2 + b2
    error = np.exp(logits - logits.max())
    error = error / error.sum() - np.eye(len(logits))[label]
    back = (w2 @ error) * (hidden > 0)
    return [(np.outer(image, back), back), (np.outer(hidden, error), error)]


def descend(layers, images, training, anchor):
    """Trains on the only image, in float64; the anchor pulls the first layer only."""
    memory = [tuple(np.zeros_like(leaf) for leaf in layer) for layer in layers]
    for _ in range(training.steps):
        steps = gradient(layers, images.images[0].reshape(-1).astype(np.float64), images.labels[0])
        for index, layer in enumerate(layers):
            pull = training.l2_to_parent if index == 0 else 0.0
            new = []
            for leaf, step, old, start in zip(layer, steps[index], memory[index], anchor[index], strict=True):
                new.append(training.momentum * old + step + training.weight_decay * leaf + pull * (leaf - start))
            memory[index] = tuple(new)
        layers = [
            tuple(leaf - training.learning_rate * move for leaf, move in zip(layer, moves, strict=True))
            for layer, moves in zip(layers, memory, strict=True)
        ]
    return layers


def layers_of(variables):
    params = jax.tree.map(lambda leaf: np.asarray(leaf, np.float64), variables["params"])
    return [(params[name]["kernel"], params[name]["bias"]) for name in ("fc1", "fc2")]


@pytest.mark.parametrize("l2_to_parent", [0.0, 0.3])
def test_every_weight_is_what_float64_says(one_image, l2_to_parent):
    training = TrainingSettings(steps=8, learning_rate=0.1, weight_decay=0.2, l2_to_parent=l2_to_parent)
    still = dataclasses.replace(training, learning_rate=STILL)
    first = dataclasses.replace(still, l2_to_parent=0.0)
    parents = population.pretrain(NETWORK, one_image, num_parents=2, seed=3, training=first)
    start, _ = population.finetune(parents, NETWORK, one_image, children_per_parent=2, seed=4, training=still)
    end, truth = population.finetune(parents, NETWORK, one_image, children_per_parent=2, seed=4, training=training)
    for child in end.names:
        beginning = layers_of(start[child])
        np.testing.assert_array_equal(beginning[0][0], layers_of(parents[truth[child]])[0][0])
        expected = descend(beginning, one_image, training, beginning)
        for layer, oracle in zip(layers_of(end[child]), expected, strict=True):
            for leaf, truth_leaf in zip(layer, oracle, strict=True):
                np.testing.assert_allclose(leaf, truth_leaf, rtol=1e-5, atol=1e-6)  # float32 over eight steps


def test_a_second_family_of_the_same_shapes_is_not_compiled_again(one_image):
    def family(seed, rate):
        training = TrainingSettings(steps=8, learning_rate=rate)
        parents = population.pretrain(NETWORK, one_image, num_parents=2, seed=seed, training=training)
        population.finetune(parents, NETWORK, one_image, children_per_parent=2, seed=seed, training=training)
        population.accuracy(NETWORK, parents, one_image)

    family(0, 0.1)
    with jax.no_tracing():
        family(1, 0.2)


def test_side_by_side_changes_the_schedule_but_not_the_networks(digits):
    settings = {"num_parents": 3, "seed": 0, "training": TrainingSettings(steps=300, learning_rate=1e-3)}
    network = models.fc(10, widths=(64,))
    together = population.pretrain(network, digits[0], **settings, side_by_side=3)
    one_by_one = population.pretrain(network, digits[0], **settings, side_by_side=1)
    for leaf, other in zip(jax.tree.leaves(together), jax.tree.leaves(one_by_one), strict=True):
        np.testing.assert_allclose(leaf, other, rtol=1e-3, atol=1e-5)  # another order of float32 sums
    with pytest.raises(ValueError, match="side_by_side of at least 1, got 0"):
        population.pretrain(network, digits[0], **settings, side_by_side=0)


def test_a_convolutional_network_learns(digits):
    network = models.convnet(10, widths=(8,))
    training = TrainingSettings(steps=100, batch_size=32, learning_rate=0.2)
    parents = population.pretrain(network, digits[0], num_parents=2, seed=0, training=training)
    assert (population.accuracy(network, parents, digits[1]) > 0.3).all()  # chance is 0.1


def test_batch_statistics_move_except_those_of_frozen_layers(key):
    numbers = np.random.default_rng(0)
    pixels = numbers.normal(3, 2, size=(6, 8, 8, 1)).astype(np.float32)
    images = data.Images(images=pixels, labels=np.arange(6, dtype=np.int32) % 2, num_classes=2)
    network = models.CifarResNet(num_classes=2, depth=1)
    shapes = jax.eval_shape(lambda: models.init(network, key, (8, 8, 1)))
    draw = {name: jax.tree.map(lambda leaf: numbers.uniform(0.0, 0.1, leaf.shape), shapes) for name in "ab"}
    parents = Networks.stack(jax.tree.map(lambda leaf: jnp.asarray(leaf, jnp.float32), draw))  # cheaper than `init`

    training = TrainingSettings(steps=2, batch_size=3, learning_rate=1e-3, frozen=("conv1", "bn1", "layer1"))
    children, _ = population.finetune(parents, network, images, children_per_parent=1, seed=0, training=training)
    before, after = parents.variables["batch_stats"], children.variables["batch_stats"]
    for layer in ("bn1", "layer1"):
        jax.tree.map(np.testing.assert_array_equal, after[layer], before[layer])
    moved = np.abs(after["layer3"]["0"]["bn2"]["mean"] - before["layer3"]["0"]["bn2"]["mean"]).max(axis=1)
    assert (moved > 0.01).all()
