"""Padding, strides and pooling against loops over windows in float64."""

import itertools
import math

import jax
import numpy as np
import pytest

from lineage_jax.models import _cifar_resnet, _layers


def windows(image, *, kernel, stride, padding, fill):
    """Yields the output position and the window `[kernel, kernel, d]` of one image `[h, w, d]`."""
    border = (padding, padding)
    padded = np.pad(np.asarray(image, np.float64), (border, border, (0, 0)), constant_values=fill)
    for row in range((padded.shape[0] - kernel) // stride + 1):
        for column in range((padded.shape[1] - kernel) // stride + 1):
            top, left = row * stride, column * stride
            yield (row, column), padded[top : top + kernel, left : left + kernel]


@pytest.mark.parametrize("size", [5, 6])
@pytest.mark.parametrize(("kernel", "stride"), [(1, 2), (3, 1), (3, 2), (7, 2)])
def test_a_convolution_pads_both_sides_alike(kernel, stride, size, key):
    images = jax.random.normal(key, (2, size, size, 3))
    layer = _layers.convolution(4, kernel, stride=stride, bias=True, name="conv")
    variables = layer.init(key, images)
    weights = np.asarray(variables["params"]["kernel"], np.float64)
    outputs = np.asarray(layer.apply(variables, images))
    assert outputs.shape[1] == (size - 1) // stride + 1
    for image, output in zip(images, outputs, strict=True):
        for position, window in windows(image, kernel=kernel, stride=stride, padding=kernel // 2, fill=0.0):
            # float32 sums of at most 147 products of order one
            np.testing.assert_allclose(output[position], np.einsum("ijk,ijkd->d", window, weights), atol=1e-5)


@pytest.mark.parametrize("size", [5, 6])
@pytest.mark.parametrize(("window", "stride", "padding"), [(2, 2, 0), (3, 2, 1)])
def test_max_pooling_never_takes_its_border(window, stride, padding, size, key):
    images = jax.random.normal(key, (2, size, size, 3)) - 10.0  # all negative, so that a zero border would win
    outputs = np.asarray(_layers.MaxPool(window=window, stride=stride, padding=padding).apply({}, images))
    for image, output in zip(images, outputs, strict=True):
        for position, view in windows(image, kernel=window, stride=stride, padding=padding, fill=-np.inf):
            np.testing.assert_array_equal(output[position], view.max(axis=(0, 1)).astype(np.float32))


@pytest.mark.parametrize(("window", "stride", "padding"), [(2, 2, 0), (3, 2, 1)])
def test_the_tangent_of_max_pooling_is_that_of_the_first_largest_value(window, stride, padding, key):
    images = jax.random.randint(key, (2, 6, 6, 3), 0, 3).astype(float)  # so few values that most windows have equals
    tangents = jax.random.normal(key, images.shape)
    pool = lambda x: _layers.MaxPool(window=window, stride=stride, padding=padding).apply({}, x)
    _, pooled = jax.jvp(pool, (images,), (tangents,))
    kept = {"kernel": window, "stride": stride, "padding": padding}
    for image, tangent, output in zip(images, tangents, np.asarray(pooled), strict=True):
        both = zip(windows(image, fill=-np.inf, **kept), windows(tangent, fill=0.0, **kept), strict=True)
        for (position, view), (_, steps) in both:
            first = view.reshape(-1, 3).argmax(axis=0)
            expected = steps.reshape(-1, 3)[first, np.arange(3)]
            np.testing.assert_array_equal(output[position], expected.astype(np.float32))


def test_max_pooling_sends_a_gradient_back_along_its_tangent(key):
    images, tangents = jax.random.normal(key, (2, 2, 5, 5, 3))
    pool = lambda x: _layers.MaxPool(window=3, stride=2, padding=1).apply({}, x)
    outputs, pull = jax.vjp(pool, images)
    (gradient,) = pull(outputs)
    pushed = jax.jvp(pool, (images,), (tangents,))[1]
    # float32 sums of a few hundred products of order one
    np.testing.assert_allclose(np.vdot(gradient, tangents), np.vdot(outputs, pushed), rtol=1e-4)


@pytest.mark.parametrize(("height", "width"), [(1, 2), (7, 5), (10, 16)])
def test_adaptive_pooling_averages_windows_that_cover_the_image(height, width, key):
    image = np.asarray(jax.random.normal(key, (height, width, 3)))
    pooled = _layers.AdaptiveAveragePool(size=5).apply({}, jax.numpy.asarray(image)[None])[0]
    bounds = [[(math.floor(i * side / 5), math.ceil((i + 1) * side / 5)) for i in range(5)] for side in (height, width)]
    for (i, rows), (j, columns) in itertools.product(*map(enumerate, bounds)):
        window = image[slice(*rows), slice(*columns)].astype(np.float64)
        # float32 mean of at most 16 numbers of order one
        np.testing.assert_allclose(pooled[i, j], window.mean(axis=(0, 1)), atol=1e-6)


def test_an_odd_last_row_is_left_out_of_halved_images():
    images = jax.numpy.arange(15.0).reshape(1, 5, 3, 1)
    np.testing.assert_array_equal(_layers.AveragePool().apply({}, images)[0, :, 0, 0], [2.0, 8.0])


def test_average_pooling_is_the_mean_of_each_channel(key):
    images = np.asarray(jax.random.normal(key, (2, 3, 5, 4)))
    pooled = _layers.GlobalAveragePool().apply({}, jax.numpy.asarray(images))
    # float32 mean of 15 numbers of order one
    np.testing.assert_allclose(pooled, images.astype(np.float64).mean(axis=(1, 2)), atol=1e-6)


def test_running_statistics_move_a_tenth_of_the_way_to_the_batch(key):
    images = 3.0 + jax.random.normal(key, (4, 2, 2, 3))
    layer = _layers.batch_norm(train=True, name="bn")
    _, state = layer.apply(layer.init(key, images), images, mutable=["batch_stats"])
    batch = np.asarray(images, np.float64).reshape(-1, 3)
    # from mean 0 and variance 1; float32 moments of 16 numbers near three
    np.testing.assert_allclose(state["batch_stats"]["mean"], 0.1 * batch.mean(axis=0), rtol=1e-5)
    np.testing.assert_allclose(state["batch_stats"]["var"], 0.9 + 0.1 * batch.var(axis=0), rtol=1e-5)


def test_the_padded_shortcut_subsamples_and_puts_the_channels_in_the_middle(key):
    images = jax.random.normal(key, (2, 5, 4, 2))
    shortcut = _cifar_resnet.PaddedShortcut(width=4, stride=2).apply({}, images, train=False)
    assert shortcut.shape == (2, 3, 2, 4)
    np.testing.assert_array_equal(shortcut[..., 1:3], images[:, ::2, ::2])
    assert not shortcut[..., [0, 3]].any()
