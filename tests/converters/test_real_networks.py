"""Published ResNets for CIFAR-10, recognised and run: they classify as their authors' networks do."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import converters
from lineage_jax import models

pytestmark = pytest.mark.data

FILES = {20: "resnet20-12fca82f.th", 32: "resnet32-d509ac18.th", 44: "resnet44-014dd654.th", 56: "resnet56-4bfd9763.th"}
RIGHT = {20: 185, 32: 183, 44: 187, 56: 189}
"""Of 200 images, as PyTorch classifies them."""


@pytest.fixture
def cifar(data_folder):
    """Returns 200 test images, normalised as these networks were trained, and their labels."""
    with np.load(data_folder / "images" / "cifar10_200.npz") as stored:
        images, labels = stored["x"].astype(np.float32) / 255, stored["y"]
    mean, spread = np.float32([0.485, 0.456, 0.406]), np.float32([0.229, 0.224, 0.225])
    return (images - mean) / spread, labels


def read(data_folder, depth):
    return converters.read(data_folder / "checkpoints" / "cifar_resnet" / FILES[depth]).tensors


def logits_of(tensors, images):
    (match,) = converters.recognise({name: array.shape for name, array in tensors.items()}).fits
    network = models.build(match.entry.architecture, **match.settings)
    converted = converters.to_flax(tensors, models.shapes_of(network, match.input_shape), match.entry)
    variables = jax.tree.map(jnp.asarray, converted.variables)
    return match.entry.name, np.asarray(jax.jit(network.apply)(variables, jnp.asarray(images)))


def test_resnet20_classifies_185_of_200_images_rightly(data_folder, cifar):
    images, labels = cifar
    name, logits = logits_of(read(data_folder, 20), images)
    assert name == "akamaster/resnet20"
    assert (logits.argmax(axis=1) == labels).sum() == 185


@pytest.mark.torch
@pytest.mark.parametrize("depth", FILES)
def test_logits_and_classes_are_pytorchs(data_folder, cifar, depth):
    import torch

    from tests.oracles import torch_cifar

    images, labels = cifar
    tensors = read(data_folder, depth)
    oracle = torch_cifar.resnet(depth, projected=False)
    loaded = oracle.load_state_dict({name: torch.from_numpy(array.copy()) for name, array in tensors.items()}, False)
    assert not loaded.unexpected_keys
    assert all(name.endswith("num_batches_tracked") for name in loaded.missing_keys)
    with torch.no_grad():
        expected = oracle.eval()(torch.from_numpy(images.transpose(0, 3, 1, 2).copy())).numpy()
    _, logits = logits_of(tensors, images)
    # float32 through up to 56 layers
    assert np.abs(logits - expected).max() <= 1e-5 * np.abs(expected).max()
    right = [(array.argmax(axis=1) == labels).sum() for array in (logits, expected)]
    assert right == [RIGHT[depth]] * 2
