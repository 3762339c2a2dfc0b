"""Units where they stand: what strangers and relatives get, and what carries nothing."""

import itertools

import jax
import jax.numpy as jnp
import ml_dtypes
import numpy as np
import pytest
from scipy import stats

from lineage_jax import kinship, symmetry

WIDTHS = (12, 24, 32, 48, 32, 16, 10)
LAYERS = len(WIDTHS) - 1


def chain(draw, widths=WIDTHS):
    """A fully connected network whose kernels `[inputs, outputs]` are drawn."""
    kernels = (draw(*sizes).astype(np.float32) for sizes in itertools.pairwise(widths))
    return {f"fc{n}": {"kernel": kernel} for n, kernel in enumerate(kernels)}


def gaussian(seed):
    rng = np.random.default_rng(seed)
    return lambda *shape: rng.normal(size=shape)


def run(p, x):
    for n in range(LAYERS - 1):
        x = jax.nn.relu(x @ p[f"fc{n}"]["kernel"])
    return x @ p[f"fc{LAYERS - 1}"]["kernel"]


def one_layer(kernel, name="kernel"):
    """A layer and a head that reads it."""
    return {"fc": {name: kernel}, "head": {"kernel": np.ones((kernel.shape[-1], 10), np.float32)}}


@pytest.fixture(scope="module")
def groups():
    return symmetry.groups(run, chain(gaussian(0)), jnp.ones((1, WIDTHS[0])))


def kinds(rng):
    """Networks whose units are drawn alike, in ways that training and thieves have."""

    def few(inputs, outputs):  # directions
        return rng.normal(size=(inputs, 3))[:, rng.integers(0, 3, outputs)] + 0.1 * rng.normal(size=(inputs, outputs))

    return {
        "normal": lambda i, o: rng.normal(size=(i, o)),
        "heavy": lambda i, o: rng.standard_t(1.5, size=(i, o)),
        "norms": lambda i, o: rng.normal(size=(i, o)) * np.exp(3 * rng.normal(size=(1, o))),
        "mean": lambda i, o: rng.normal(size=(i, o)) - 1.5,
        "few": few,
        "rank one": lambda i, o: rng.normal(size=(i, 1)) @ rng.normal(size=(1, o)),
        "sparse": lambda i, o: rng.normal(size=(i, o)) * (rng.random((i, o)) < 0.15),
        "one-hot": lambda i, o: np.eye(i)[:, rng.integers(0, i, o)],
    }


def test_the_statistic_is_that_of_the_formula():
    a, b = gaussian(0)(2, 40, 32).astype(np.float32)
    unit = [kernel.T / np.linalg.norm(kernel.T, axis=1, keepdims=True) for kernel in (a, b)]
    c = (unit[0].astype(np.float64) @ unit[1].T).astype(np.float64)
    d = c - c.mean(0) - c.mean(1, keepdims=True) + c.mean()
    found = kinship.in_place(one_layer(a), one_layer(b))
    z = (np.trace(c) - c.sum() / 32) / np.sqrt((d**2).sum() / 31)
    np.testing.assert_allclose(found.statistic, z, rtol=1e-4)  # float32 products
    (layer,) = found.layers
    assert (layer.name, layer.paths, layer.units) == ("fc/kernel", ("fc/kernel",), 32)
    assert found.share == a.size / (a.size + 320)
    np.testing.assert_allclose(kinship.in_place(one_layer(b), one_layer(a)).statistic, z, rtol=1e-4)


@pytest.mark.parametrize("kind", list(kinds(np.random.default_rng(0))))
def test_p_values_of_strangers_are_uniform_or_conservative(kind, groups):
    draw = kinds(np.random.default_rng(5))[kind]
    known = [groups, None]
    found = [kinship.in_place(chain(draw), chain(draw), known[n % 2]) for n in range(80)]
    together, alone = [each.p for each in found], [layer.p for each in found for layer in each.layers]
    assert stats.kstest(together, "uniform", alternative="greater").pvalue > 0.01  # of 8 tests
    assert np.mean(np.array(together) < 0.05) <= 0.05 + 3 * np.sqrt(0.05 / 80)
    assert np.mean(np.array(alone) < 0.01) <= 0.01 + 3 * np.sqrt(0.01 / len(alone))
    assert len(alone) > 200


def test_relatives_are_found_after_they_have_gone_far(groups):
    start, drift = chain(gaussian(1)), chain(gaussian(2))
    for keep, most in ((1.0, 1e-80), (0.5, 1e-20), (0.3, 1e-4)):  # cosine of about keep
        child = jax.tree.map(lambda p, d, k=keep: k * p + np.sqrt(1 - k**2) * d, start, drift)
        for found in (kinship.in_place(start, child, groups), kinship.in_place(start, child)):
            assert found.p < most
            assert len(found.layers) == LAYERS - 1
            assert found.left_out.keys() == {"fc5/kernel"}
    assert kinship.in_place(start, start).by_layer()["fc4/kernel"] < 1e-8


def test_only_directions_count_and_types_do_not(groups):
    a, b = chain(gaussian(1)), chain(gaussian(2))
    b = jax.tree.map(lambda p, d: 0.5 * p + d, a, b)
    expected = kinship.in_place(a, b, groups).statistic
    scaled = jax.tree.map(lambda leaf: leaf * np.exp(np.linspace(-70, 70, leaf.shape[-1])).astype(np.float64), b)
    np.testing.assert_allclose(kinship.in_place(a, scaled, groups).statistic, expected, rtol=1e-4)
    for dtype in (ml_dtypes.bfloat16, np.float16, ml_dtypes.float8_e4m3fn):
        coarse = jax.tree.map(lambda leaf, t=dtype: leaf.astype(t), b)
        np.testing.assert_allclose(kinship.in_place(a, coarse, groups).statistic, expected, rtol=0.1)
    eight_bits = jax.tree.map(lambda leaf: np.round(leaf * 30).clip(-128, 127) / np.float32(30), b)
    np.testing.assert_allclose(kinship.in_place(a, eight_bits, groups).statistic, expected, rtol=0.05)
    turned = {name: {"weight": layer["kernel"].T} for name, layer in b.items()}
    np.testing.assert_allclose(kinship.in_place(a, turned).statistic, kinship.in_place(a, b).statistic, rtol=1e-4)


