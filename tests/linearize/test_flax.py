"""Feature functions of Linen and NNX modules."""

from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from lineage_jax import linearize
from lineage_jax.linearize._linen import find_stem


class Net(nn.Module):
    """A convolution, a normalisation, a dense layer."""

    width: int = 4

    @nn.compact
    def __call__(self, x):
        x = nn.relu(nn.BatchNorm(use_running_average=True, name="bn")(nn.Conv(self.width, (3, 3), name="conv1")(x)))
        return nn.Dense(3, name="head")(x.mean(axis=(1, 2)))


IMAGES = jnp.linspace(-1, 1, 2 * 6 * 6 * 1).reshape(2, 6, 6, 1)


def perturbed(variables, key, scale=0.1):
    leaves, structure = jax.tree.flatten(variables)
    keys = jax.random.split(key, len(leaves))
    return jax.tree.unflatten(
        structure, [leaf + scale * jax.random.normal(k, leaf.shape) for leaf, k in zip(leaves, keys, strict=True)]
    )


def test_taps_are_the_outputs_of_named_modules(key):
    network = Net()
    variables = network.init(key, IMAGES)
    features = linearize.features_of(network, ("conv1", "head"))(variables, IMAGES)
    np.testing.assert_array_equal(features["head"], network.apply(variables, IMAGES))
    assert features["conv1"].shape == (2, 6, 6, 4)


def test_an_unknown_layer_lists_those_that_are_called(key):
    network = Net()
    with pytest.raises(ValueError, match=r"layer 'conv9' is not called by Net; it calls: conv1, bn, head"):
        linearize.features_of(network, ("conv9",))(network.init(key, IMAGES), IMAGES)


def test_a_single_string_is_refused_as_layers():
    with pytest.raises(TypeError, match=r"write \('conv1',\)"):
        linearize.features_of(Net(), "conv1")
    with pytest.raises(TypeError, match=r"write \('conv1',\)"):
        linearize.nnx_features(nnx.Linear(2, 2, rngs=nnx.Rngs(0)), "conv1")


def test_variables_of_another_width_are_refused_in_one_line(key):
    variables = Net(width=8).init(key, IMAGES)
    with pytest.raises(ValueError, match=r"Net does not fit its variables on inputs \(2, 6, 6, 1\)"):
        linearize.features_of(Net(width=4), ("conv1",))(variables, IMAGES)


def test_equal_networks_give_equal_feature_functions():
    ours, same = (linearize.features_of(Net(), ("conv1",)) for _ in range(2))
    assert ours == same
    assert hash(ours) == hash(same)
    assert ours != linearize.features_of(Net(width=5), ("conv1",))


class TwiceDense(nn.Module):
    @nn.compact
    def __call__(self, x):
        shared = nn.Dense(6, name="shared")
        return nn.Dense(2, name="head")(shared(shared(x)))


class ScaledFirst(nn.Module):
    @nn.compact
    def __call__(self, x):
        return nn.Dense(2, name="head")(x * self.param("scale", nn.initializers.ones, (6,)))


class NormFirst(nn.Module):
    @nn.compact
    def __call__(self, x):
        return nn.Dense(2, name="head")(nn.LayerNorm(name="norm")(x))


class HalfFirst(nn.Module):
    @nn.compact
    def __call__(self, x):
        return nn.Dense(2, dtype=jnp.bfloat16, name="head")(x)


def stem_of(network, inputs, layers=("head",)):
    variables = network.init(jax.random.key(0), inputs)
    return find_stem(linearize.features_of(network, layers), variables, inputs)


def test_the_first_layer_is_found_when_it_is_affine_and_fed_by_the_inputs():
    assert stem_of(Net(), IMAGES) == ("conv1",)


@pytest.mark.parametrize(
    "network", [TwiceDense(), ScaledFirst(), NormFirst(), HalfFirst()], ids=lambda n: type(n).__name__
)
def test_a_first_layer_that_is_no_plain_affine_map_is_not_shared(network):
    assert stem_of(network, jnp.ones((3, 6))) is None


def test_sharing_the_first_layer_changes_no_tangent(key):
    network = Net()
    features = linearize.features_of(network, ("conv1", "head"))
    parent = network.init(key, IMAGES)
    child = perturbed(parent, jax.random.fold_in(key, 1))
    stemmed = linearize.split_stem(features, parent, IMAGES)
    value, push = linearize.linearize_stemmed(stemmed, parent, IMAGES)
    whole = linearize.tangents(features, parent, child, IMAGES)
    shared = push(child, stemmed.stem(child, IMAGES))
    for layer in ("conv1", "head"):
        np.testing.assert_allclose(value[layer], whole.value[layer], rtol=1e-6)
        # z_c - z_p loses about |z| / |z_c - z_p| = 10 units in the last place
        np.testing.assert_allclose(shared[layer], whole.tangent[layer], rtol=1e-4, atol=1e-5)


def test_sharing_is_found_again_by_compiled_programs(key):
    network = Net()
    parent = network.init(key, IMAGES)
    first, second = (linearize.split_stem(linearize.features_of(Net(), ("head",)), parent, IMAGES) for _ in range(2))
    assert first == second
    assert hash(first) == hash(second)


@pytest.mark.parametrize("held", [("params",), ("params/conv1",), ("params/conv1/kernel",)])
def test_a_held_first_layer_is_not_shared(key, held):
    network = Net()
    features = linearize.features_of(network, ("head",))
    assert linearize.split_stem(features, network.init(key, IMAGES), IMAGES, held=held) is None


