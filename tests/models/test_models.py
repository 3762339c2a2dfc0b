"""What every network promises: its size, its taps, its two modes and its refusals."""

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lineage_jax import models

pytestmark = pytest.mark.long

SMALL = {
    "fc": (models.fc(widths=(16, 8, 4)), (8, 8, 1)),
    "convnet": (models.convnet(widths=(4, 6, 8)), (8, 8, 1)),
    "cifar_resnet": (models.CifarResNet(num_classes=10, depth=1), (8, 8, 3)),
    "projected_cifar_resnet": (models.CifarResNet(num_classes=10, depth=1, projected=True), (8, 8, 3)),
    "resnet": (models.ResNet(num_classes=10, depths=(1, 1, 1, 1)), (32, 32, 3)),
    "bottlenecks": (models.ResNet(num_classes=10, depths=(1, 1, 1, 1), bottleneck=True, groups=4), (32, 32, 3)),
    "cifar_wide_resnet": (models.CifarWideResNet(num_classes=10, depth=1, width=2), (8, 8, 3)),
    "vgg": (models.VGG(num_classes=10, stages=((4,), (4, 6)), hidden=8), (8, 8, 3)),
    "vgg_bn": (models.VGG(num_classes=10, stages=((4,), (4, 6)), normalised=True, hidden=8), (8, 8, 3)),
    "alexnet": (models.AlexNet(num_classes=10, hidden=8), (63, 63, 3)),
    "densenet": (models.DenseNet(num_classes=10, depths=(1, 2), growth=4), (32, 32, 3)),
    "efficientnet": (models.EfficientNet(num_classes=10, stages=models.efficientnet_b0().stages[:2]), (32, 32, 3)),
    "mobilenet_v2": (models.MobileNetV2(num_classes=10, stages=((1, 8, 1, 1), (6, 8, 2, 2))), (32, 32, 3)),
    "mobilenet_v3": (
        models.MobileNetV3(num_classes=10, blocks=models.mobilenet_v3_small().blocks[:4:3], hidden=8),
        (32, 32, 3),
    ),
    "convnext": (models.ConvNeXt(num_classes=10, widths=(4, 8), depths=(1, 2)), (17, 16, 3)),
    "outlier_exposure": (models.outlier_exposure_convnet(), (16, 20, 1)),
    "convex_adversarial": (models.convex_adversarial_convnet(), (8, 10, 3)),
    "vit": (models.ViT(num_classes=10, patch=4, width=8, depth=2, heads=2), (8, 12, 3)),
}


@pytest.fixture(params=SMALL.values(), ids=SMALL.keys(), scope="module")
def case(request):
    """A network, positive random variables (no initialiser to compile), images, and every module's output by path."""
    network, shape = request.param
    rng = np.random.default_rng(0)
    variables = draw(rng, shapes_of(network, shape))
    images = jnp.asarray(rng.normal(size=(3, *shape)), jnp.float32)
    return network, variables, images, jax.jit(lambda *data: calls(network, *data))(variables, images)


def draw(rng, shapes, *, stacked=()):
    return jax.tree.map(lambda leaf: jnp.asarray(rng.uniform(0, 0.2, (*stacked, *leaf.shape)), leaf.dtype), shapes)


def shapes_of(network, input_shape):
    return jax.eval_shape(lambda key: models.init(network, key, input_shape), jax.random.key(0))


def count(tree):
    return sum(leaf.size for leaf in jax.tree.leaves(tree))


def calls(network, variables, images):
    """Returns the output of every module by path, in the order in which they finish."""
    outputs = {}

    def record(call, args, kwargs, context):
        output = call(*args, **kwargs)
        outputs["/".join(context.module.path)] = output
        return output

    with nn.intercept_methods(record):
        network.apply(variables, images)
    return outputs


