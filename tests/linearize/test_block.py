"""A block is the network from one layer on: nothing before it counts."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lineage_jax import linearize, models
from lineage_jax.leaves import leaf_paths

NETWORKS = {
    "fc": (models.fc(widths=(8, 6, 5)), "relu1", ("relu2", "relu3")),
    "convnet": (models.convnet(widths=(4, 5, 6)), "relu2", ("relu3", "avgpool")),
    "resnet": (models.CifarResNet(num_classes=10, depth=1, width=2), "layer1", ("layer2", "avgpool")),
}
IMAGE = (8, 8, 1)
every_network = pytest.mark.parametrize("name", NETWORKS)


def problem(name, key):
    network, start, layers = NETWORKS[name]
    keys = jax.random.split(key, 3)
    parent, child = (models.init(network, k, IMAGE) for k in keys[:2])
    block = linearize.block_of(network, start, layers, input_shape=IMAGE)
    return block, parent, child, jax.random.normal(keys[2], (3, *IMAGE))


def before(variables, name):
    """Marks the leaves that only layers before the block read."""
    first = {"fc": ("fc1",), "convnet": ("conv1", "conv2"), "resnet": ("conv1", "bn1", "layer1")}[name]
    return {path for path in leaf_paths(variables) if path.split("/")[1] in first}


@every_network
def test_fed_with_its_own_activations_a_block_gives_the_networks_features(name, key):
    block, parent, _, images = problem(name, key)
    whole = linearize.features_of(block.network, block.layers)(parent, images)
    ours = block(parent, block.entry(parent, images))
    for layer in block.layers:
        np.testing.assert_allclose(ours[layer], whole[layer], rtol=1e-6, atol=1e-6)  # float32, another program


@every_network
def test_leaves_before_the_block_may_be_anything(name, key):
    block, parent, child, images = problem(name, key)
    activations = block.entry(parent, images)
    absent = before(child, name)
    lost = jax.tree.unflatten(
        jax.tree.structure(child),
        [jnp.nan * leaf if path in absent else leaf for path, leaf in leaf_paths(child).items()],
    )
    jax.tree.map(np.testing.assert_array_equal, block(lost, activations), block(child, activations))


@every_network
def test_the_tangent_of_a_block_is_that_of_its_own_leaves(name, key):
    block, parent, child, images = problem(name, key)
    of_block = linearize.tangents(block, parent, child, block.entry(parent, images)).tangent
    held = (*linearize.HELD, *before(parent, name))
    features = linearize.features_of(block.network, block.layers)
    of_network = linearize.tangents(features, parent, child, images, held=held).tangent
    for layer in block.layers:
        np.testing.assert_allclose(of_block[layer], of_network[layer], rtol=1e-5, atol=1e-5)  # float32, another program


def test_a_layer_that_does_not_come_after_the_start_is_refused():
    with pytest.raises(ValueError, match="expected layers after 'relu2', got 'relu1'"):
        linearize.block_of(models.fc(), "relu2", ("relu1",), input_shape=IMAGE)


def test_a_start_within_a_residual_block_is_refused():
    network = models.CifarResNet(num_classes=10, depth=1, width=2)
    with pytest.raises(ValueError, match="expected a start that everything before 'layer2' passes through"):
        linearize.block_of(network, "layer1/0/conv1", ("layer2",), input_shape=IMAGE)


def test_an_unknown_start_is_refused_with_those_there_are():
    with pytest.raises(ValueError, match="layer 'fc9' is not called by FC; it calls: fc1, relu1"):
        linearize.block_of(models.fc(), "fc9", ("relu1",), input_shape=IMAGE)