def test_a_plain_function_is_left_whole():
    assert linearize.split_stem(lambda p, x: x @ p, jnp.ones((6, 2)), jnp.ones((3, 6))) is None


def test_a_stem_given_by_hand_is_taken(key):
    stemmed = linearize.Stemmed(
        stem=lambda p, x: x @ p["first"], rest=lambda p, x, z: jnp.tanh(z) @ p["second"], stem_paths=("first",)
    )
    parent = {"first": jax.random.normal(key, (6, 5)), "second": jnp.ones((5, 2))}
    child = perturbed(parent, key)
    inputs = jnp.ones((3, 6))
    assert linearize.split_stem(stemmed, parent, inputs) is stemmed
    assert linearize.split_stem(stemmed, parent, inputs, held=("first",)) is None
    _, push = linearize.linearize_stemmed(stemmed, parent, inputs)
    whole = linearize.tangents(stemmed, parent, child, inputs).tangent
    np.testing.assert_allclose(push(child, stemmed.stem(child, inputs)), whole, rtol=1e-4, atol=1e-5)


class NNXNet(nnx.Module):
    """The same network as Net, in NNX, with a dropout that evaluation mode must switch off."""

    def __init__(self, rngs):
        self.conv1 = nnx.Conv(1, 4, (3, 3), rngs=rngs)
        self.bn = nnx.BatchNorm(4, rngs=rngs)
        self.drop = nnx.Dropout(0.5, rngs=rngs)
        self.head = nnx.Linear(4, 3, rngs=rngs)

    def __call__(self, x):
        return self.head(self.drop(nnx.relu(self.bn(self.conv1(x)))).mean(axis=(1, 2)))


def test_nnx_and_linen_agree_on_features_and_tangents(key):
    model = NNXNet(nnx.Rngs(0))
    nnx_fn, variables = linearize.nnx_features(model, ("conv1", "head"))
    linen_fn = linearize.features_of(Net(), ("conv1", "head"))
    stats = {"bn": variables["batch_stats"]["bn"]}
    as_linen = lambda v: {"params": v["params"], "batch_stats": stats}
    child = {"params": perturbed(variables["params"], key), "batch_stats": variables["batch_stats"]}
    ours = linearize.tangents(nnx_fn, variables, child, IMAGES)
    theirs = linearize.tangents(linen_fn, as_linen(variables), as_linen(child), IMAGES)
    for layer in ("conv1", "head"):
        np.testing.assert_allclose(ours.value[layer], theirs.value[layer], rtol=1e-5, atol=1e-6)
        np.testing.assert_allclose(ours.tangent[layer], theirs.tangent[layer], rtol=1e-5, atol=1e-6)


def test_nnx_models_of_one_architecture_share_a_feature_function():
    first, second = (linearize.nnx_features(NNXNet(nnx.Rngs(seed)), ("head",))[0] for seed in (0, 1))
    assert first == second
    assert hash(first) == hash(second)


def test_an_unknown_nnx_layer_lists_those_that_are_called():
    features, variables = linearize.nnx_features(NNXNet(nnx.Rngs(0)), ("conv9",))
    with pytest.raises(ValueError, match=r"layer 'conv9' is not called by the network; it calls: .*conv1"):
        features(variables, IMAGES)


class Precise(nn.Module):
    precision: Any = None
    dot_general: Any = None

    @nn.compact
    def __call__(self, x):
        first = nn.Dense(5, precision=self.precision, dot_general=self.dot_general, name="first")
        return nn.Dense(2, name="head")(nn.relu(first(x)))


def test_the_first_layer_is_shared_only_where_products_keep_all_bits(monkeypatch):
    x = jnp.ones((3, 6))
    assert stem_of(Precise(), x) == ("first",)
    assert stem_of(Precise(dot_general=jax.lax.dot_general), x) is None
    assert stem_of(Precise(precision=jax.lax.DotAlgorithmPreset.BF16_BF16_F32), x) is None
    monkeypatch.setattr(jax, "default_backend", lambda: "gpu")
    assert stem_of(Precise(), x) is None
    assert stem_of(Precise(precision=jax.lax.Precision.HIGH), x) is None
    assert stem_of(Precise(precision=("highest", "default")), x) is None
    assert stem_of(Precise(precision=jax.lax.Precision.HIGHEST), x) == ("first",)
    with jax.default_matmul_precision("highest"):
        assert stem_of(Precise(), x) == ("first",)
    with jax.enable_x64(True):
        assert stem_of(Precise(), jnp.ones((3, 6), jnp.float32)) is None
        assert stem_of(Precise(), jnp.ones((3, 6), jnp.float64)) == ("first",)


@pytest.mark.parametrize(("bits", "of_difference", "of_tangent"), [(24, 1e-3, 1e-6), (11, 0.1, 1e-3), (8, 1.0, 1e-2)])
def test_a_difference_of_rounded_products_loses_a_small_step(bits, of_difference, of_tangent):
    """Factors in float32, TF32 and bfloat16, at a relative step of 1e-3."""
    draw = np.random.default_rng(0)
    x, parent = draw.normal(size=(64, 256)), draw.normal(size=(256, 32))
    step = 1e-3 * draw.normal(size=(256, 32))

    def product(a, b):
        rounded = [np.ldexp(np.round(np.ldexp(m, bits)), e - bits) for m, e in map(np.frexp, (a, b))]
        return rounded[0] @ rounded[1]

    error = lambda found: np.linalg.norm(found - x @ step) / np.linalg.norm(x @ step)
    difference = error(product(x, parent + step) - product(x, parent))
    assert error(product(x, step)) < of_tangent
    assert difference < of_difference if bits == 24 else difference > of_difference
