"""Which weights stand against which: buffers, stacked layers, layouts, several networks in one tree."""

import itertools

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from flax.training import train_state

from lineage_jax import lineage


def normal(seed, *shape):
    return np.random.default_rng(seed).normal(size=shape)


def network(seed):
    return {"conv": {"kernel": normal(seed, 3, 3, 8, 16)}, "fc": {"kernel": normal(seed + 100, 24, 24)}}


def near(tree, seed, spread=0.3):
    return jax.tree.map(lambda leaf: leaf + spread * normal(seed, *leaf.shape), tree)


def both(parent, child):
    return lineage.overlap({"parent": parent}, child).isel(parent=0)


def test_a_mean_that_strangers_share_is_no_kinship():
    shared = 0.4 * normal(0, 64, 1)
    strangers = [{"fc": {"kernel": normal(seed, 64, 256) + shared}} for seed in (1, 2)]
    shuffled = {"fc": {"kernel": strangers[0]["fc"]["kernel"][:, ::-1]}}
    for parent in (strangers[0], shuffled):
        found = both(parent, strangers[1])
        assert found.kernel_cosine > 0.1
        assert abs(found.centred_kernel_cosine) < 4 / np.sqrt(64 * 256)
    child = {"fc": {"kernel": strangers[0]["fc"]["kernel"] + normal(3, 64, 256)}}
    kernel = lambda tree: tree["fc"]["kernel"] - tree["fc"]["kernel"].mean(axis=1, keepdims=True)
    p, c = kernel(strangers[0]), kernel(child)
    expected = np.sum(p * c) / np.linalg.norm(p) / np.linalg.norm(c)
    np.testing.assert_allclose(both(strangers[0], child).centred_kernel_cosine, expected, rtol=1e-12)


def test_a_kernel_of_one_output_is_nothing_but_its_mean_and_is_not_counted_as_compared():
    regression = {"fc": {"kernel": normal(0, 64, 1), "bias": np.ones(1)}}
    found = both(regression, regression)
    assert (found.centred_kernel_cosine, found.compared, found.tensors) == (0, 0, 2)
    pair = {"fc": {"kernel": normal(0, 64, 2)}}
    assert both(pair, pair).centred_kernel_cosine.item() == pytest.approx(1)
    body = {**network(0), "head": {"kernel": normal(1, 64, 1)}}
    assert both({"head": body["head"]}, body).compared == 0
    assert both(body, body).compared == 1


def test_depthwise_kernels_lose_the_filter_that_all_channels_have_in_common():
    blur = np.outer([1, 2, 1], [1, 2, 1])[:, :, None, None]
    strangers = [{"depthwise": {"kernel": blur + normal(seed, 3, 3, 1, 512)}} for seed in (0, 1)]
    found = both(*strangers)
    assert found.kernel_cosine > 0.5
    assert abs(found.centred_kernel_cosine) < 4 / np.sqrt(9 * 512)


def test_the_share_that_was_compared_is_that_of_the_childs_kernels():
    child = {"params": {**network(0), "norm": {"scale": np.ones(16), "bias": np.zeros(16)}}}
    head_only = {"params": {"fc": child["params"]["fc"]}}
    found = lineage.overlap({"head": head_only, "norm": {"norm": child["params"]["norm"]}, "all": child}, child)
    np.testing.assert_allclose(found.compared, [576 / (576 + 1152), 0, 1])


@pytest.mark.parametrize(
    ("name", "table"),
    {
        "grid": np.tile(np.linspace(-1, 1, 12, dtype=np.float32), (24, 1)),
        "queue": normal(5, 128, 64),
        "position_ids": np.arange(48.0).reshape(1, 48),
        "pos_table": np.concatenate(
            [f(np.arange(32)[:, None] / 50 ** (np.arange(8) / 8)) for f in (np.sin, np.cos)], 1
        ),
        "tril": np.tril(np.ones((16, 16), np.float32)),
        "running_var": normal(6, 16),
        "num_batches_tracked": np.float32(3),
        "knots": np.cumsum(np.abs(normal(8, 24, 12)), axis=1),
    }.items(),
)
def test_buffers_are_no_weights(name, table):
    strangers = [{**network(seed), "layer": {name: table}} for seed in (0, 1)]
    found = lineage.overlap({"stranger": strangers[1], "bare": network(1)}, strangers[0])
    assert found.attrs["tensors"] == 2
    assert np.abs(found.centred_kernel_cosine).max() < 0.1
    assert found.compared.values.tolist() == [1, 1]
    assert found["identical"].values.tolist() == [0, 0]