@pytest.mark.parametrize(
    ("network", "input_shape", "expected"),
    [
        (models.fc(), (28, 28, 1), 785 * 1024 + 1025 * 256 + 257 * 128 + 129 * 10),
        (models.convnet(), (28, 28, 1), (9 + 1) * 32 + (9 * 32 + 1) * 64 + (9 * 64 + 1) * 64 + 65 * 10),
        (models.cifar_resnet20(), (32, 32, 3), 269_722),
        (models.cifar_resnet32(), (32, 32, 3), 464_154),
        (models.cifar_resnet44(), (32, 32, 3), 658_586),
        (models.cifar_resnet56(), (32, 32, 3), 853_018),
        (models.resnet18(), (224, 224, 3), 11_689_512),
        (models.resnet34(), (224, 224, 3), 21_797_672),
        (models.resnet50(), (224, 224, 3), 25_557_032),
        (models.resnet101(), (224, 224, 3), 44_549_160),
        (models.wide_resnet50_2(), (224, 224, 3), 68_883_240),
        (models.resnext50_32x4d(), (224, 224, 3), 25_028_904),
        (models.vgg11(), (224, 224, 3), 132_863_336),
        (models.vgg11_bn(), (224, 224, 3), 132_868_840),
        (models.vgg16(), (224, 224, 3), 138_357_544),
        (models.vgg16_bn(), (224, 224, 3), 138_365_992),
        (models.alexnet(), (224, 224, 3), 61_100_840),
        (models.densenet121(), (224, 224, 3), 7_978_856),
        (models.efficientnet_b0(), (224, 224, 3), 5_288_548),
        (models.mobilenet_v2(), (224, 224, 3), 3_504_872),
        (models.mobilenet_v3_large(), (224, 224, 3), 5_483_032),
        (models.mobilenet_v3_small(), (224, 224, 3), 2_542_856),
        (models.convnext_tiny(), (224, 224, 3), 28_589_128),
        (models.vit_tiny_patch16(), (224, 224, 3), 5_717_416),
        (models.vit_base_patch16(), (224, 224, 3), 86_567_656),
        (models.vit_base_patch32(), (224, 224, 3), 88_224_232),
        (models.vit_large_patch16(), (224, 224, 3), 304_326_632),
    ],
)
def test_parameter_counts_are_the_published_ones(network, input_shape, expected):
    assert count(shapes_of(network, input_shape)["params"]) == expected


def test_the_fully_connected_network_of_the_paper_has_1_100_426_parameters():
    assert count(shapes_of(models.fc(), (28, 28, 1))["params"]) == 1_100_426


def test_logits_are_one_row_an_image(case):
    _, _, _, outputs = case
    assert outputs[""].shape == (3, 10)
    assert outputs[""].dtype == jnp.float32


def test_taps_are_called_modules_in_the_order_of_the_network(case):
    network, variables, images, _ = case
    finished = []
    jax.eval_shape(lambda *data: finished.extend(calls(network, *data)), variables, images)
    positions = [finished.index(tap) for tap in network.taps]
    assert positions == sorted(positions)


def test_the_last_tap_feeds_the_head(case):
    network, variables, _, outputs = case
    head = variables["params"][network.head]
    logits = outputs[network.taps[-1]] @ head["kernel"] + head["bias"]
    # the same dense layer computed twice; only the order of summation may differ
    np.testing.assert_allclose(logits, outputs[""], rtol=1e-5)


def test_a_layer_inside_a_block_is_a_module_too():
    network = models.resnet18()
    called = jax.eval_shape(
        lambda variables, images: calls(network, variables, images),
        shapes_of(network, (32, 32, 3)),
        jax.ShapeDtypeStruct((2, 32, 32, 3), jnp.float32),
    )
    assert {"layer1/0/conv1", "layer1/1/relu2", "layer2/0/downsample/0", "layer2/0/downsample/1"} <= called.keys()
    assert "layer1/0/downsample" not in called
    assert called["maxpool"].shape == (2, 8, 8, 64)
    assert [called[tap].shape for tap in network.taps[1:]] == [
        (2, 8, 8, 64),
        (2, 4, 4, 128),
        (2, 2, 2, 256),
        (2, 1, 1, 512),
        (2, 512),
    ]


def test_training_updates_the_batch_statistics_and_evaluation_does_not(case):
    network, variables, images, _ = case
    _, state = network.apply(variables, images, train=True, mutable=["batch_stats"])
    before = jax.tree.leaves(variables.get("batch_stats", {}))
    after = jax.tree.leaves(state.get("batch_stats", {}))
    assert len(before) == len(after)
    assert all(not np.array_equal(old, new) for old, new in zip(before, after, strict=True))
    _, state = network.apply(variables, images, mutable=["batch_stats"])
    unchanged = jax.tree.leaves(state.get("batch_stats", {}))
    assert all(np.array_equal(old, new) for old, new in zip(before, unchanged, strict=True))


def test_only_the_plain_networks_do_not_normalise_batches():
    without = {name for name, (network, shape) in SMALL.items() if "batch_stats" not in shapes_of(network, shape)}
    assert without == {"fc", "convnet", "vgg", "alexnet", "convnext", "vit", "outlier_exposure", "convex_adversarial"}


@pytest.mark.parametrize("name", ["fc", "convnet", "cifar_resnet"])
def test_stacked_networks_run_under_vmap(name):
    network, shape = SMALL[name]
    rng = np.random.default_rng(0)
    stacked = draw(rng, shapes_of(network, shape), stacked=(2,))
    images = jnp.asarray(rng.normal(size=(3, *shape)), jnp.float32)
    together = jax.jit(jax.vmap(network.apply, in_axes=(0, None)))(stacked, images)
    apply = jax.jit(network.apply)
    alone = [apply(jax.tree.map(lambda leaf, i=i: leaf[i], stacked), images) for i in range(2)]
    # float32; a grouped convolution sums in another order
    np.testing.assert_allclose(together, np.stack(alone), rtol=1e-4)


