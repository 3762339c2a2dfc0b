"""Transformers and ConvNeXt compute what PyTorch's do, from PyTorch's weights."""

import numpy as np
import pytest

import converters
from lineage_jax import models
from tests.converters.against_torch import Case, check
from tests.oracles.torch_networks import timm, torchvision

pytestmark = pytest.mark.torch


def timm_vit(name, *, depth=12, image=64):
    return Case(
        entry=f"timm/{name}",
        build=lambda: timm().create_model(name, pretrained=False, num_classes=7, img_size=image),
        taps={"patch_embed": "patch_embed", **{f"blocks/{i}": f"blocks.{i}" for i in range(depth)}, "norm": "norm"},
        input_shape=(image, image, 3),
    )


def torchvision_vit(name, *, depth, image=64):
    blocks = {f"blocks/{i}": f"encoder.layers.encoder_layer_{i}" for i in range(depth)}
    return Case(
        entry=f"torchvision/{name}",
        build=lambda: getattr(torchvision().models, name)(weights=None, num_classes=7, image_size=image),
        taps={"patch_embed/proj": "conv_proj", **blocks, "norm": "encoder.ln"},
        input_shape=(image, image, 3),
    )


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
    timm_vit("vit_small_patch16_224"),
    timm_vit("vit_small_patch32_224"),
    timm_vit("vit_base_patch16_224"),
    timm_vit("vit_base_patch32_224"),
    timm_vit("vit_large_patch32_224", depth=24),
    timm_vit("deit_tiny_patch16_224"),
    timm_vit("deit_small_patch16_224"),
    timm_vit("deit_base_patch16_224"),
    torchvision_vit("vit_b_16", depth=12),
    torchvision_vit("vit_b_32", depth=12),
    torchvision_vit("vit_l_16", depth=24),
]

# their classes are tried above in numbers
OF_SHAPES_ALONE = [timm_vit("vit_large_patch16_224"), torchvision_vit("vit_l_32", depth=24)]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.entry)
def test_taps_and_outputs_are_pytorchs(case):
    check(case)


@pytest.mark.parametrize("case", OF_SHAPES_ALONE, ids=lambda case: case.entry)
def test_names_and_shapes_of_the_largest_are_pytorchs(case):
    import torch

    with torch.device("meta"):
        shapes = {name: tuple(tensor.shape) for name, tensor in case.build().state_dict().items()}
    entry = converters.ENTRIES[case.entry]
    network = models.build(entry.architecture, **entry.settings_of(shapes))
    target = models.shapes_of(network, entry.input_shape_of(shapes))
    no_memory = {name: np.broadcast_to(np.float32(0), shape) for name, shape in shapes.items()}
    converted = converters.to_flax(no_memory, target, entry)
    assert not converted.ignored
    returned = converters.to_torch(converted.variables, shapes, entry)
    assert {name: array.shape for name, array in returned.items()} == shapes
