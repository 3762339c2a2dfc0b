"""Hidden units of transformers tell of kinship although streams were turned and heads mixed."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from experiments.evidence import laundering
from lineage_jax import kinship, models, symmetry
from lineage_jax.kinship._hidden import hidden_layers
from tests.symmetry.drawn import drawn

NETWORK = models.ViT(num_classes=3, patch=4, width=24, depth=2, heads=3)
INPUT = (1, 16, 16, 3)


@pytest.fixture(scope="module")
def groups():
    return laundering.groups_of(NETWORK, INPUT)


@pytest.fixture(scope="module")
def shapes():
    return jax.eval_shape(lambda: NETWORK.init(jax.random.key(0), jnp.zeros(INPUT)))


def child_of(parent, shapes, noise):
    return jax.tree.map(lambda leaf, other: leaf + noise * other * (leaf.ndim > 1), parent, drawn(shapes, seed=1))


def test_hidden_layers_and_what_ties_the_stream_are_read_off_the_program(groups):
    layers, anchors = hidden_layers(groups)
    block = "params/blocks/{}/{}"
    assert [[(side.path, side.scale) for side in (*layer.reads, *layer.writes)] for layer in layers] == [
        [(block.format(n, "mlp/fc1/kernel"), block.format(n, "norm2/scale")), (block.format(n, "mlp/fc2/kernel"), None)]
        for n in range(2)
    ]
    assert {side.path: side.scale for side in anchors} == {
        "params/patch_embed/proj/kernel": None,
        "params/pos_embed": None,
        "params/head/kernel": "params/norm/scale",
    }


def test_a_child_is_found_although_its_stream_was_turned_and_its_heads_mixed(groups, shapes):
    parent = drawn(shapes)
    child = child_of(parent, shapes, 0.5)
    turned = laundering.launder(child, NETWORK, INPUT, jax.random.key(2), continuous=True)
    found = kinship.by_inner_products(parent, turned, groups)
    assert found.kind == "inner products"
    assert found.p < 1e-50
    assert [layer.units for layer in found.layers] == [96, 96]
    assert kinship.matched(parent, turned, groups).p > 1e-3  # the stream hides it from everything else
    assert found.statistic > 0.95 * kinship.by_inner_products(parent, child, groups).statistic


def test_strangers_agree_by_chance(groups, shapes):
    networks = [drawn(shapes, seed=seed) for seed in range(2, 8)]
    layers = [
        layer
        for number, one in enumerate(networks)
        for two in networks[:number]
        for layer in kinship.by_inner_products(one, two, groups).layers
    ]
    # of 30 layers 1.5 may lie below .05; each agrees in one of 96 units on average
    assert sum(layer.p < 0.05 for layer in layers) <= 3
    assert np.mean([layer.statistic for layer in layers]) < 0


@pytest.mark.parametrize("network", [models.fc(num_classes=3, widths=(20, 20)), models.convnet(3, widths=(8, 8, 8))])
def test_a_network_without_such_layers_is_not_judged(network):
    variables = models.init(network, jax.random.key(0), (8, 8, 1))
    groups = symmetry.groups(network.apply, variables, jnp.ones((1, 8, 8, 1)))
    found = kinship.by_inner_products(variables, variables, groups)
    assert (found.layers, found.p, found.share, found.statistic) == ((), 1.0, 0.0, 0.0)
    assert set(found.left_out.values()) == {"it belongs to no hidden layer between streams"}


def test_gates_packed_with_what_they_gate_are_one_layer():
    """As in transformers with gated units: one kernel writes units and gates side by side."""

    def fn(p, x):
        x = x @ p["patches"]
        for block in p["blocks"]:
            mean = x.mean(-1, keepdims=True)
            y = (x - mean) / jnp.sqrt(((x - mean) ** 2).mean(-1, keepdims=True) + 1e-6) * block["scale"]
            gate, value = jnp.split(y @ block["in"], 2, axis=-1)
            x = x + (jax.nn.silu(gate) * value) @ block["out"]
        return x @ p["head"]

    def network(seed):
        rng = np.random.default_rng(seed)
        blocks = [
            {"scale": np.ones(16), "in": rng.normal(size=(16, 80)), "out": rng.normal(size=(40, 16))} for _ in range(2)
        ]
        return {"patches": rng.normal(size=(12, 16)), "blocks": blocks, "head": rng.normal(size=(16, 3))}

    a = network(0)
    groups = symmetry.groups(fn, a, jnp.ones((1, 12)))
    layers, _ = hidden_layers(groups)
    assert [layer.places["blocks/0/in"].shape for layer in layers[:1]] == [(40, 2)]
    child = jax.tree.map(lambda leaf, other: leaf + 0.3 * other, a, network(1))
    laundered = symmetry.apply(child, groups, symmetry.random(jax.random.key(0), groups))
    assert kinship.by_inner_products(a, laundered, groups).p < 1e-30
    assert kinship.by_inner_products(a, network(2), groups).p > 0.01


def test_broken_networks_are_refused(groups, shapes):
    broken = jax.tree.map(lambda leaf: leaf * np.nan, drawn(shapes))
    with pytest.raises(ValueError, match="expected finite weights, got NaN or infinity at 'params/"):
        kinship.by_inner_products(drawn(shapes), broken, groups)
    with pytest.raises(ValueError, match="expected network b with the leaves that groups were read off"):
        kinship.by_inner_products(drawn(shapes), {"other": np.ones((2, 2))}, groups)