def test_networks_are_equal_and_hashable_by_their_settings():
    assert models.fc(widths=[8, 4]) == models.fc(widths=(8, 4))
    assert len({models.convnet(), models.convnet(), models.cifar_resnet20(), models.cifar_resnet32()}) == 3


@pytest.mark.parametrize("name", SMALL)
def test_features_keep_the_precision_of_weights_and_images(name):
    network, shape = SMALL[name]
    half = jax.tree.map(lambda leaf: jax.ShapeDtypeStruct(leaf.shape, jnp.bfloat16), shapes_of(network, shape))
    logits = jax.eval_shape(network.apply, half, jax.ShapeDtypeStruct((2, *shape), jnp.bfloat16))
    assert logits.dtype == jnp.bfloat16


@pytest.mark.parametrize("name", ["cifar_resnet", "cifar_wide_resnet", "resnet", "mobilenet_v3", "efficientnet"])
def test_one_image_of_one_pixel_is_large_enough(name):
    network = SMALL[name][0]
    assert shapes_of(network, (1, 1, 3)) == shapes_of(*SMALL[name])


def test_images_without_channels_are_refused(case):
    network, variables, images, _ = case
    with pytest.raises(ValueError, match=r"expected images \[n, h, w, c\], got shape \(\d+, \d+, \d+\): add"):
        network.apply(variables, images[..., 0])


def test_raw_pixels_are_refused(case):
    network, variables, images, _ = case
    with pytest.raises(TypeError, match=r"expected images of floats, got uint8: scale and standardise"):
        network.apply(variables, jnp.zeros(images.shape, jnp.uint8))


@pytest.mark.parametrize(
    ("network", "side"),
    [(models.convnet(), 4), (models.vgg11(), 32), (models.alexnet(), 63), (models.densenet121(), 29)],
    ids=lambda value: type(value).__name__,
)
def test_images_too_small_to_pool_are_refused_and_the_smallest_are_not(network, side):
    assert shapes_of(network, (side, side, 3))
    smaller = rf"expected images of at least {side} x {side} pixels, got shape \(1, {side - 1}, {2 * side}, 3\)"
    with pytest.raises(ValueError, match=smaller):
        shapes_of(network, (side - 1, 2 * side, 3))


@pytest.mark.parametrize(
    ("network", "image", "layer", "expected"),
    [
        (models.vgg16(), 224, "features/30", (7, 7, 512)),
        (models.alexnet(), 224, "features/12", (6, 6, 256)),
        (models.densenet121(), 224, "features/denseblock4", (7, 7, 1024)),
        (models.efficientnet_b0(), 224, "features/8", (7, 7, 1280)),
        (models.efficientnet_b0(same_padding=True), 225, "features/7", (8, 8, 320)),
        (models.mobilenet_v2(), 224, "features/18", (7, 7, 1280)),
        (models.mobilenet_v3_large(), 224, "features/12", (14, 14, 112)),
        (models.mobilenet_v3_small(), 224, "features/12", (7, 7, 576)),
        (models.resnet50(), 224, "layer4", (7, 7, 2048)),
        (models.cifar_wide_resnet40_2(), 32, "block3", (8, 8, 128)),
    ],
    ids=lambda value: type(value).__name__,
)
def test_feature_layers_have_the_papers_shapes(network, image, layer, expected):
    assert layer in network.taps
    images = jax.ShapeDtypeStruct((1, image, image, 3), jnp.float32)
    called = jax.eval_shape(lambda *data: calls(network, *data), shapes_of(network, images.shape[1:]), images)
    assert called[layer].shape == (1, *expected)


@pytest.mark.parametrize(
    "make",
    [
        lambda: models.fc(0),
        lambda: models.fc(widths=()),
        lambda: models.convnet(widths=(4, 0)),
        lambda: models.cifar_resnet20(0),
        lambda: models.resnet18(-1),
        lambda: models.cifar_wide_resnet40_2(0),
        lambda: models.mobilenet_v3_small(0),
        lambda: models.mobilenet_v2(0),
        lambda: models.efficientnet_b0(0),
        lambda: models.densenet121(0),
        lambda: models.vgg16_bn(0),
        lambda: models.alexnet(0),
        lambda: models.convnext_tiny(0),
        lambda: models.outlier_exposure_convnet(0),
        lambda: models.convex_adversarial_convnet(0),
        lambda: models.vit_tiny_patch16(0),
    ],
)
def test_empty_layers_are_refused(make):
    with pytest.raises(ValueError, match="expected at least one width and positive sizes, got num_classes="):
        make()
