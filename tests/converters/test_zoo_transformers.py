"""Transformers and ConvNeXt compute what PyTorch's do, from PyTorch's weights."""

import pytest

from tests.converters.against_torch import Case, check
from tests.oracles.torch_networks import timm, torchvision

pytestmark = pytest.mark.torch


def timm_vit(name, image=64, **settings):
    """Makes the case of a transformer of timm, which may have fewer blocks: `depth`."""
    blocks = {f"blocks/{i}": f"blocks.{i}" for i in range(settings.get("depth", 12))}
    return Case(
        entry=f"timm/{name}",
        build=lambda: timm().create_model(name, pretrained=False, num_classes=7, img_size=image, **settings),
        taps={"patch_embed": "patch_embed", **blocks, "norm": "norm"},
        input_shape=(image, image, 3),
        settings=settings,
    )


def torchvision_vit(name, *, depth, image=64):
    blocks = {f"blocks/{i}": f"encoder.layers.encoder_layer_{i}" for i in range(depth)}
    return Case(
        entry=f"torchvision/{name}",
        build=lambda: getattr(torchvision().models, name)(weights=None, num_classes=7, image_size=image),
        taps={"patch_embed/proj": "conv_proj", **blocks, "norm": "encoder.ln"},
        input_shape=(image, image, 3),
    )


SIZES = [f"{size}_patch{patch}" for size in ("small", "base", "large") for patch in (16, 32)]
DEITS = [f"deit_{size}_patch16" for size in ("tiny", "small", "base")]
CASES = [
    Case(
        entry="torchvision/convnext_tiny",
        build=lambda: torchvision().models.convnext_tiny(weights=None, num_classes=7),
        taps={
            "stem": "features.0",
            **{f"stages_{i}": f"features.{2 * i + 1}" for i in range(4)},
            "stages_1/downsample": "features.2",
            "global_pool": "avgpool",
            "norm": "classifier.0",
        },
    ),
    Case(
        entry="timm/convnext_tiny",
        build=lambda: timm().create_model("convnext_tiny", pretrained=False, num_classes=7),
        taps={
            "stem": "stem",
            **{f"stages_{i}": f"stages.{i}" for i in range(4)},
            "global_pool": "head.global_pool",
            "norm": "head.norm",
        },
    ),
    timm_vit("vit_tiny_patch16_224"),
    *(timm_vit(f"vit_{size}_224", depth=2) for size in SIZES),
    torchvision_vit("vit_b_32", depth=12),
]

OF_SHAPES_ALONE = [
    *(timm_vit(f"{size}_224") for size in (*(f"vit_{size}" for size in SIZES), *DEITS)),
    *(torchvision_vit(name, depth=depth) for name, depth in (("vit_b_16", 12), ("vit_l_16", 24), ("vit_l_32", 24))),
]
"""Blocks and heads as above, and more of them: the index of names and shapes holds them, and its tests are theirs."""


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.entry)
def test_taps_and_outputs_are_pytorchs(case):
    check(case)