def test_learned_arrays_under_names_of_their_own_stay_weights():
    learned = {"hash_grid": normal(0, 16, 8), "grid": normal(1, 16, 8), "w": np.arange(32.0).reshape(4, 8)}
    found = both(learned, learned)
    assert found.tensors == 3
    assert found.centred_kernel_cosine.item() == pytest.approx(1)


def test_stacked_scales_and_tables_of_positions_are_no_kernels():
    def scanned(seed):
        rng = np.random.default_rng(seed)
        per_layer = np.linspace(1, 3, 12)[:, None]
        norm = {"scale": per_layer + 0.1 * rng.normal(size=(12, 32)), "bias": per_layer * rng.normal(size=(12, 32))}
        return {
            "layers": {
                "fc": {"kernel": 0.05 * rng.normal(size=(12, 32, 32)), "bias": per_layer * np.ones((12, 32))},
                "norm": norm,
                "layernorm": {"weight": norm["scale"]},
                "rms": {"weight": norm["scale"]},
                "layer_scale": {"gamma": norm["scale"]},
            },
            "pos_embed": np.sin(np.arange(16))[:, None] + 0.1 * rng.normal(size=(1, 16, 32)),
            "cls_token": np.ones((1, 1, 32)),
            "position_embeddings": {"embedding": np.sin(np.arange(16))[:, None] + 0.1 * rng.normal(size=(16, 32))},
        }

    child = scanned(1)
    found = lineage.overlap({"stranger": scanned(0), "own": scanned(1)}, child)
    assert abs(found.kernel_cosine.sel(parent="stranger")) < 4 / np.sqrt(12 * 32 * 32)
    assert abs(found.centred_kernel_cosine.sel(parent="stranger")) < 4 / np.sqrt(12 * 32 * 32)
    assert found.overlap_cosine.sel(parent="stranger") > 0.5
    assert found.centred_kernel_cosine.sel(parent="own").item() == pytest.approx(1)


def test_moments_of_a_training_state_are_no_weights_and_boxes_are_opened():
    module = nn.Dense(8, kernel_init=nn.with_partitioning(nn.initializers.normal(1.0), (None, "model")))
    boxed = module.init(jax.random.key(0), jnp.ones((1, 16)))
    state = train_state.TrainState.create(apply_fn=module.apply, params=boxed["params"], tx=optax.adam(1e-3))
    plain = {"params": nn.unbox(boxed["params"])}
    for child, parent in itertools.permutations([boxed, state, plain, {"params": {"params": plain["params"]}}], 2):
        found = lineage.overlap({"a": parent}, child)
        assert found.attrs == {"tensors": 2, "parameters": 16 * 8 + 8}
        assert found.tensors.item() == 2
        assert found.centred_kernel_cosine.item() == pytest.approx(1)


