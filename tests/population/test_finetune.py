"""Children continue their own parent's body with a head of their own."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lineage_jax import data, models, population
from lineage_jax.population import TrainingSettings

CHILD = models.fc(5, widths=(64,))
TRAINING = TrainingSettings(steps=100)


def kernels(networks):
    kernel = networks.variables["params"]["fc1"]["kernel"]
    return np.asarray(kernel).reshape(len(networks), -1)


def distances_to_parent(children, parents):
    return np.linalg.norm(kernels(children) - np.repeat(kernels(parents), 2, axis=0), axis=1)


def test_children_know_digits_they_have_not_seen(children_and_truth, odd_digits):
    children, _ = children_and_truth
    assert (population.accuracy(CHILD, children, odd_digits[1]) > 0.9).all()  # chance is 0.2
    assert (children.accuracy > 0.95).all()


def test_the_truth_names_the_parent_each_child_is_nearest_to(children_and_truth, parents):
    children, truth = children_and_truth
    assert children.names == ("child-00", "child-01", "child-02", "child-03", "child-04", "child-05")
    distance = np.linalg.norm(kernels(children)[:, None] - kernels(parents), axis=-1)
    nearest = [parents.names[index] for index in distance.argmin(axis=1)]
    assert [truth[child] for child in children.names] == nearest


def test_heads_are_new_and_differ(parents, odd_digits):
    still = TrainingSettings(steps=100, learning_rate=1e-30)
    children, truth = population.finetune(parents, CHILD, odd_digits[0], children_per_parent=2, seed=0, training=still)
    heads = children.variables["params"]["fc2"]["kernel"]
    assert heads.shape == (6, 64, 5)
    assert np.unique(heads[:, 0, 0]).size == 6
    for child, parent in truth.items():
        body = children[child]["params"]["fc1"], parents[parent]["params"]["fc1"]
        jax.tree.map(np.testing.assert_array_equal, *body)


def test_a_frozen_prefix_stays_bit_identical_to_the_parent(parents, odd_digits):
    training = dataclasses.replace(TRAINING, frozen=("fc1",), weight_decay=0.1)
    children, truth = population.finetune(
        parents, CHILD, odd_digits[0], children_per_parent=2, seed=0, training=training
    )
    for child, parent in truth.items():
        jax.tree.map(np.testing.assert_array_equal, children[child]["params"]["fc1"], parents[parent]["params"]["fc1"])
    assert (children.accuracy > 0.9).all()


def test_l2_to_parent_pulls_children_closer(children_and_truth, parents, odd_digits):
    training = dataclasses.replace(TRAINING, l2_to_parent=0.5)
    pulled, _ = population.finetune(parents, CHILD, odd_digits[0], children_per_parent=2, seed=0, training=training)
    free, _ = children_and_truth
    assert (distances_to_parent(pulled, parents) < 0.5 * distances_to_parent(free, parents)).all()


def test_a_child_learns_from_its_own_subset_only(parents, odd_digits):
    images = odd_digits[0]
    only = [np.flatnonzero(images.labels == label)[:50] for label in (0, 1, 2, 3, 4, 0)]
    children, _ = population.finetune(
        parents, CHILD, images, children_per_parent=2, seed=0, training=TRAINING, subsets=np.stack(only)
    )
    logits = [CHILD.apply(children[name], jnp.asarray(images.images[:50])) for name in children.names]
    assert [int(np.bincount(np.argmax(each, axis=-1)).argmax()) for each in logits] == [0, 1, 2, 3, 4, 0]


def test_children_have_children(children_and_truth, odd_digits):
    children, _ = children_and_truth
    chosen = children.select(("child-04", "child-02", "child-00"))
    grandchildren, truth = population.finetune(
        chosen, CHILD, odd_digits[0], children_per_parent=2, seed=1, training=TRAINING
    )
    assert list(truth.values()) == ["child-04", "child-04", "child-02", "child-02", "child-00", "child-00"]
    np.testing.assert_array_less(distances_to_parent(grandchildren, chosen), 0.5 * np.linalg.norm(kernels(chosen)[0]))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"network": models.fc(10, widths=(64,))}, "the images' 5 classes, got num_classes=10"),
        ({"network": models.fc(5, widths=(63,))}, r"child's body: \(63,\) at 'params/fc1/bias', got \(64,\)"),
        ({"network": models.fc(5, widths=(64, 9))}, r"child's body: \(9,\) at 'params/fc2/bias', got \(10,\)"),
        ({"children_per_parent": 0}, "children_per_parent of at least 1, got 0"),
        ({"subsets": np.zeros((5, 3), np.int64)}, "one subset for each of 6 children, got 5"),
        ({"subsets": np.full((6, 3), 10_000)}, r"indices from 0 to \d+ in the subsets, got 10000 to 10000"),
        ({"subsets": np.full((6, 3), -1)}, "in the subsets, got -1 to -1"),
        ({"subsets": np.zeros((6, 0), np.int64)}, "in the subsets, got none"),
        ({"training": TrainingSettings(learning_rate=(0.1,) * 3)}, "one learning_rate for each of 6 networks, got 3"),
        ({"training": TrainingSettings(frozen=("fc7",))}, "frozen layers among fc1, fc2, got 'fc7'"),
    ],
)
def test_what_does_not_fit_is_refused(parents, odd_digits, options, message):
    defaults = {"network": CHILD, "images": odd_digits[0], "children_per_parent": 2, "seed": 0, "training": TRAINING}
    with pytest.raises(ValueError, match=message):
        population.finetune(parents, **defaults | options)


def test_images_of_another_size_are_refused(parents):
    images = data.Images(images=np.ones((4, 5, 5, 1), np.float32), labels=np.arange(4, dtype=np.int32), num_classes=5)
    with pytest.raises(ValueError, match=r"\(25, 64\) at 'params/fc1/kernel', got \(64, 64\)"):
        population.finetune(parents, CHILD, images, children_per_parent=1, seed=0, training=TRAINING)
