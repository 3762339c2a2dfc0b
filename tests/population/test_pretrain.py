"""Parents learn, follow from their seed, and refuse what does not fit."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lineage_jax import models, population
from lineage_jax.population import TrainingSettings
from lineage_jax.population._run import numbered

NETWORK = models.fc(10, widths=(64,))
TRAINING = TrainingSettings(steps=300)


def same_bits(tree, other):
    return all(np.array_equal(a, b) for a, b in zip(jax.tree.leaves(tree), jax.tree.leaves(other), strict=True))


def test_parents_know_digits_they_have_not_seen(parents, digits):
    assert (population.accuracy(NETWORK, parents, digits[1]) > 0.9).all()
    assert (parents.loss < 0.05).all()
    assert (parents.accuracy > 0.98).all()
    assert parents.names == ("parent-0", "parent-1", "parent-2")


def test_accuracy_is_the_share_of_right_answers(parents, digits):
    images = digits[1]
    logits = NETWORK.apply(parents["parent-1"], jnp.asarray(images.images))
    expected = np.mean(np.argmax(logits, axis=-1) == images.labels)
    np.testing.assert_allclose(population.accuracy(NETWORK, parents, images)[1], expected, rtol=1e-6)  # a float32 mean


def test_the_same_seed_gives_the_same_bits_and_another_seed_others(parents, digits):
    again = population.pretrain(NETWORK, digits[0], num_parents=3, seed=0, training=TRAINING)
    other = population.pretrain(NETWORK, digits[0], num_parents=3, seed=1, training=TRAINING)
    assert same_bits(parents, again)
    assert not any(same_bits(parents[name], other[name]) for name in parents.names)


def test_parents_of_one_family_differ(parents):
    first = parents.variables["params"]["fc1"]["kernel"].reshape(3, -1)
    assert np.abs(np.corrcoef(first) - np.eye(3)).max() < 0.2  # weights of strangers are uncorrelated


def test_a_shared_initialisation_is_shared_by_all_and_left_by_training(digits):
    def kernels(rate):
        training = TrainingSettings(steps=300, learning_rate=rate)
        settings = {"num_parents": 3, "seed": 0, "training": training, "shared_init": True}
        return population.pretrain(NETWORK, digits[0], **settings).variables["params"]["fc1"]["kernel"].reshape(3, -1)

    start, end = kernels(1e-30), kernels(0.05)
    np.testing.assert_array_equal(start, np.tile(start[0], (3, 1)))
    assert not np.array_equal(end[0], end[1])
    assert np.corrcoef(end).min() > 0.5


def test_checkpoints_are_points_of_one_run(digits):
    training = TrainingSettings(steps=300)
    chain = population.pretrain_checkpoints(NETWORK, digits[0], num_parents=3, seed=0, training=training)
    kernels = chain.variables["params"]["fc1"]["kernel"].reshape(3, -1)
    distance = np.linalg.norm(kernels[:, None] - kernels, axis=-1)
    assert distance[0, 1] < distance[0, 2]
    assert distance[1, 2] < distance[0, 2]
    assert chain.names == ("parent-0", "parent-1", "parent-2")
    assert chain.loss[2] < chain.loss[0]


def test_parents_may_differ_in_their_hyper_parameters(digits):
    training = TrainingSettings(steps=300, learning_rate=(0.05, 1e-30, 0.05), weight_decay=(0.0, 0.0, 0.1))
    mixed = population.pretrain(NETWORK, digits[0], num_parents=3, seed=0, training=training)
    norms = np.linalg.norm(mixed.variables["params"]["fc1"]["kernel"].reshape(3, -1), axis=1)
    assert mixed.accuracy[1] < 0.3 < 0.9 < mixed.accuracy[0]
    assert norms[2] < 0.5 * norms[0]


def test_select_keeps_the_report_with_its_network(parents):
    chosen = parents.select(("parent-2", "parent-0"))
    assert chosen.names == ("parent-2", "parent-0")
    np.testing.assert_array_equal(chosen.loss, parents.loss[np.array([2, 0])])
    assert same_bits(chosen["parent-2"], parents["parent-2"])


def test_names_have_equal_lengths():
    names = numbered("parent", 11)
    assert (names[0], names[10]) == ("parent-00", "parent-10")


def test_training_that_diverges_names_its_networks(digits):
    training = TrainingSettings(steps=300, learning_rate=(0.05, 1e30, 0.05))
    with pytest.raises(ValueError, match="not finite after training parent-1: lower learning_rate"):
        population.pretrain(NETWORK, digits[0], num_parents=3, seed=0, training=training)


@pytest.mark.parametrize(
    ("network", "changes", "message"),
    [
        (models.fc(7, widths=(64,)), {}, "the images' 10 classes, got num_classes=7"),
        (NETWORK, {"frozen": ("fc1", "fc9")}, "frozen layers among fc1, fc2, got 'fc9'"),
        (NETWORK, {"frozen": ("fc1", "fc2")}, "at least one layer that is not frozen"),
        (NETWORK, {"learning_rate": (0.1, 0.1)}, "one learning_rate for each of 3 networks, got 2"),
        (NETWORK, {"weight_decay": (0.1,)}, "one weight_decay for each of 3 networks, got 1"),
        (NETWORK, {"l2_to_parent": 0.1}, "no l2_to_parent where there is no parent"),
    ],
)
def test_settings_that_do_not_fit_are_refused(digits, network, changes, message):
    training = dataclasses.replace(TRAINING, **changes)
    with pytest.raises(ValueError, match=message):
        population.pretrain(network, digits[0], num_parents=3, seed=0, training=training)


def test_no_parents_and_unequal_checkpoints_are_refused(digits):
    with pytest.raises(ValueError, match="num_parents of at least 1, got 0"):
        population.pretrain(NETWORK, digits[0], num_parents=0, seed=0, training=TRAINING)
    with pytest.raises(ValueError, match="7 checkpoints divide equally, got 300"):
        population.pretrain_checkpoints(NETWORK, digits[0], num_parents=7, seed=0, training=TRAINING)
