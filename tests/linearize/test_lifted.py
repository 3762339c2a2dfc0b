"""Taps give what the same network without lifted transforms gives; of several outputs, the name says which."""

import functools

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from lineage_jax import linearize
from lineage_jax.linearize._linen import find_stem

X = jnp.cos(jnp.arange(12.0)).reshape(4, 3)
LIFTS = {"remat": nn.remat, "jit": nn.jit, "remat of jit": lambda m: nn.remat(nn.jit(m)), "vmap": None}
LAYERS = ("b1", "b2", "b1/dense", "b2/dense", "head")


class Block(nn.Module):
    @nn.compact
    def __call__(self, x):
        return nn.tanh(nn.Dense(3, name="dense")(x))


class Stack(nn.Module):
    lift: str = ""

    @nn.compact
    def __call__(self, x):
        over_probes = functools.partial(nn.vmap, variable_axes={"params": None, "intermediates": 0})
        lifts = LIFTS | {"vmap": functools.partial(over_probes, split_rngs={"params": False}), "": lambda m: m}
        block = lifts[self.lift](Block)
        return nn.Dense(2, name="head")(block(name="b2")(block(name="b1")(x)))


class Decorated(nn.Module):
    """The first layers of `Stack` in methods of the network itself."""

    lift: str

    def setup(self):
        self.b1, self.b2, self.head = Block(), Block(), nn.Dense(2)

    @nn.remat
    def in_remat(self, x):
        return self.b2(self.b1(x))

    @nn.jit
    def in_jit(self, x):
        return self.b2(self.b1(x))

    def __call__(self, x):
        return self.head(self.in_jit(x) if self.lift == "jit" else self.in_remat(x))


class Step(nn.Module):
    @nn.compact
    def __call__(self, x, _):
        return nn.tanh(nn.Dense(3, name="dense")(x)), None


class Scanned(nn.Module):
    axes: tuple = (("params", 0), ("intermediates", 0))
    steps: int = 2

    @nn.compact
    def __call__(self, x):
        scanned = nn.scan(Step, variable_axes=dict(self.axes), split_rngs={"params": True}, length=self.steps)
        return nn.Dense(2, name="head")(scanned(name="blocks")(x, None)[0])


class Unrolled(nn.Module):
    steps: int = 2

    @nn.compact
    def __call__(self, x):
        for i in range(self.steps):
            x = Step(name=f"b{i}")(x, None)[0]
        return nn.Dense(2, name="head")(x)


def pair(network, key):
    return tuple(network.init(jax.random.fold_in(key, i), X) for i in range(2))


def close(ours, plain):
    np.testing.assert_allclose(ours, plain, rtol=1e-5, atol=1e-6)  # the same float32 sums, compiled otherwise


@pytest.mark.parametrize("outside", [lambda f: f, jax.jit], ids=["eager", "jit"])
@pytest.mark.parametrize(
    "network", [*map(Stack, LIFTS), Decorated("remat"), Decorated("jit"), nn.jit(Stack)(), nn.remat(Stack)()], ids=repr
)
def test_lifted_blocks_have_the_features_and_tangents_of_plain_ones(network, outside, key):
    parent, child = pair(Stack(), key)
    plain = linearize.tangents(linearize.features_of(Stack(), LAYERS), parent, child, X)
    for layers in (LAYERS, LAYERS[1:2]):  # the second time, nn.jit runs what it compiled the first time
        features = linearize.features_of(network, layers)
        ours = outside(lambda p, c, f=features: linearize.tangents(f, p, c, X))(parent, child)
        for layer in layers:
            close(ours.value[layer], plain.value[layer])
            close(ours.tangent[layer], plain.tangent[layer])
            assert jnp.abs(ours.tangent[layer]).max() > 0.1


def unrolled(v, steps=2):
    at = lambda i: {"dense": jax.tree.map(lambda leaf: leaf[i], v["params"]["blocks"]["dense"])}
    return {"params": {"head": v["params"]["head"]} | {f"b{i}": at(i) for i in range(steps)}}


@pytest.mark.parametrize("steps", [2, 4])  # four steps are as many as probes
def test_each_step_of_a_scan_is_a_layer(steps, key):
    network, plain = Scanned(steps=steps), Unrolled(steps=steps)
    parent, child = pair(network, key)
    last = steps - 1
    names = {"blocks:0": "b0", f"blocks:{last}": f"b{last}", "blocks/dense:1": "b1/dense", "head": "head"}
    ours = linearize.tangents(linearize.features_of(network, tuple(names)), parent, child, X)
    features = linearize.features_of(plain, tuple(names.values()))
    theirs = linearize.tangents(features, unrolled(parent, steps), unrolled(child, steps), X)
    for layer, same in names.items():
        close(ours.value[layer], theirs.value[same])
        close(ours.tangent[layer], theirs.tangent[same])


