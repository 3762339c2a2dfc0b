"""The residual networks with the same weights in PyTorch."""

import itertools

import flax.traverse_util
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lineage_jax import models

pytestmark = pytest.mark.torch


def torch_resnet(*, widths, depth, stem, option_a, head, num_classes):
    """Returns a residual network in PyTorch: torchvision's layout, or akamaster's for CIFAR."""
    import torch
    from torch import nn
    from torch.nn import functional

    class PaddedShortcut(nn.Module):
        def __init__(self, new, stride):
            super().__init__()
            self.new, self.stride = new, stride

        def forward(self, x):
            x = x[:, :, :: self.stride, :: self.stride]
            return functional.pad(x, (0, 0, 0, 0, self.new // 2, self.new // 2))

    class Block(nn.Module):
        def __init__(self, before, width, stride):
            super().__init__()
            self.conv1 = nn.Conv2d(before, width, 3, stride, 1, bias=False)
            self.bn1 = nn.BatchNorm2d(width)
            self.conv2 = nn.Conv2d(width, width, 3, 1, 1, bias=False)
            self.bn2 = nn.BatchNorm2d(width)
            if before == width:
                self.downsample = nn.Identity()
            elif option_a:
                self.downsample = PaddedShortcut(width - before, stride)
            else:
                projection = nn.Conv2d(before, width, 1, stride, bias=False)
                self.downsample = nn.Sequential(projection, nn.BatchNorm2d(width))

        def forward(self, x):
            y = torch.relu(self.bn1(self.conv1(x)))
            return torch.relu(self.bn2(self.conv2(y)) + self.downsample(x))

    class Network(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv1 = nn.Conv2d(3, widths[0], *stem, bias=False)
            self.bn1 = nn.BatchNorm2d(widths[0])
            for number, (before, width) in enumerate(itertools.pairwise((widths[0], *widths)), start=1):
                first = Block(before, width, 1 if number == 1 else 2)
                rest = (Block(width, width, 1) for _ in range(depth - 1))
                setattr(self, f"layer{number}", nn.Sequential(first, *rest))
            setattr(self, head, nn.Linear(widths[-1], num_classes))

        def forward(self, x):
            x = torch.relu(self.bn1(self.conv1(x)))
            if not option_a:
                x = functional.max_pool2d(x, 3, 2, 1)
            for number in range(1, len(widths) + 1):
                x = getattr(self, f"layer{number}")(x)
            return getattr(self, head)(x.mean((2, 3)))

    return Network()


def randomise(network):
    """Makes the normalisations' weights and statistics as random as a trained network's."""
    import torch

    generator = torch.Generator().manual_seed(0)
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            for tensor in (module.weight.data, module.running_var):
                tensor.uniform_(0.5, 1.5, generator=generator)
            for tensor in (module.bias.data, module.running_mean):
                tensor.normal_(generator=generator)


def flax_variables(network):
    """Returns a PyTorch network's arrays under Flax's names and layouts."""
    names = {"running_mean": "mean", "running_var": "var", "bias": "bias"}
    flat = {}
    for key, tensor in network.state_dict().items():
        *path, leaf = key.split(".")
        if leaf == "num_batches_tracked":
            continue
        collection = "batch_stats" if leaf.startswith("running") else "params"
        array = tensor.numpy()
        if array.ndim == 4:
            array = array.transpose(2, 3, 1, 0)
        name = names.get(leaf, "scale" if array.ndim == 1 else "kernel")
        flat[(collection, *path, name)] = jnp.asarray(array.T if array.ndim == 2 else array)
    return flax.traverse_util.unflatten_dict(flat)


CASES = {
    "cifar_resnet20": (
        models.cifar_resnet20(),
        {"widths": (16, 32, 64), "depth": 3, "stem": (3, 1, 1), "option_a": True, "head": "linear"},
        (32, 32, 3),
    ),
    "resnet18": (
        models.resnet18(num_classes=10),
        {"widths": (64, 128, 256, 512), "depth": 2, "stem": (7, 2, 3), "option_a": False, "head": "fc"},
        (63, 64, 3),  # an odd and an even side, where padding mistakes show
    ),
}


@pytest.mark.parametrize(("network", "layout", "input_shape"), CASES.values(), ids=CASES.keys())
@pytest.mark.parametrize("train", [False, True], ids=["evaluation", "training"])
def test_equal_weights_give_equal_logits_in_pytorch(network, layout, input_shape, train):
    import torch

    torch.manual_seed(0)
    oracle = torch_resnet(num_classes=10, **layout)
    randomise(oracle)
    variables = flax_variables(oracle)
    expected_tree = jax.eval_shape(lambda key: models.init(network, key, input_shape), jax.random.key(0))
    assert jax.tree.map(jnp.shape, variables) == jax.tree.map(lambda leaf: leaf.shape, expected_tree)

    images = np.random.default_rng(0).normal(size=(4, *input_shape)).astype(np.float32)
    with torch.no_grad():
        expected = oracle.train(train)(torch.from_numpy(images.transpose(0, 3, 1, 2))).numpy()
    actual, _ = network.apply(variables, jnp.asarray(images), train=train, mutable=["batch_stats"])
    # float32 through twenty layers: the largest difference over the largest value
    assert np.abs(actual - expected).max() <= 1e-5 * np.abs(expected).max()
