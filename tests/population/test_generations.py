"""Children have children: every network continues the parent that it is told to, and its ancestors are known."""

import dataclasses

import jax
import numpy as np
import pytest

from lineage_jax import genealogy, models, population
from lineage_jax.population import Generation, TrainingSettings

NETWORK = models.fc(5, widths=(64,))
STILL = TrainingSettings(steps=1, learning_rate=1e-30)


def body(networks, name):
    return networks[name]["params"]["fc1"]


@pytest.fixture(scope="module")
def plan(odd_digits):
    told = {"network": NETWORK, "images": odd_digits[0], "training": TrainingSettings(steps=60)}
    return [Generation(**told, parents=(2, 0, 0, 2)), Generation(**told, parents=(3, 3, 1))]


@pytest.fixture(scope="module")
def tree(parents, plan):
    return population.make_generations(parents, plan, seed=0)


def test_generations_have_their_names_and_their_truth(tree):
    assert [networks.names[-1] for networks in tree.networks] == ["g1-002", "g2-003", "g3-002"]
    assert list(tree.parent_of) == [name for networks in tree.networks[1:] for name in networks.names]
    assert list(tree.parent_of.values()) == ["g1-002", "g1-000", "g1-000", "g1-002", "g2-003", "g2-003", "g2-001"]


def test_every_network_is_nearest_to_the_parent_that_the_plan_names(tree):
    for before, after in zip(tree.networks, tree.networks[1:], strict=False):
        for name in after.names:
            kernels = {parent: body(before, parent)["kernel"] for parent in before.names}
            distance = {p: np.linalg.norm(body(after, name)["kernel"] - kernel) for p, kernel in kernels.items()}
            assert min(distance, key=distance.get) == tree.parent_of[name]


def test_networks_learn_and_siblings_differ(tree, odd_digits):
    for networks in tree.networks[1:]:
        assert (population.accuracy(NETWORK, networks, odd_digits[1]) > 0.8).all()  # chance is 0.2
        assert len(np.unique(np.asarray(networks.variables["params"]["fc1"]["bias"])[:, 0])) == len(networks)


def test_the_same_seed_gives_the_same_generations_and_each_its_own_heads(parents, plan, tree):
    again = population.make_generations(parents, plan, seed=0)
    for ours, theirs in zip(again.networks, tree.networks, strict=True):
        jax.tree.map(np.testing.assert_array_equal, ours, theirs)
    still = [dataclasses.replace(told, training=STILL) for told in plan]
    _, second, third = population.make_generations(parents, still, seed=0).networks
    heads = [networks.variables["params"]["fc2"]["kernel"][:, 0, 0] for networks in (second, third)]
    assert len(np.unique(np.concatenate(heads))) == 7


def test_a_generation_is_one_compiled_program_and_equal_ones_share_it(parents, plan, tree):
    told = dataclasses.replace(plan[0], parents=(0, 1, 2, 0))
    with jax.no_tracing():
        population.descend(
            parents,
            told.network,
            told.images,
            parent_of=dict(zip("abcd", parents.names + parents.names[:1], strict=True)),
            seed=5,
            training=told.training,
        )


def test_ancestors_are_found_up_to_the_root(tree):
    line = genealogy.ancestors("g3-000", tree.forest)
    assert line == ("g2-003", "g1-002")
    assert [genealogy.ancestor("g3-000", tree.forest, generation=g) for g in (1, 2, 3)] == [*line[::-1], "g3-000"]
    assert genealogy.ancestors("g1-000", tree.forest) == ()


def test_generations_that_do_not_exist_and_circles_are_refused(tree):
    for generation in (0, 4):
        with pytest.raises(ValueError, match=f"1 to that of 'g3-000', 3, got {generation}"):
            genealogy.ancestor("g3-000", tree.forest, generation=generation)
    with pytest.raises(ValueError, match="got 'b', which descends from itself"):
        genealogy.ancestors("a", {"a": "b", "b": "c", "c": "b"})


def test_parents_that_do_not_exist_are_refused_before_training(parents, plan):
    wrong = [plan[0], dataclasses.replace(plan[1], parents=(0, 4))]
    with pytest.raises(ValueError, match="places from 0 to 3 in generation 2, got 4"):
        population.make_generations(parents, wrong, seed=0)


@pytest.mark.parametrize(
    ("parent_of", "message"),
    [({}, "at least one new network, got none"), ({"x": "eve"}, "among parent-0, parent-1, parent-2, got 'eve'")],
)
def test_children_of_nobody_are_refused(parents, odd_digits, parent_of, message):
    with pytest.raises(ValueError, match=message):
        population.descend(parents, NETWORK, odd_digits[0], parent_of=parent_of, seed=0, training=STILL)


def test_parents_are_drawn_anew_for_every_network():
    drawn = population.random_parents(300, among=5, seed=1)
    assert drawn == population.random_parents(300, among=5, seed=1)
    assert set(drawn) == set(range(5))
    with pytest.raises(ValueError, match="one network and one parent, got 3 and 0"):
        population.random_parents(3, among=0, seed=0)
