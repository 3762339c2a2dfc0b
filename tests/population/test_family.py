"""A family is made, kept and read back from its settings alone."""

import dataclasses

import jax
import numpy as np
import pytest

from lineage_jax import io, models, population
from lineage_jax.population import FamilySettings, TrainingSettings
from lineage_jax.population._family import subsets_of

NETWORK = models.fc(5, widths=(64,))
SETTINGS = FamilySettings(
    num_parents=3,
    children_per_parent=2,
    pretraining=TrainingSettings(steps=300, learning_rate=(0.05, 0.1, 0.05)),
    finetuning=TrainingSettings(steps=100),
    few_shot=10,
)


@pytest.fixture(scope="module")
def family(digits, odd_digits):
    return population.make_family(NETWORK, digits[0], odd_digits[0], settings=SETTINGS)


def assert_same_networks(networks, others):
    assert networks.names == others.names
    assert jax.tree.structure(networks) == jax.tree.structure(others)
    jax.tree.map(np.testing.assert_array_equal, networks, others)


def test_a_family_has_its_sizes_and_its_truth(family):
    assert list(family.truth) == list(family.children.names)
    assert list(family.truth.values()) == ["parent-0", "parent-0", "parent-1", "parent-1", "parent-2", "parent-2"]
    assert family.parents.variables["params"]["fc2"]["kernel"].shape == (3, 64, 10)
    assert family.children.variables["params"]["fc2"]["kernel"].shape == (6, 64, 5)
    assert family.network == NETWORK
    assert family.settings == SETTINGS


def test_children_with_ten_examples_a_class_beat_chance_by_far(family, odd_digits):
    assert (population.accuracy(NETWORK, family.children, odd_digits[1]) > 0.6).all()  # chance is 0.2


def test_the_same_settings_give_the_same_family_and_another_seed_another(family, digits, odd_digits):
    again = population.make_family(NETWORK, digits[0], odd_digits[0], settings=SETTINGS)
    assert_same_networks(again.parents, family.parents)
    assert_same_networks(again.children, family.children)
    other_settings = dataclasses.replace(SETTINGS, seed=1)
    other = population.make_family(NETWORK, digits[0], odd_digits[0], settings=other_settings)
    assert not np.array_equal(other.children.loss, family.children.loss)


def test_a_family_comes_back_from_disk_bit_for_bit(tmp_path, family):
    population.save_family(tmp_path / "family", family)
    loaded = population.load_family(tmp_path / "family")
    assert_same_networks(loaded.parents, family.parents)
    assert_same_networks(loaded.children, family.children)
    assert (loaded.network, loaded.truth, loaded.settings) == (family.network, family.truth, family.settings)


def test_a_checkpoint_of_something_else_is_no_family(tmp_path):
    io.save(tmp_path / "a", {"x": np.ones(1)}, description={"step": 1})
    with pytest.raises(ValueError, match="got one of step"):
        population.load_family(tmp_path / "a")


def test_few_shot_subsets_have_k_of_every_class_and_differ_between_children(odd_digits):
    subsets = subsets_of(dataclasses.replace(SETTINGS, few_shot=3), odd_digits[0])
    assert subsets.shape == (6, 15)
    for subset in subsets:
        assert np.bincount(odd_digits[0].labels[subset]).tolist() == [3] * 5
    assert len({tuple(sorted(subset)) for subset in subsets}) == 6


def test_imbalanced_subsets_have_their_ratio(odd_digits):
    subsets = subsets_of(dataclasses.replace(SETTINGS, few_shot=None, imbalance=10.0), odd_digits[0])
    for subset in subsets:
        counts = np.bincount(odd_digits[0].labels[subset])
        assert 9 < counts.max() / counts.min() < 11  # whole examples


def test_all_examples_are_seen_where_nothing_is_said(odd_digits):
    assert subsets_of(dataclasses.replace(SETTINGS, few_shot=None), odd_digits[0]) is None


def test_more_examples_than_a_class_has_are_refused_before_training(digits, odd_digits):
    settings = dataclasses.replace(SETTINGS, few_shot=1000)
    with pytest.raises(ValueError, match="expected 1000 examples of class"):
        population.make_family(NETWORK, digits[0], odd_digits[0], settings=settings)
