"""Which kernels are one test and which units may change places, by a program and without one."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

from lineage_jax import kinship, symmetry

relu = jax.nn.relu


def conv(x, kernel, groups=1):
    layout = ("NHWC", "HWIO", "NHWC")
    return jax.lax.conv_general_dilated(x, kernel, (1, 1), "SAME", dimension_numbers=layout, feature_group_count=groups)


def attend(x, qkv, proj):
    """Two heads."""
    n, h, w, _ = x.shape
    q, k, v = jnp.moveaxis((x @ qkv).reshape(n, h * w, 3, 2, -1), 2, 0)
    return jax.nn.dot_product_attention(q, k, v).reshape(n, h, w, -1) @ proj


def program(p, x):
    """A residual stream of 32, written to by a stem, three kinds of blocks and an attention; then a concatenation."""
    x = relu(conv(x, p["stem"]))
    x = x + conv(relu(conv(relu(conv(x, p["deep_in"])), p["depthwise"], 32)), p["deep_out"])
    x = x + conv(relu(conv(relu(conv(x, p["wide_in"])), p["grouped"], 8)), p["wide_out"])
    value, gate = jnp.split(x @ p["gated"], 2, axis=-1)
    x = x + (value * jax.nn.sigmoid(gate)) @ p["down"]
    x = x + attend(x, p["qkv"], p["proj"])
    x = relu(jnp.concatenate([relu(x @ p["left"]), relu(x @ p["right"])], axis=-1) @ p["both"])
    x = relu(x @ p["square"])
    return relu(x @ p["square"]).mean((1, 2)) @ p["head"]


SHAPES = {
    "stem": (3, 3, 3, 32),
    "deep_in": (1, 1, 32, 32),
    "depthwise": (3, 3, 1, 32),
    "deep_out": (1, 1, 32, 32),
    "wide_in": (1, 1, 32, 32),
    "grouped": (3, 3, 4, 32),
    "wide_out": (1, 1, 32, 32),
    "gated": (32, 64),
    "down": (32, 32),
    "qkv": (32, 96),
    "proj": (32, 32),
    "left": (32, 16),
    "right": (32, 24),
    "both": (40, 20),
    "square": (20, 20),
    "head": (20, 10),
}
STREAM = ("deep_out/kernel", "down/kernel", "proj/kernel", "stem/kernel", "wide_out/kernel")
IMAGES = (1, 4, 4, 3)


def drawn(seed):
    """Units whose norms differ and that have directions in common, as trained ones have."""
    rng = np.random.default_rng(seed)

    def kernel(shape):
        common = rng.normal(size=(*shape[:-1], 1))
        return ((rng.normal(size=shape) + common) * np.exp(rng.normal(size=shape[-1]))).astype(np.float32)

    return {name: {"kernel": kernel(shape)} for name, shape in SHAPES.items()}


@pytest.fixture(scope="module")
def groups():
    return symmetry.groups(lambda p, x: program({k: v["kernel"] for k, v in p.items()}, x), drawn(0), jnp.ones(IMAGES))


def test_kernels_that_write_to_one_stream_are_one_test(groups):
    found = kinship.in_place(drawn(1), drawn(2), groups)
    assert {layer.paths: layer.units for layer in found.layers} == {
        STREAM: 32,
        ("deep_in/kernel", "depthwise/kernel"): 32,
        ("wide_in/kernel",): 32,
        ("grouped/kernel",): 32,
        ("gated/kernel",): 32,
        ("qkv/kernel",): 64,  # of both heads, queries with keys and values each with an order of their own
        ("left/kernel",): 16,
        ("right/kernel",): 24,
        ("both/kernel",): 20,
    }
    assert found.left_out == {
        "head/kernel": "the program keeps its outputs in their places",
        "square/kernel": "its inputs and outputs are one stream: they change places together",
    }


def test_over_all_that_a_program_allows_statistics_have_mean_zero_and_variance_one(groups):
    a, b, count = drawn(1), drawn(2), 150
    moved = jax.jit(lambda element: symmetry.apply(b, groups, element))
    elements = [symmetry.random(key, groups, spread=0.0) for key in jax.random.split(jax.random.key(0), count)]
    found = [kinship.in_place(a, jax.tree.map(np.asarray, moved(element)), groups) for element in elements]
    z = np.array([[layer.statistic for layer in each.layers] for each in found])
    assert np.abs(z.mean(0)).max() < 4 / np.sqrt(count)
    assert np.abs(z.std(0) - 1).max() < 4 / np.sqrt(2 * count)
    total = np.array([each.statistic for each in found])
    np.testing.assert_allclose(total, z.sum(1) / 3, rtol=1e-5)
    assert abs(total.std() - 1) < 3 / np.sqrt(2 * count)
    assert stats.kstest([each.p for each in found], "uniform").pvalue > 0.01


def test_relatives_are_found_in_every_stream(groups):
    a, b = drawn(1), drawn(2)
    found = kinship.in_place(a, jax.tree.map(lambda one, two: one + two, a, b), groups)
    assert all(p < 0.02 for p in found.by_layer().values())
    assert found.p < 1e-40


def blocks(rng, count):
    """Kernels of residual blocks: all `out` write to one stream, which nothing shows without a program."""
    shapes = {f"in{n}": (24, 32) for n in range(count)} | {f"out{n}": (32, 24) for n in range(count)}
    return {name: {"kernel": rng.normal(size=shape).astype(np.float32)} for name, shape in shapes.items()}


def test_without_a_program_streams_may_be_one_and_the_variance_says_so():
    rng = np.random.default_rng(0)
    a, b = blocks(rng, 1), blocks(rng, 1)
    alone = kinship.in_place(a, b)
    many = [{f"{name}{n}": layer for n in range(9) for name, layer in tree.items()} for tree in (a, b)]
    repeated = kinship.in_place(*many)  # one order decides all nine: they say no more than one
    assert len(repeated.layers) == 18
    np.testing.assert_allclose(repeated.statistic, alone.statistic, rtol=1e-4)
    np.testing.assert_allclose(repeated.p, alone.p, rtol=0.02)
    for _ in range(3):
        found = kinship.in_place(blocks(rng, 9), blocks(rng, 9))
        z = [layer.statistic for layer in found.layers]
        assert 0.8 < found.statistic / (sum(z) / np.sqrt(len(z))) <= 1.0001  # strangers lose little


def test_a_guessed_order_is_used_like_a_program_but_streams_stay_unknown():
    rng = np.random.default_rng(0)
    a, b = ({f"fc{n}": {"kernel": rng.normal(size=(24, 24)).astype(np.float32)} for n in range(4)} for _ in range(2))
    guess = symmetry.groups_by_order({f"fc{n}/kernel": np.zeros((24, 24)) for n in range(4)})
    found = kinship.in_place(a, b, guess)
    assert [layer.name for layer in found.layers] == ["fc0/kernel", "fc1/kernel", "fc2/kernel"]
    assert found.left_out == {"fc3/kernel": "the program keeps its outputs in their places"}


def test_heads_are_told_by_who_reads_them():
    rng = np.random.default_rng(0)

    def kernel(*shape):
        return rng.normal(size=shape).astype(np.float32)

    network = {
        "stem": {"kernel": kernel(3, 3, 3, 24)},  # flattened, then read by `dense`
        "branch": {"kernel": kernel(3, 3, 24, 18)},  # concatenated, without a bias
        "depth": {"kernel": kernel(3, 3, 1, 24)},
        "anchors": {"kernel": kernel(3, 3, 24, 20), "bias": kernel(20)},
        "dense": {"kernel": kernel(24 * 4, 64)},
        "attn": {"qkv": {"kernel": kernel(64, 192)}, "proj": {"kernel": kernel(64, 64)}},
        "fc": {"kernel": kernel(64, 17)},
    }
    found = kinship.in_place(network, network)
    assert set(found.left_out) == {"anchors/kernel", "fc/kernel"}
    assert {layer.name: layer.units for layer in found.layers}["attn/qkv/kernel"] == 64  # parts are taken together
