"""What the networks promise that say something of every pixel, or of every anchor."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lineage_jax import linearize, models
from lineage_jax.models import _feature_pyramid, _resize

SEGMENTATION = [
    models.unet(5, width=4),
    models.unet(5, width=4, bilinear=True, bias=True),
    models.fcn_resnet50(5, aux=True),
    models.deeplabv3_resnet50(5),
    models.lraspp_mobilenet_v3_large(5),
]
ANCHORS = [
    (models.retinanet_resnet50_fpn(5), 9, 5),
    (models.fcos_resnet50_fpn(5), 1, 5),
    (models.ssdlite320_mobilenet_v3_large(5), 6, 6),
]
NETWORKS = [*SEGMENTATION, *(network for network, _, _ in ANCHORS)]
OUTWARD = ("up", "backbone/fpn")
"""Layers on the way back to larger images."""

by_name = pytest.mark.parametrize("network", NETWORKS, ids=lambda network: models.describe(network)["architecture"])


def shapes_of(network, input_shape):
    return jax.eval_shape(lambda key: models.init(network, key, input_shape), jax.random.key(0))


def evaluated(network, input_shape):
    """Returns the shapes of the taps in their order, and of the output, for two images, without computing them."""
    images = jax.ShapeDtypeStruct((2, *input_shape), jnp.float32)
    variables = shapes_of(network, input_shape)
    taps = jax.eval_shape(linearize.features_of(network, network.taps), variables, images)
    output = jax.eval_shape(network.apply, variables, images)
    return [taps[tap].shape for tap in network.taps], jax.tree.map(lambda leaf: leaf.shape, output)


@pytest.mark.parametrize("network", SEGMENTATION, ids=lambda network: type(network).__name__)
def test_every_pixel_has_its_logits(network):
    _, output = evaluated(network, (67, 48, 3))
    outputs = output if isinstance(output, dict) else {"out": output}
    assert set(outputs.values()) == {(2, 67, 48, 5)}
    assert ("aux" in outputs) == getattr(network, "aux", False)


@pytest.mark.parametrize(("network", "anchors", "levels"), ANCHORS, ids=lambda case: type(case).__name__)
def test_every_anchor_of_every_level_has_its_logits_and_coordinates(network, anchors, levels):
    taps, output = evaluated(network, (96, 160, 3))
    pixels = sum(h * w for _, h, w, _ in taps[-levels:])
    assert output["cls_logits"] == (2, anchors * pixels, 5)
    assert output["bbox_regression"] == (2, anchors * pixels, 4)
    assert output.get("bbox_ctrness", (2, pixels, 1)) == (2, pixels, 1)


@by_name
def test_taps_are_called_and_their_sides_shrink_on_the_way_in(network):
    taps, _ = evaluated(network, (64, 96, 3))
    sides = [h for tap, (_, h, _, _) in zip(network.taps, taps, strict=True) if not tap.startswith(OUTWARD)]
    assert sides == sorted(sides, reverse=True)
    assert sides[-1] < sides[0]


@by_name
def test_the_head_is_a_module_of_its_own(network):
    assert network.head in shapes_of(network, (64, 64, 3))["params"]
    assert not any(tap.startswith(network.head) for tap in network.taps)


@by_name
def test_images_without_channels_are_refused(network):
    with pytest.raises(ValueError, match=r"expected images \[n, h, w, c\], got shape \(2, 64, 64\): add"):
        network.apply({}, jnp.zeros((2, 64, 64)))


@pytest.mark.parametrize("name", ["unet", "fcn_resnet50", "fcos_resnet50_fpn", "ssdlite320_mobilenet_v3_large"])
def test_empty_heads_are_refused(name):
    with pytest.raises(ValueError, match="positive sizes, got num_classes=0"):
        models.build(name, num_classes=0)


@pytest.mark.parametrize(
    ("network", "expected"),
    [
        (models.unet(2, bias=True), 31_043_586),
        (models.fcn_resnet50(aux=True), 35_322_218),
        (models.deeplabv3_resnet50(aux=True), 42_004_074),
        (models.lraspp_mobilenet_v3_large(), 3_221_538),
        (models.retinanet_resnet50_fpn(), 34_014_999 + 53_120),
        (models.fcos_resnet50_fpn(), 32_269_600 + 53_120),
        (models.ssdlite320_mobilenet_v3_large(), 3_440_060),
    ],
    ids=lambda case: type(case).__name__,
)
def test_parameter_counts_are_the_published_ones(network, expected):
    """Torchvision does not count the scales and biases of frozen normalisations, 53,120 in a ResNet-50."""
    leaves = jax.tree.leaves(shapes_of(network, (64, 64, 3))["params"])
    assert sum(leaf.size for leaf in leaves) == expected


def test_frozen_normalisations_stay_in_training():
    network = models.fcos_resnet50_fpn(3)
    variables = shapes_of(network, (33, 32, 3))
    images = jax.ShapeDtypeStruct((1, 33, 32, 3), jnp.float32)
    train = lambda variables, images: network.apply(variables, images, train=True)
    # nothing is mutable, so a statistic that moved would raise
    assert jax.eval_shape(train, variables, images).keys() == {"cls_logits", "bbox_regression", "bbox_ctrness"}


@pytest.mark.parametrize(("old", "new"), [((3, 2), (5, 4)), ((4, 5), (8, 9)), ((1, 3), (2, 3))])
def test_repeating_takes_the_pixel_at_or_before_each_place(old, new):
    image = np.arange(float(np.prod(old))).reshape(1, *old, 1)
    expected = [[image[0, i * old[0] // new[0], j * old[1] // new[1], 0] for j in range(new[1])] for i in range(new[0])]
    np.testing.assert_array_equal(_feature_pyramid.repeat(jnp.asarray(image), new)[0, ..., 0], expected)


@pytest.mark.parametrize(("old", "new"), [((3, 4), (6, 8)), ((1, 5), (2, 10))])
def test_enlarging_keeps_the_corners_and_straight_lines(old, new):
    row, column = np.linspace(0, 1, old[0]), np.linspace(0, 1, old[1])
    plane = lambda row, column: (2 * row[:, None] + 3 * column)[None, ..., None].astype(np.float32)
    row2 = np.linspace(0, 1, new[0]) if old[0] > 1 else np.zeros(new[0])
    enlarged = _resize.enlarge(jnp.asarray(plane(row, column)), new)
    # float32 weights of numbers up to five
    np.testing.assert_allclose(enlarged, plane(row2, np.linspace(0, 1, new[1])), atol=2e-6)
