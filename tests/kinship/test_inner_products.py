"""Hidden units of transformers tell of kinship although streams were turned and heads mixed."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from experiments.evidence import laundering
from experiments.lab import edits
from lineage_jax import kinship, models, symmetry
from lineage_jax.kinship._hidden import layout_of
from tests.kinship.vit import INPUT, NETWORK, groups_of_network
from tests.symmetry.drawn import drawn


@pytest.fixture(scope="module")
def groups():
    return groups_of_network()


@pytest.fixture(scope="module")
def shapes():
    return jax.eval_shape(lambda: NETWORK.init(jax.random.key(0), jnp.zeros(INPUT)))


def child_of(parent, shapes, noise):
    return jax.tree.map(lambda leaf, other: leaf + noise * other * (leaf.ndim > 1), parent, drawn(shapes, seed=1))


def test_layers_heads_and_what_ties_the_stream_are_read_off_the_program(groups):
    layout = layout_of(groups)
    block = "params/blocks/{}/{}"
    assert [[(side.path, side.scale) for side in layer.sides] for layer in layout.hidden] == [
        [(block.format(n, "mlp/fc1/kernel"), block.format(n, "norm2/scale")), (block.format(n, "mlp/fc2/kernel"), None)]
        for n in range(2)
    ]
    queries, values = ("attn/qkv/kernel",), ("attn/qkv/kernel", "attn/proj/kernel")
    assert [[sorted(inside.paths for inside in head) for head in attention] for attention in layout.heads] == [
        [sorted(tuple(block.format(n, path) for path in paths) for paths in (queries, values))] * 3 for n in range(2)
    ]
    assert {side.path: side.scale for side in layout.anchors} == {
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


@pytest.mark.parametrize("noise", [1.0, "pruned"])
def test_a_child_that_was_disturbed_or_pruned_is_found_turned(groups, shapes, noise):
    """Of both a cosine of 0.7 is left; pruning leaves what most units write at zero."""
    parent = drawn(shapes)
    child = edits.prune(parent, 0.9) if noise == "pruned" else child_of(parent, shapes, noise)
    turned = laundering.launder(child, NETWORK, INPUT, jax.random.key(2), continuous=True)
    assert kinship.by_inner_products(parent, turned, groups).p < 1e-20


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


def test_strangers_all_of_whose_units_read_and_write_one_direction_are_not_alike(groups, shapes):
    """A direction in common is found by any rotation, and then stands in both halves of what units read."""

    def network(seed):
        def narrowed(path, leaf):
            return leaf * (1 + 9 * (jnp.arange(24) < 2))[:, None] if "fc1" in jax.tree_util.keystr(path) else leaf

        return jax.tree_util.tree_map_with_path(
            lambda path, leaf: narrowed(path, leaf) if leaf.ndim > 1 else leaf, drawn(shapes, seed=seed)
        )

    networks = [network(seed) for seed in range(10, 15)]
    found = [kinship.by_inner_products(a, b, groups).p for n, a in enumerate(networks) for b in networks[:n]]
    assert min(found) > 0.01


def test_one_block_of_one_head_is_judged_by_its_attention_and_what_never_moves():
    network = models.ViT(num_classes=3, patch=4, width=24, depth=1, heads=1)
    groups = laundering.groups_of(network, INPUT)
    shapes = jax.eval_shape(lambda: network.init(jax.random.key(0), jnp.zeros(INPUT)))
    layout = layout_of(groups)
    assert [layer.paths[0] for layer in layout.hidden] == ["params/blocks/0/mlp/fc1/kernel"]
    assert [[len(head) for head in attention] for attention in layout.heads] == [[2]]
    parent = drawn(shapes)
    turned = laundering.launder(child_of(parent, shapes, 0.5), network, INPUT, jax.random.key(2), continuous=True)
    assert kinship.by_inner_products(parent, turned, groups).p < 1e-20
    assert kinship.by_inner_products(drawn(shapes, seed=5), turned, groups).p > 0.01


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
    assert layout_of(groups).hidden[0].places["blocks/0/in"].shape == (40, 2)
    child = jax.tree.map(lambda leaf, other: leaf + 0.3 * other, a, network(1))
    laundered = symmetry.apply(child, groups, symmetry.random(jax.random.key(0), groups))
    assert kinship.by_inner_products(a, laundered, groups).p < 1e-30
    assert kinship.by_inner_products(a, network(2), groups).p > 0.01


def test_a_stream_that_is_read_by_a_head_first_of_all_leaves_is_no_hidden_layer():
    def fn(p, x):
        x = x @ p["first"]
        for block in p["layers"]:
            x = x + jax.nn.relu(x @ block["in"]) @ block["out"]
        return x @ p["classes"]

    draw = np.random.default_rng(0).normal
    layers = [{"in": draw(size=(16, 40)), "out": draw(size=(40, 16))} for _ in range(2)]
    network = {"classes": draw(size=(16, 3)), "first": draw(size=(12, 16)), "layers": layers}
    layout = layout_of(symmetry.groups(fn, network, jnp.ones((1, 12))))
    assert [layer.paths for layer in layout.hidden] == [(f"layers/{n}/in", f"layers/{n}/out") for n in range(2)]
    assert [side.path for side in layout.anchors] == ["classes", "first"]


def test_broken_networks_are_refused(groups, shapes):
    broken = jax.tree.map(lambda leaf: leaf * np.nan, drawn(shapes))
    with pytest.raises(ValueError, match="expected finite weights, got NaN or infinity at 'params/"):
        kinship.by_inner_products(drawn(shapes), broken, groups)
    scale = jax.tree_util.tree_map_with_path(
        lambda path, leaf: leaf * np.nan if "norm2" in jax.tree_util.keystr(path) else leaf, drawn(shapes)
    )
    with pytest.raises(
        ValueError, match="expected finite weights, got NaN or infinity at 'params/blocks/0/norm2/scale'"
    ):
        kinship.by_inner_products(drawn(shapes), scale, groups)
    with pytest.raises(ValueError, match="expected network b with the leaves that groups were read off"):
        kinship.by_inner_products(drawn(shapes), {"other": np.ones((2, 2))}, groups)
