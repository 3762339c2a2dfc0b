"""Training mode with the same weights in PyTorch: logits from the batch's own statistics, and the statistics kept."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import converters
from lineage_jax import models
from tests.converters.against_torch import assert_close
from tests.oracles import torch_cifar
from tests.oracles.torch_networks import randomise, torchvision

pytestmark = pytest.mark.torch

CASES = {
    "akamaster/resnet20": (lambda: torch_cifar.resnet(20, projected=False), (32, 32, 3)),
    "torchvision/resnet18": (lambda: torchvision().models.resnet18(weights=None, num_classes=10), (63, 64, 3)),
    "torchvision/mobilenet_v3_small": (lambda: without_dropout(torchvision().models.mobilenet_v3_small()), (63, 64, 3)),
}


def without_dropout(network):
    import torch

    for module in network.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.0
    return network


def arrays(oracle):
    """Returns copies of a PyTorch network's arrays: a step of training overwrites its own."""
    return {name: tensor.numpy().copy() for name, tensor in oracle.state_dict().items()}


@pytest.mark.parametrize(("name", "build", "input_shape"), [(name, *case) for name, case in CASES.items()])
def test_a_batch_in_training_gives_pytorchs_logits_and_running_means(name, build, input_shape):
    import torch

    torch.manual_seed(0)
    oracle = randomise(build()).train()
    entry = converters.ENTRIES[name]
    before = arrays(oracle)
    network = models.build(entry.architecture, **entry.settings_of({key: array.shape for key, array in before.items()}))
    target = models.shapes_of(network, input_shape)
    convert = lambda tensors: converters.to_flax(tensors, target, entry).variables

    images = np.random.default_rng(0).normal(size=(4, *input_shape)).astype(np.float32)
    with torch.no_grad():
        expected = oracle(torch.from_numpy(images.transpose(0, 3, 1, 2))).numpy()
    variables = jax.tree.map(jnp.asarray, convert(before))
    train = jax.jit(lambda variables, images: network.apply(variables, images, train=True, mutable=["batch_stats"]))
    logits, state = train(variables, jnp.asarray(images))
    # float32 through up to fifty layers
    assert_close(logits, expected, 1e-5, "logits")
    after = jax.tree.leaves_with_path(convert(arrays(oracle))["batch_stats"])
    kept = dict(jax.tree.leaves_with_path(state["batch_stats"]))
    for path, array in after:
        if path[-1].key == "mean":  # PyTorch's variance divides by one less than the number of pixels
            assert_close(kept[path], array, 1e-5, jax.tree_util.keystr(path))