def test_a_scan_without_a_step_named_and_one_that_brings_nothing_out_are_refused(key):
    network = Scanned()
    variables = network.init(key, X)
    with pytest.raises(ValueError, match="'blocks/dense' is called 2 times; name one of 'blocks/dense:0' to"):
        linearize.features_of(network, ("blocks/dense",))(variables, X)
    with pytest.raises(ValueError, match="got 'blocks:2': 'blocks' is called 2 times"):
        linearize.features_of(network, ("blocks:2",))(variables, X)
    closed = linearize.features_of(Scanned(axes=(("params", 0),)), ("blocks/dense:0",))
    with pytest.raises(ValueError, match=r"'blocks/dense:0' runs within a lifted transform.*'intermediates': 0 to its"):
        closed(variables, X)
    as_many = Scanned(steps=4)
    features = linearize.features_of(as_many, ("blocks",))
    with pytest.raises(ValueError, match="'blocks' is called 4 times"):
        linearize.tangents(features, *pair(as_many, key), X)


class Shared(nn.Module):
    """One layer at two places."""

    @nn.compact
    def __call__(self, x):
        dense = nn.Dense(3, name="dense")
        return nn.Dense(2, name="head")(nn.tanh(dense(nn.tanh(dense(x)))))


class NNXShared(nnx.Module):
    def __init__(self, rngs):
        self.dense, self.head = nnx.Linear(3, 3, rngs=rngs), nnx.Linear(3, 2, rngs=rngs)

    def __call__(self, x):
        return self.head(nnx.tanh(self.dense(nnx.tanh(self.dense(x)))))


def by_hand(v, x):
    dense = lambda x: x @ v["params"]["dense"]["kernel"] + v["params"]["dense"]["bias"]
    first = dense(x)
    return {"dense:0": first, "dense:1": dense(jnp.tanh(first))}


@pytest.mark.parametrize("kind", ["linen", "nnx"])
def test_a_layer_called_twice_gives_both_outputs_by_number(kind, key):
    parent, child = pair(Shared(), key)
    layers = ("dense:0", "dense:1")
    theirs = linearize.tangents(by_hand, parent, child, X)
    if kind == "linen":
        of = functools.partial(linearize.features_of, Shared())
    else:
        of = lambda layers: linearize.nnx_features(NNXShared(nnx.Rngs(0)), layers)[0]
        parent, child = ({"batch_stats": {}, **v} for v in (parent, child))
    ours = linearize.tangents(of(layers), parent, child, X)
    for layer in layers:
        close(ours.value[layer], theirs.value[layer])
        close(ours.tangent[layer], theirs.tangent[layer])
    with pytest.raises(ValueError, match="'dense' is called 2 times; name one of 'dense:0' to 'dense:1'"):
        of(("dense",))(parent, X)
    np.testing.assert_array_equal(of(("head:0",))(parent, X)["head:0"], of(("head",))(parent, X)["head"])
    with pytest.raises(ValueError, match="got 'dense:1:0'; 'dense:1' is one"):
        of(("dense:1:0",))(parent, X)


class NNXBlock(nnx.Module):
    def __init__(self, rngs):
        self.dense = nnx.Linear(3, 3, rngs=rngs)

    def __call__(self, x):
        return nnx.tanh(self.dense(x))


class NNXStack(nnx.Module):
    def __init__(self, lift, rngs):
        self.b1, self.b2, self.head = NNXBlock(rngs), NNXBlock(rngs), nnx.Linear(3, 2, rngs=rngs)
        self.lift = lift

    def __call__(self, x):
        run = {"remat": nnx.remat, "jit": nnx.jit}[self.lift](lambda block, x: block(x))
        return self.head(run(self.b2, run(self.b1, x)))


class NNXScanned(nnx.Module):
    def __init__(self, steps, rngs):
        self.blocks = nnx.vmap(NNXBlock)(rngs.split(steps))
        self.head = nnx.Linear(3, 2, rngs=rngs)

    def __call__(self, x):
        return self.head(
            nnx.scan(lambda x, block: block(x), in_axes=(nnx.Carry, 0), out_axes=nnx.Carry)(x, self.blocks)
        )


@pytest.mark.parametrize("lift", ["remat", "jit"])
def test_lifted_nnx_blocks_have_the_tangents_of_plain_ones(lift, key):
    parent, child = pair(Stack(), key)
    features, _ = linearize.nnx_features(NNXStack(lift, nnx.Rngs(0)), LAYERS)
    ours = linearize.tangents(features, *({"batch_stats": {}, **v} for v in (parent, child)), X)
    plain = linearize.tangents(linearize.features_of(Stack(), LAYERS), parent, child, X)
    for layer in LAYERS:
        close(ours.value[layer], plain.value[layer])
        close(ours.tangent[layer], plain.tangent[layer])


