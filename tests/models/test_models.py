"""What every network promises: its size, its taps, its two modes and its refusals."""

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lineage_jax import models

SMALL = {
    "fc": (models.fc(widths=(16, 8, 4)), (8, 8, 1)),
    "convnet": (models.convnet(widths=(4, 6, 8)), (8, 8, 1)),
    "cifar_resnet": (models.CifarResNet(num_classes=10, depth=1), (8, 8, 3)),
    "resnet": (models.ResNet(num_classes=10, depths=(1, 1, 1, 1)), (32, 32, 3)),
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


def test_only_the_residual_networks_normalise_batches():
    with_statistics = {name for name, (network, shape) in SMALL.items() if "batch_stats" in shapes_of(network, shape)}
    assert with_statistics == {"cifar_resnet", "resnet"}


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


def test_one_image_of_one_pixel_passes_through_the_residual_networks():
    for name in ("cifar_resnet", "resnet"):
        assert shapes_of(SMALL[name][0], (1, 1, 3))["params"].keys() >= {"conv1", "layer1"}


def test_images_without_channels_are_refused(case):
    network, variables, images, _ = case
    with pytest.raises(ValueError, match=r"expected images \[n, h, w, c\], got shape \(\d+, \d+, \d+\): add"):
        network.apply(variables, images[..., 0])


def test_raw_pixels_are_refused(case):
    network, variables, images, _ = case
    with pytest.raises(TypeError, match=r"expected images of floats, got uint8: scale and standardise"):
        network.apply(variables, jnp.zeros(images.shape, jnp.uint8))


def test_images_too_small_to_pool_are_refused(key):
    with pytest.raises(ValueError, match=r"expected images of at least 4 x 4 pixels, got shape \(1, 3, 8, 1\)"):
        models.init(models.convnet(), key, (3, 8, 1))


@pytest.mark.parametrize(
    "make",
    [
        lambda: models.fc(0),
        lambda: models.fc(widths=()),
        lambda: models.convnet(widths=(4, 0)),
        lambda: models.cifar_resnet20(0),
        lambda: models.resnet18(-1),
    ],
)
def test_empty_layers_are_refused(make):
    with pytest.raises(ValueError, match="expected at least one width and positive sizes, got num_classes="):
        make()