def test_another_order_of_units_hides_relatives(groups):
    a, order = chain(gaussian(1)), np.random.default_rng(0).permutation(24)
    laundered = a | {"fc0": {"kernel": a["fc0"]["kernel"][:, order]}, "fc1": {"kernel": a["fc1"]["kernel"][order]}}
    by_layer = {layer.name: layer.p for layer in kinship.in_place(a, laundered, groups).layers}
    assert by_layer["fc0/kernel"] > 0.01
    assert by_layer["fc1/kernel"] > 0.01  # its units stand where they stood, but what they read does not
    assert by_layer["fc2/kernel"] < 1e-8


def test_what_carries_nothing_is_left_out_and_said():
    rng = np.random.default_rng(0)
    normal = rng.normal(size=(30, 32)).astype(np.float32)
    dead, nearly = normal.copy(), np.tile(normal[:, :1], (1, 32))
    dead[:, :20], nearly[:, 3] = 0, normal[:, 3]
    cases = {
        "fewer than 16 units that are not zero": dead,
        "all units of one of the networks are alike": np.ones((30, 32), np.float32),
        "a few units differ so much more": nearly,
        "fewer than 16 units": normal[:, :15],
        "fewer than 8 weights a unit": normal[:7],
    }
    for why, kernel in cases.items():
        other = rng.normal(size=kernel.shape).astype(np.float32)
        other = np.roll(nearly, 5, 1) if kernel is nearly else other
        for pair in ((kernel, other), (other, kernel), (kernel, kernel)):
            found = kinship.in_place(*map(one_layer, pair))
            assert (found.layers, found.p, found.share, found.statistic) == ((), 1.0, 0.0, 0.0)
            assert found.left_out["fc/kernel"].startswith(why)
    one_unit = {"a": {"kernel": normal[:, :1]}, "b": {"kernel": normal[:1]}}
    assert kinship.in_place(one_unit, one_unit).layers == ()


def test_units_of_zeros_take_no_part():
    a, b = gaussian(3)(2, 40, 64)
    few = kinship.in_place(one_layer(a[:, :50]), one_layer(b[:, :50]))
    a[:, 57:], b[:, 50:57] = 0, 0
    found = kinship.in_place(one_layer(a), one_layer(b))
    assert found.layers[0].units == 50
    np.testing.assert_allclose(found.statistic, few.statistic, rtol=1e-4)


def test_of_very_many_inputs_a_part_is_looked_at_and_all_must_be_finite():
    a, b = gaussian(3)(2, 20_000, 16)
    few = kinship.in_place(one_layer(a[::3]), one_layer(b[::3]))
    np.testing.assert_allclose(kinship.in_place(one_layer(a), one_layer(b)).statistic, few.statistic, rtol=1e-5)
    b[1, 3] = np.nan
    with pytest.raises(ValueError, match="NaN or infinity at network b, 'fc/kernel'"):
        kinship.in_place(one_layer(a), one_layer(b))


def test_networks_without_a_common_kernel_have_no_evidence():
    found = kinship.in_place(one_layer(np.ones((30, 32), np.float32)), one_layer(np.ones((30, 33), np.float32)))
    assert (found.layers, found.p) == ((), 1.0)
    assert found.left_out["fc/kernel"] == "network a has no kernel of this name and shape"


def test_what_cannot_be_compared_is_refused_in_one_line(groups):
    a = chain(gaussian(1))
    broken = jax.tree.map(np.copy, a)
    for value in (np.nan, np.inf):
        broken["fc2"]["kernel"][3, 4] = value
        with pytest.raises(ValueError, match=r"finite weights, got NaN or infinity at network b, 'fc2/kernel'"):
            kinship.in_place(a, broken)
        with pytest.raises(ValueError, match=r"at network a, 'fc2/kernel'"):
            kinship.in_place(broken, a, groups)
    with pytest.raises(ValueError, match="a network b with kernels, got none among its 1 weights"):
        kinship.in_place(a, {"fc": {"bias": np.ones(3)}})
    with pytest.raises(ValueError, match=r"network b with the leaves that groups were read off: \(12, 24\)"):
        kinship.in_place(a, {"fc0": a["fc5"]}, groups)


def test_a_network_inside_another_is_found_and_choosing_costs():
    rng = np.random.default_rng(0)
    a, stranger = (chain(lambda i, o: rng.normal(size=(i, o))) for _ in range(2))
    detector = {"backbone": {name: a[name] for name in list(a)[:-1]}, "top": {"kernel": np.ones((16, 20), np.float32)}}
    inside = kinship.in_place(a, detector)
    assert inside.p < 1e-50
    assert inside.left_out == {"top/kernel": "network a has no kernel of this name and shape"}
    alone = kinship.in_place(stranger, a)
    both = kinship.in_place({"student": stranger, "teacher": stranger}, a)
    np.testing.assert_allclose(both.p, min(1, 2 * alone.p))
    np.testing.assert_allclose(both.layers[0].p, min(1, 2 * alone.layers[0].p))
    assert kinship.in_place({"student": stranger, "teacher": a}, a).p < 1e-50