LAYOUTS = {
    "dense transposed": ("fc", lambda k: k.T),
    "flipped": ("conv", lambda k: k[::-1, ::-1]),
    "space transposed": ("conv", lambda k: k.transpose(1, 0, 2, 3)),
    "output first": ("conv", lambda k: k.transpose(3, 2, 0, 1)),
    "in and out swapped": ("conv", lambda k: k.transpose(0, 1, 3, 2)),
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_kernel_in_another_layout_is_brought_to_the_childs(layout):
    layer, change = LAYOUTS[layout]
    child = network(0)
    parent = {**near(child, 7), layer: {"kernel": change(near(child, 7)[layer]["kernel"])}}
    plain, found = both(near(child, 7), child), both(parent, child)
    np.testing.assert_allclose(found.centred_kernel_cosine, plain.centred_kernel_cosine, rtol=1e-12)
    assert (found.turned, found.compared, plain.turned) == (1, 1, 0)
    stranger = {**network(1), layer: {"kernel": change(network(1)[layer]["kernel"])}}
    assert both(stranger, child).turned == 0


def test_colours_the_other_way_round_are_turned_back():
    child = {"stem": {"kernel": normal(0, 7, 7, 3, 32)}}
    found = both({"stem": {"kernel": child["stem"]["kernel"][:, :, ::-1]}}, child)
    assert (found.centred_kernel_cosine.item(), found.turned, found["identical"]) == (pytest.approx(1), 1, 1)


def test_a_weight_of_another_framework_lies_output_first():
    child = network(0)
    torch = {
        "conv": {"weight": child["conv"]["kernel"].transpose(3, 2, 0, 1)},
        "fc": {"weight": child["fc"]["kernel"].T},
    }
    found = both(torch, child)
    assert found.centred_kernel_cosine.item() == pytest.approx(1)
    assert (found["identical"], found.turned) == (2, 0)


def test_the_best_of_all_layouts_raises_no_stranger():
    child = {f"conv{i}": {"kernel": normal(i, 3, 3, 3, 4)} for i in range(40)}
    parents = {
        str(seed): {f"conv{i}": {"kernel": normal(1000 * seed + i, 3, 3, 3, 4)} for i in range(40)} for seed in (1, 2)
    }
    found = lineage.overlap(parents, child)
    assert found.turned.values.tolist() == [0, 0]
    assert np.abs(found.centred_kernel_cosine).max() < 4 / np.sqrt(40 * 108)


def test_of_two_networks_in_one_tree_the_one_that_is_most_alike_is_compared():
    child = network(0)
    for own, other in (("student", "teacher"), ("teacher", "student"), ("online", "ema"), ("target", "online")):
        found = both({other: network(1), own: near(child, 2)}, child)
        assert found.parent_module.item() == own
        assert found.centred_kernel_cosine > 0.9
        found = both(near(child, 2), {other: network(1), own: child})
        assert found.child_module.item() == own
        swapped = both({own: near(child, 2)}, {other: child, own: network(1)})
        assert (swapped.parent_module.item(), swapped.child_module.item()) == (own, other)


def test_a_head_beside_one_of_two_networks_does_not_decide():
    child = {**network(0), "head": {"kernel": normal(3, 8, 8)}}
    found = both(
        {"student": {**network(1), "head": {"kernel": normal(4, 8, 8)}}, "teacher": near(network(0), 2)}, child
    )
    assert found.parent_module.item() == "teacher"


def test_tensors_that_are_equal_bit_for_bit_are_counted_but_not_constant_ones():
    child = {**network(0), "norm": {"scale": np.ones(16), "bias": np.zeros(16)}}
    half = {**near(network(0), 1), "fc": child["fc"], "norm": child["norm"]}
    found = lineage.overlap({"half": half, "copy": child, "stranger": {**network(5), "norm": child["norm"]}}, child)
    assert found["identical"].values.tolist() == [1, 2, 0]


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_weights_that_are_no_numbers_are_refused_and_named(value):
    broken = {**network(0), "fc": {"kernel": np.where(np.eye(24) > 0, value, 1.0)}}
    message = r"of {} 24 of 576 values of 'fc/kernel' are NaN or infinite"
    with pytest.raises(ValueError, match=message.format("parent 'b'")):
        lineage.overlap({"a": network(1), "b": broken}, network(0))
    with pytest.raises(ValueError, match=message.format("the child")):
        lineage.overlap({"a": network(1)}, broken)
    statistics = {"params": network(0), "batch_stats": {"mean": np.full(3, value)}}
    assert both(statistics, network(0)).centred_kernel_cosine.item() == pytest.approx(1)
