"""Detection networks say of every anchor what torchvision's do, from torchvision's weights."""

import pytest

from tests.converters.against_torch import Case, check
from tests.oracles.torch_networks import torchvision

pytestmark = pytest.mark.torch


def raw(network):
    """Makes a detection network return what its head says of a batch of images."""
    network.forward = lambda images: network.head(list(network.backbone(images).values()))
    return network


def of_torchvision(name, **settings):
    return raw(
        getattr(torchvision().models.detection, name)(weights=None, weights_backbone=None, num_classes=3, **settings)
    )


def coco_retinanet():
    """Returns the network as torchvision builds it for its COCO weights: normalisations frozen, their epsilon 0."""
    ops, detection = torchvision().ops, torchvision().models.detection
    network = of_torchvision("retinanet_resnet50_fpn")
    body = torchvision().models.resnet50(weights=None, norm_layer=ops.misc.FrozenBatchNorm2d)
    network.backbone = detection.backbone_utils._resnet_fpn_extractor(
        body, 0, returned_layers=[2, 3, 4], extra_blocks=ops.feature_pyramid_network.LastLevelP6P7(256, 256)
    )
    detection._utils.overwrite_eps(network, 0.0)
    return network


PYRAMID = {
    **{f"backbone/body/layer{number}": f"backbone.body.layer{number}" for number in range(1, 5)},
    **{f"backbone/fpn/layer_blocks_{level}": f"backbone.fpn.layer_blocks.{level}" for level in range(3)},
    **{f"backbone/fpn/{level}": f"backbone.fpn.extra_blocks.{level}" for level in ("p6", "p7")},
}


SSDLITE = {
    **{f"backbone/features_{index}": f"backbone.features.{index}" for index in range(2)},
    **{f"backbone/extra_{index}": f"backbone.extra.{index}" for index in range(4)},
}


def case(name, build, taps=PYRAMID):
    return Case(
        entry=f"torchvision/{name}",
        build=build,
        taps=taps,
        input_shape=(97, 128, 3),  # stages of odd and even sides
        outputs=lambda outputs: {name: array.numpy() for name, array in outputs.items()},
    )


CASES = [
    case("retinanet_resnet50_fpn", lambda: of_torchvision("retinanet_resnet50_fpn")),
    case("retinanet_resnet50_fpn_coco", coco_retinanet),
    case("fcos_resnet50_fpn", lambda: of_torchvision("fcos_resnet50_fpn")),
    case("ssdlite320_mobilenet_v3_large", lambda: of_torchvision("ssdlite320_mobilenet_v3_large"), SSDLITE),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.entry)
def test_taps_and_outputs_are_pytorchs(case):
    check(case)
