"""Hidden layers of transformers compare again, whatever was done to streams, heads and units."""

import jax
import numpy as np
import pytest

from experiments.evidence import laundering
from lineage_jax import kinship, lineage, models, symmetry
from tests.kinship.vit import INPUT, NETWORK, groups_of_network
from tests.symmetry.drawn import drawn


@pytest.fixture(scope="module")
def groups():
    return groups_of_network()


@pytest.fixture(scope="module")
def networks():
    shapes = jax.eval_shape(lambda: models.init(NETWORK, jax.random.key(0), INPUT[1:]))
    parent, other = (drawn(shapes, seed=seed) for seed in (0, 1))
    return parent, jax.tree.map(lambda leaf, noise: leaf + 0.5 * noise * (leaf.ndim > 1), parent, other)


def turned(variables):
    return laundering.launder(variables, NETWORK, INPUT, jax.random.key(2), continuous=True)


def cosine(a, b, groups):
    brought, stays = kinship.turned_back(a, b, groups)
    return lineage.overlap({"a": brought}, stays).centred_kernel_cosine.item()


def test_a_network_that_was_turned_is_itself_again(groups, networks):
    parent, _ = networks
    brought, stays = kinship.turned_back(parent, turned(parent), groups)
    assert sorted(brought) == sorted(
        f"params/blocks/{block}/mlp/{layer}/kernel" for block in range(2) for layer in ("fc1", "fc2")
    )
    for path, kernel in stays.items():
        np.testing.assert_allclose(brought[path], kernel, atol=1e-3 * np.abs(kernel).max())  # float32


def test_a_child_is_as_near_turned_as_it_was(groups, networks):
    parent, child = networks
    np.testing.assert_allclose(cosine(parent, turned(child), groups), cosine(parent, child, groups), atol=0.01)


def test_a_network_without_streams_has_no_hidden_layers_to_turn():
    network = models.fc(num_classes=2, widths=(16, 16))
    variables = models.init(network, jax.random.key(0), (4, 4, 1))
    groups = symmetry.groups(network.apply, variables, jax.ShapeDtypeStruct((1, 4, 4, 1), np.float32))
    assert kinship.turned_back(variables, variables, groups) == ({}, {})


def test_leaves_that_are_not_those_of_the_groups_are_refused(groups, networks):
    parent, _ = networks
    with pytest.raises(ValueError, match="expected network b with the leaves that groups were read off"):
        kinship.turned_back(parent, {"params": {}}, groups)
