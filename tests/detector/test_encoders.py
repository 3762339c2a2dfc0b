"""The pair encoder against loops over pixels in float64, and what sharing saves."""

import jax
import jax.numpy as jnp
import numpy as np

from lineage_jax.detector import Detector, Views, _encoders, _training, init
from lineage_jax.detector._encoders import PairEncoder


def oracle(params, parents, child):
    """1x1 convolution, ReLU, 3x3 convolution, norm over candidates and pixels, ReLU, average: `[p, e]`."""
    params = {name: np.asarray(leaf, np.float64) for name, leaf in params.items()}
    p, h, w = parents.shape
    wide = np.zeros((p, h, w, len(params["kernel"])))
    for index, parent in enumerate(np.asarray(parents, np.float64)):
        pair = np.stack([parent, np.asarray(child, np.float64)], axis=-1)
        stem = np.pad(np.maximum(pair @ params["pair"].T, 0), ((1, 1), (1, 1), (0, 0)))
        for row in range(h):
            for column in range(w):
                window = stem[row : row + 3, column : column + 3]  # [row, column, channel], as the kernel's columns
                wide[index, row, column] = params["kernel"] @ window.reshape(-1)
    mean, spread = wide.mean(axis=(0, 1, 2)), wide.std(axis=(0, 1, 2))
    normal = (wide - mean) / spread * params["scale"] + params["bias"]
    return np.maximum(normal, 0).mean(axis=(1, 2))


def encode(encoder, variables, parents, child, mask=None):
    sides = [
        encoder.apply(variables, side, of_child=of_child, method="stem")
        for side, of_child in ((parents, False), (child, True))
    ]
    return encoder.apply(variables, *sides, jnp.ones(len(parents), bool) if mask is None else mask)


def case_of(key, *, shape=(5, 7), width=6):
    encoder = PairEncoder(width=width)
    keys = jax.random.split(key, 6)
    variables = {
        "params": {
            "pair": jax.random.normal(keys[0], (3, 2)),
            "kernel": jax.random.normal(keys[1], (width, 27)),
            "scale": jax.random.normal(keys[2], (width,)),
            "bias": jax.random.normal(keys[3], (width,)),
        }
    }
    return encoder, variables, jax.random.normal(keys[4], (4, *shape)), jax.random.normal(keys[5], shape)


def test_tokens_are_those_of_loops_over_pixels(key):
    for shape in ((5, 7), (1, 1), (2, 9)):
        encoder, variables, parents, child = case_of(key, shape=shape)
        # the norm's eps is 1e-5 of the mean square
        expected = oracle(variables["params"], parents, child)
        np.testing.assert_allclose(encode(encoder, variables, parents, child), expected, rtol=1e-3, atol=1e-3)


def test_gradients_are_those_of_finite_differences(key):
    encoder, variables, parents, child = case_of(key)
    weights = jax.random.normal(key, (4, 6))
    of = lambda params: float((oracle(params, parents, child) * np.asarray(weights, np.float64)).sum())
    gradient = jax.grad(lambda v: (encode(encoder, v, parents, child) * weights).sum())(variables)["params"]
    params = {name: np.asarray(leaf, np.float64) for name, leaf in variables["params"].items()}
    numbers = np.random.default_rng(0)
    for name, leaf in params.items():
        direction, step = numbers.normal(size=leaf.shape), 1e-6
        ends = [of(params | {name: leaf + sign * step * direction}) for sign in (1, -1)]
        slope = (ends[0] - ends[1]) / (2 * step)
        np.testing.assert_allclose(np.vdot(gradient[name], direction), slope, rtol=2e-3, atol=2e-3)  # eps, float32


def test_all_pairs_at_a_time_as_on_an_accelerator_agree_with_one_by_one(key, monkeypatch):
    detector = Detector(weights=("a",), width=4)
    variables = init(detector, 0)
    sizes = {"parents": (3, 6, 5), "children": (4, 6, 5)}
    views = {side: Views(weights={"a": jax.random.normal(key, size)}, features={}) for side, size in sizes.items()}
    weights = jax.random.normal(key, (4, 3))

    @jax.jit
    def loss(variables):
        logits = _training.logits_of(detector, variables, *views.values(), jnp.ones((4, 3), bool))
        return (jax.nn.log_softmax(logits) * weights).sum()

    one_by_one = jax.value_and_grad(loss)(variables)
    loss.clear_cache()
    asked = []
    for module in (_encoders, _training):
        monkeypatch.setattr(module, "at_a_time", lambda count: asked.append(count) or count)
    together = jax.value_and_grad(loss)(variables)
    assert set(asked) == {3, 4}
    # float32 sums in another order, standardised over candidates that differ little
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-3, atol=2e-3), one_by_one, together)


def test_the_start_sees_the_difference_both_ways_and_the_mean(key):
    encoder, _, parents, child = case_of(key)
    variables = encoder.init(key, jnp.zeros((1, 3, 4, 4)), jnp.zeros((3, 4, 4)), jnp.ones(1, bool))
    terms = [
        encoder.apply(variables, side, of_child=of_child, method="stem")[..., 1:-1, 1:-1]
        for side, of_child in ((parents[0], False), (child, True))
    ]
    expected = jnp.stack([parents[0] - child, child - parents[0], (parents[0] + child) / 2])
    np.testing.assert_allclose(terms[0] + terms[1], expected, atol=1e-6)  # one float32 addition


def flops(function, *arguments):
    return jax.jit(function).lower(*arguments).compile().cost_analysis()["flops"]


def test_the_first_convolution_is_paid_once_a_network_and_not_once_a_pair():
    detector = Detector(weights=("a",), width=2)
    variables = init(detector, 0)
    stems = lambda views, of_child: detector.apply(variables, views, of_child=of_child, method="stems")
    views = lambda *count: Views(weights={"a": jnp.ones((*count, 30, 40))}, features={})
    p, m, pixels = 10, 20, 30 * 40
    of_networks = flops(lambda a, b: (stems(a, False), stems(b, True)), views(p), views(m))
    of_pairs = flops(lambda a, b: (stems(a, False), stems(b, True)), views(p * m), views(p * m))
    multiplications = 3 * pixels * (p + m)
    assert multiplications <= of_networks < 1.1 * multiplications
    assert of_pairs / of_networks > 0.9 * 2 * p * m / (p + m)


def test_comparing_stems_multiplies_nothing_by_the_first_convolution(key):
    detector = Detector(weights=("a",), width=2)
    variables = init(detector, 0)
    parents, child = (Views(weights={"a": jax.random.normal(key, (*count, 8, 8))}, features={}) for count in ((3,), ()))
    sides = [
        detector.apply(variables, views, of_child=of_child, method="stems")
        for views, of_child in ((parents, False), (child, True))
    ]

    @jax.jit
    def first_logit(variables):
        return detector.apply(variables, *sides, method="compare")[0]

    gradient = jax.grad(first_logit)(variables)["params"]["encoders_weights"]
    assert not gradient["pair"].any()
    assert gradient["kernel"].any()
