"""Networks come back from disk as they were, or with one clear line."""

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lineage_jax import io, models

SHAPE = (8, 8, 3)


@pytest.mark.parametrize(
    "network",
    [
        models.fc(5, widths=(6, 4)),
        models.convnet(3, widths=(4, 4)),
        models.cifar_resnet20(4),
        models.cifar_resnet32(4),
    ],
    ids=lambda network: type(network).__name__,
)
def test_a_network_comes_back_with_its_settings_and_the_same_outputs(tmp_path, key, network):
    numbers = np.random.default_rng(0)
    shapes = jax.eval_shape(lambda: models.init(network, key, SHAPE))  # nothing is compiled for the sake of a draw
    variables = jax.tree.map(lambda leaf: jnp.asarray(numbers.uniform(0, 0.1, leaf.shape), jnp.float32), shapes)
    models.save_network(tmp_path / "a", network, variables, input_shape=SHAPE)
    saved = models.load_network(tmp_path / "a")
    assert saved.network == network
    assert saved.input_shape == SHAPE
    assert jax.tree.structure(saved.variables) == jax.tree.structure(variables)
    images = jnp.ones((2, *SHAPE))
    np.testing.assert_array_equal(saved.network.apply(saved.variables, images), network.apply(variables, images))


@pytest.mark.parametrize("architecture", models.ARCHITECTURES)
def test_every_architecture_is_described_by_the_words_it_is_built_from(architecture):
    words = models.describe(models.build(architecture, num_classes=7))
    assert words["architecture"] == architecture
    assert models.build(**words) == models.build(architecture, num_classes=7)


def test_a_saved_network_passes_through_transformations(tmp_path, key):
    network = models.fc(5, widths=(6,))
    models.save_network(tmp_path / "a", network, models.init(network, key, SHAPE), input_shape=SHAPE)
    doubled = jax.jit(lambda saved: jax.tree.map(lambda leaf: 2 * leaf, saved))(models.load_network(tmp_path / "a"))
    assert doubled.network == network


def test_a_network_of_ones_own_is_refused(tmp_path, key):
    network = nn.Dense(3)
    with pytest.raises(ValueError, match="made by one of fc, convnet"):
        models.save_network(tmp_path / "a", network, network.init(key, jnp.ones((1, 4))), input_shape=SHAPE)
    with pytest.raises(ValueError, match="made by one of fc, convnet"):
        models.describe(models.ResNet(num_classes=3, depths=(1, 1, 1, 1)))


def test_variables_of_another_network_are_not_saved(tmp_path, key):
    variables = models.init(models.fc(5, widths=(6, 4)), key, SHAPE)
    with pytest.raises(ValueError, match=r"\(7,\) at 'params/fc1/bias', got \(6,\)"):
        models.save_network(tmp_path / "a", models.fc(5, widths=(7, 4)), variables, input_shape=SHAPE)
    assert not (tmp_path / "a").exists()


def test_a_tree_that_does_not_fit_its_architecture_names_the_first_difference(tmp_path, key):
    network = models.fc(5, widths=(6,))
    variables = models.init(network, key, SHAPE)
    del variables["params"]["fc2"]["kernel"]
    description = {"network": models.describe(network), "input_shape": SHAPE}
    io.save(tmp_path / "a", variables, description=description)
    with pytest.raises(ValueError, match=r"\(6, 5\) at 'params/fc2/kernel', got nothing"):
        models.load_network(tmp_path / "a")


def test_a_checkpoint_of_something_else_is_refused(tmp_path):
    io.save(tmp_path / "a", {"x": np.ones(1)}, description={"step": 3})
    with pytest.raises(ValueError, match="got one of step"):
        models.load_network(tmp_path / "a")


def test_an_unknown_architecture_on_disk_is_refused(tmp_path):
    description = {"network": {"architecture": "vgg"}, "input_shape": SHAPE}
    io.save(tmp_path / "a", {"x": np.ones(1)}, description=description)
    with pytest.raises(ValueError, match="got 'vgg'"):
        models.load_network(tmp_path / "a")
