"""Networks that name every pixel compute what PyTorch's do, from PyTorch's weights."""

import pytest

from tests.converters.against_torch import Case, check
from tests.oracles.torch_networks import channels_last, torchvision
from tests.oracles.torch_unet import unet

pytestmark = pytest.mark.torch

LEVELS = ("inc", "down1", "down2", "down3", "down4", "up1", "up2", "up3", "up4")


def milesial(name, input_shape, **settings):
    return Case(
        entry=f"milesial/{name}",
        build=lambda: unet(channels=input_shape[-1], num_classes=3, **settings),
        taps={level: level for level in LEVELS},
        input_shape=input_shape,
    )


def resnet50(name, *, aux):
    build = lambda: getattr(torchvision().models.segmentation, name)(
        weights=None, weights_backbone=None, num_classes=5, aux_loss=aux
    )
    stages = (f"layer{number}" for number in range(1, 5))
    return Case(
        entry=f"torchvision/{name}{'_aux' if aux else ''}",
        build=build,
        taps={"backbone/relu": "backbone.relu", **{f"backbone/{stage}": f"backbone.{stage}" for stage in stages}},
        input_shape=(49, 64, 3),
        outputs=named,
    )


def lraspp():
    return torchvision().models.segmentation.lraspp_mobilenet_v3_large(
        weights=None, weights_backbone=None, num_classes=5
    )


def named(outputs):
    return {name: channels_last(array.numpy()) for name, array in outputs.items()}


CASES = {
    "lraspp_mobilenet_v3_large": Case(
        entry="torchvision/lraspp_mobilenet_v3_large",
        build=lraspp,
        taps={f"backbone/{index}": f"backbone.{index}" for index in range(17)},
        input_shape=(81, 64, 3),
        outputs=named,
    ),
    "fcn_resnet50_aux": resnet50("fcn_resnet50", aux=True),
    "deeplabv3_resnet50_aux": resnet50("deeplabv3_resnet50", aux=True),
    "unet": milesial("unet", (35, 48, 1), width=64, bilinear=False, bias=False),
    "unet_of_old": milesial("unet", (33, 32, 3), width=8, bilinear=False, bias=True),
    "unet_bilinear": milesial("unet_bilinear", (38, 49, 3), width=16, bilinear=True, bias=False),
}

OF_SHAPES_ALONE = [resnet50(name, aux=False) for name in ("fcn_resnet50", "deeplabv3_resnet50")]
"""As above without the second head: the index of names and shapes holds them, and its tests are theirs."""


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_taps_and_outputs_are_pytorchs(case):
    check(case)