@pytest.mark.parametrize("steps", [2, 4])
def test_each_step_of_an_nnx_scan_is_a_layer(steps, key):
    parent, child = pair(Scanned(steps=steps), key)
    model = NNXScanned(steps, nnx.Rngs(0))
    features, _ = linearize.nnx_features(model, ("blocks/dense:1", "blocks:0"))
    ours = linearize.tangents(features, *({"batch_stats": {}, **v} for v in (parent, child)), X)
    plain = linearize.features_of(Unrolled(steps=steps), ("b1/dense", "b0"))
    theirs = linearize.tangents(plain, unrolled(parent, steps), unrolled(child, steps), X)
    for layer, same in (("blocks/dense:1", "b1/dense"), ("blocks:0", "b0")):
        close(ours.value[layer], theirs.value[same])
        close(ours.tangent[layer], theirs.tangent[same])
    unnamed, _ = linearize.nnx_features(model, ("blocks/dense",))
    with pytest.raises(ValueError, match=f"is called {steps} times"):
        linearize.tangents(unnamed, *({"batch_stats": {}, **v} for v in (parent, child)), X)


class Pair(nn.Module):
    @nn.compact
    def __call__(self, x):
        return nn.Dense(3, name="dense")(x), x


class Outer(nn.Module):
    @nn.compact
    def __call__(self, x):
        return nn.Dense(2)(Pair(name="pair")(x)[0])


def test_a_layer_of_several_arrays_is_refused(key):
    network = Outer()
    with pytest.raises(TypeError, match="expected layer 'pair' to return one array, got 2 of them"):
        linearize.features_of(network, ("pair",))(network.init(key, X), X)


class LiftedFirst(nn.Module):
    lift: str

    @nn.compact
    def __call__(self, x):
        return nn.Dense(2, name="head")(nn.tanh(LIFTS[self.lift](nn.Dense)(3, name="first")(x)))


@pytest.mark.parametrize("lift", ["remat", "jit"])
def test_a_lifted_first_layer_is_not_shared_even_where_its_program_is_at_hand(lift, key):
    network = LiftedFirst(lift)
    variables = network.init(key, X)
    for _ in range(2):  # nn.jit hides the layer from the second look on
        assert find_stem(linearize.features_of(network, ("head",)), variables, X) is None


@pytest.mark.parametrize("lift", ["remat", "jit"])
def test_a_block_that_starts_within_a_lifted_transform_is_refused(lift):
    for _ in range(2):
        with pytest.raises(ValueError, match=r"got 'b1', which runs within nn\.remat, nn\.jit"):
            linearize.block_of(Stack(lift), "b1", ("head",), input_shape=(3,))


def test_a_block_that_starts_at_a_layer_called_twice_is_refused():
    with pytest.raises(ValueError, match="got 'dense', which is called 2 times"):
        linearize.block_of(Shared(), "dense", ("head",), input_shape=(3,))


def test_a_block_may_end_in_lifted_layers(key):
    parent, child = pair(Stack(), key)
    network = LiftedEnd()
    block = linearize.block_of(network, "b1", ("b2", "head"), input_shape=(3,))
    for v in (parent, child):
        whole = linearize.features_of(Stack(), ("b2", "head"))(v, X)
        for layer, features in block(v, block.entry(v, X)).items():
            close(features, whole[layer])


class LiftedEnd(nn.Module):
    @nn.compact
    def __call__(self, x):
        return nn.Dense(2, name="head")(nn.remat(Block)(name="b2")(Block(name="b1")(x)))


class Configured(nn.Module):
    widths: list
    options: dict
    scale: np.ndarray
    norm: functools.partial

    @nn.compact
    def __call__(self, x):
        for i, width in enumerate(self.widths):
            x = nn.tanh(nn.Dense(width, name=f"fc{i}", **self.options)(x))
        return self.norm(name="norm")(x * self.scale)


def configured(scale=1.0, width=3):
    return Configured([3, width], {"use_bias": False}, np.full(width, scale), functools.partial(nn.LayerNorm))


def test_networks_with_lists_dictionaries_and_arrays_in_their_fields_are_found_again(key):
    first, second = (linearize.features_of(configured(), ("fc1", "norm")) for _ in range(2))
    others = [linearize.features_of(configured(scale=2.0), ("norm",)), linearize.features_of(configured(width=4), ())]
    assert first == second
    assert hash(first) == hash(second)
    assert first not in others
    variables = configured().init(key, X)
    stem = [linearize.split_stem(f, variables, X) for f in (first, second)]
    assert stem[0] == stem[1]
    assert hash(stem[0]) == hash(stem[1])
    blocks = [linearize.block_of(configured(), "fc0", ("norm",), input_shape=(3,)) for _ in range(2)]
    assert blocks[0] == blocks[1]
    assert hash(blocks[0]) == hash(blocks[1])
    run = jax.jit(lambda v, x, f: f(v, x)["norm"], static_argnums=2)
    expected = run(variables, X, first)
    with jax.no_tracing():
        np.testing.assert_array_equal(run(variables, X, second), expected)


class NNXConfigured(nnx.Module):
    def __init__(self, options, rngs):
        self.options, self.dense = options, nnx.Linear(3, 2, rngs=rngs)

    def __call__(self, x):
        return self.dense(x) * self.options["scale"]


def test_an_nnx_network_with_a_dictionary_is_found_again():
    first, second, other = (
        linearize.nnx_features(NNXConfigured({"scale": scale}, nnx.Rngs(0)), ("dense",))[0] for scale in (1, 1, 2)
    )
    assert first == second
    assert hash(first) == hash(second)
    assert first != other
