"""The convolutional networks that name what an image shows: taps and outputs are PyTorch's, from PyTorch's weights."""

import pytest

from tests.converters.against_torch import Case, check
from tests.oracles import torch_cifar
from tests.oracles.torch_networks import torchvision

pytestmark = pytest.mark.torch

CLASSES = 7


def of_torchvision(network, taps):
    """Makes the case of a network that torchvision has under the same name."""
    build = lambda: getattr(torchvision().models, network)(weights=None, num_classes=CLASSES)
    return Case(entry=f"torchvision/{network}", build=build, taps=taps)


def of_timm(network, taps):
    """Makes the case of a network of timm."""

    def build():
        torchvision()  # timm imports it
        import timm

        return timm.create_model(network, num_classes=CLASSES)

    return Case(entry=f"timm/{network}", build=build, taps=taps)


def same(names):
    """Maps our taps to PyTorch's modules of the same path."""
    return {name: name.replace("/", ".") for name in names}


DENSE = {"avgpool": "avgpool", "classifier1": "classifier.1", "classifier4": "classifier.4"}


def resnet(network):
    return of_torchvision(network, same(("relu", *(f"layer{number}" for number in range(1, 5)), "avgpool")))


def akamaster(depth):
    return Case(
        entry=f"akamaster/resnet{depth}",
        build=lambda: torch_cifar.resnet(depth, projected=False),
        taps=same(("layer1", "layer2", "layer3")),
        input_shape=(31, 32, 3),
    )


def vgg(network, *pools):
    return of_torchvision(network, same(f"features/{index}" for index in pools) | DENSE)


CASES = [
    *(resnet(network) for network in ("resnet18", "resnet50", "resnext50_32x4d")),
    akamaster(20),
    Case(
        entry="distiller/resnet20_cifar",
        build=lambda: torch_cifar.resnet(20, projected=True),
        taps=same(("layer1", "layer2", "layer3")),
        input_shape=(31, 32, 3),
    ),
    *(
        Case(
            entry=f"xternalz/wrn_{depth}_{width}",
            build=lambda depth=depth, width=width: torch_cifar.wide_resnet(depth, width),
            taps=same(("conv1", "block1", "block2", "block3", "relu")),
            input_shape=(31, 32, 3),
        )
        for depth, width in ((16, 1), (40, 2))
    ),
    *(
        of_torchvision(
            f"mobilenet_v3_{size}",
            same((*(f"features/{index}" for index in range(last + 1)), "avgpool")) | {"classifier1": "classifier.1"},
        )
        for size, last in (("large", 16), ("small", 12))
    ),
    of_timm("mobilenetv3_large_100", {"features/1": "blocks.0", "features/6": "blocks.2", "features/16": "blocks.6"}),
    of_timm("mobilenetv3_small_100", {"features/1": "blocks.0", "features/6": "blocks.2", "features/12": "blocks.5"}),
    of_torchvision("mobilenet_v2", same(f"features/{index}" for index in range(19))),
    vgg("vgg11", 2, 5, 10, 15, 20),
    vgg("vgg11_bn", 3, 7, 14, 21, 28),
    of_torchvision(
        "alexnet",
        same([*(f"features/{index}" for index in (2, 5, 7, 9, 12)), "avgpool"])
        | {"classifier2": "classifier.2", "classifier5": "classifier.5"},
    ),
    of_torchvision(
        "densenet121", same(f"features/{name}" for name in ("relu0", *(f"denseblock{n}" for n in range(1, 5)), "norm5"))
    ),
    of_torchvision("efficientnet_b0", same([*(f"features/{index}" for index in range(9)), "avgpool"])),
    *(
        of_timm(network, {f"features/{stage + 1}": f"blocks.{stage}" for stage in range(7)})
        for network in ("efficientnet_b0", "tf_efficientnet_b0")
    ),
]

OF_SHAPES_ALONE = [
    *(resnet(network) for network in ("resnet34", "resnet101", "wide_resnet50_2")),
    *(akamaster(depth) for depth in (32, 44, 56)),  # published ones of all depths are compared by their logits
    vgg("vgg16", 4, 9, 16, 23, 30),
    vgg("vgg16_bn", 6, 13, 23, 33, 43),
]
"""Deeper or wider siblings of networks above: the index of names and shapes holds them, and its tests are theirs."""


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.entry)
def test_taps_and_outputs_are_pytorchs(case):
    check(case)
