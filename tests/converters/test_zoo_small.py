"""Small networks compute what their authors' do, from their weights."""

import jax
import numpy as np
import pytest

import converters
from lineage_jax import models
from tests.converters.against_torch import Case, check
from tests.oracles import torch_small

pytestmark = pytest.mark.torch

GELUS = {name: name for name in ("gelu1", "gelu2", "gelu3")}
RELUS = {name: name for name in ("relu1", "relu2")}
CASES = {
    "outlier_exposure": Case(
        entry="outlier_exposure/mnist", build=torch_small.outlier_exposure, taps=GELUS, input_shape=(28, 28, 1)
    ),
    **{
        f"convex_adversarial_{data}": Case(
            entry=f"convex_adversarial/{data}",
            build=lambda side=side, channels=channels: torch_small.convex_adversarial(channels, side),
            taps={"relu1": "1", "relu2": "3", "relu3": "6"},
            input_shape=(side, side, channels),
        )
        for data, side, channels in (("mnist", 28, 1), ("svhn", 32, 3))
    },
    **{
        f"{source}{size}{'_flatten' if flatten else ''}": Case(
            entry=f"{source}/fc{size}",
            build=lambda pixels=pixels, flatten=flatten, source=source: torch_small.fully_connected(
                pixels=pixels, flatten=flatten, named=source == "named"
            ),
            taps=RELUS if source == "named" else {"relu1": str(1 + flatten), "relu2": str(3 + flatten)},
            input_shape=input_shape,
        )
        for size, pixels, input_shape in (("", 100, (10, 10, 1)), ("_cifar", 3072, (32, 32, 3)))
        for source, flatten in (("named", False), ("sequential", False), ("sequential", True))
    },
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_taps_and_outputs_are_pytorchs(case):
    check(case)


@pytest.mark.data
@pytest.mark.parametrize(
    ("entry", "file", "images", "correct"),
    [
        ("outlier_exposure/mnist", "outlier_exposure_mnist/baseline_epoch_9.pt", "mnist", 9906),
        ("convex_adversarial/mnist", "convex_adversarial/mnist.pth", "mnist", 9820),
        ("convex_adversarial/mnist", "convex_adversarial/fashion_mnist.pth", "fashion_mnist", 7827),
    ],
)
def test_published_weights_name_as_many_test_images_as_in_pytorch(data_folder, entry, file, images, correct):
    import torch

    state_dict = torch.load(data_folder / "checkpoints" / file, map_location="cpu", weights_only=True)
    while "state_dict" in state_dict or isinstance(state_dict, list):
        state_dict = state_dict[0] if isinstance(state_dict, list) else state_dict["state_dict"]
    tensors = {name: tensor.numpy() for name, tensor in state_dict.items()}
    found = converters.ENTRIES[entry]
    network = models.build(found.architecture, **found.settings_of({n: a.shape for n, a in tensors.items()}))
    variables = converters.to_flax(tensors, models.shapes_of(network, found.input_shape), found).variables
    with np.load(data_folder / "images" / f"{images}.npz") as data:
        pixels, labels = data["x_test"][..., None] / np.float32(255), data["y_test"]
    logits = jax.jit(network.apply)(variables, pixels)
    # an image whose two largest logits are equal but for rounding may fall to either side
    assert abs(int((logits.argmax(axis=1) == labels).sum()) - correct) <= 1
