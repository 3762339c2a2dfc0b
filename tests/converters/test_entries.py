"""What entries make of names of old, and what they read off shapes."""

import pytest

import converters

RETINANET = "torchvision/retinanet_resnet50_fpn_coco"


@pytest.mark.parametrize(
    ("entry", "old", "new"),
    [
        ("torchvision/vit_b_16", "encoder.layers.encoder_layer_3.mlp.linear_1.weight", "blocks.3.mlp.fc1.weight"),
        ("torchvision/vit_b_16", "encoder.layers.encoder_layer_3.mlp.linear_2.bias", "blocks.3.mlp.fc2.bias"),
        (RETINANET, "backbone.fpn.inner_blocks.2.weight", "backbone.fpn.inner_blocks_2.weight"),
        (RETINANET, "backbone.fpn.inner_blocks.2.0.weight", "backbone.fpn.inner_blocks_2.weight"),
        (RETINANET, "head.regression_head.conv.6.bias", "head.regression_head.conv.conv_3.bias"),
        (RETINANET, "head.regression_head.conv.2.bias", "head.regression_head.conv.conv_1.bias"),
        (RETINANET, "head.regression_head.conv.2.0.bias", "head.regression_head.conv.conv_2.bias"),
        ("torchvision/fcos_resnet50_fpn", "backbone.fpn.layer_blocks.0.bias", "backbone.fpn.layer_blocks_0.bias"),
        ("sequential/fc", "4.weight", "fc3.weight"),
        ("sequential/fc", "5.weight", "fc3.weight"),
    ],
)
def test_names_of_old_and_of_today_lead_to_one_place(entry, old, new):
    module, _, leaf = new.rpartition(".")
    assert converters.ENTRIES[entry].path(old) == (module.replace(".", "/"), leaf)


@pytest.mark.parametrize(
    ("entry", "shapes", "input_shape"),
    [
        ("timm/vit_small_patch32_224", {"pos_embed": (1, 145, 384)}, (384, 384, 3)),
        ("torchvision/vit_l_16", {"encoder.pos_embedding": (1, 1025, 1024)}, (512, 512, 3)),
        ("sequential/fc", {"3.weight": (10, 32), "1.weight": (32, 64)}, (8, 8, 1)),
        ("milesial/unet", {"inc.double_conv.0.weight": (64, 4, 3, 3)}, (512, 512, 4)),
        ("torchvision/resnet18", {}, (224, 224, 3)),
    ],
)
def test_the_image_is_read_off_the_shapes_where_they_tell_it(entry, shapes, input_shape):
    assert converters.ENTRIES[entry].input_shape_of(shapes) == input_shape


def test_layers_of_a_sequential_are_ordered_by_number():
    shapes = {f"{2 * index}.weight": (index + 1, index + 2) for index in reversed(range(7))}
    sizes = converters.ENTRIES["sequential/fc"].settings_of(shapes)
    assert sizes == {"num_classes": 7, "widths": (1, 2, 3, 4, 5, 6)}


def test_the_dots_in_the_names_of_published_densenets_are_taken_out():
    entry = converters.ENTRIES["torchvision/densenet121"]
    published = "features.denseblock1.denselayer2.norm.1.running_mean"
    assert entry.path(published) == ("features/denseblock1/denselayer2/norm1", "running_mean")
    assert entry.path(published.replace("norm.1", "norm1")) == entry.path(published)
    assert entry.path("features.transition1.norm.weight") == ("features/transition1/norm", "weight")
