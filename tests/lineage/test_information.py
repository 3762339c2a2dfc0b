"""Information about all weights: on the device for many pairs, on the host for parts of networks."""

import jax
import numpy as np
import pytest

from lineage_jax import leaves, lineage


def network(seed, sizes=((300, 40), (40,), (40, 7))):
    random = np.random.default_rng(seed)
    return {
        f"layer{place}": {"kernel": random.normal(size=size).astype(np.float32)} for place, size in enumerate(sizes)
    }


def scores(parents, child, measure="weight_information"):
    return lineage.weight_scores(parents, {"c": child}).sel(layer="all", child="c", measure=measure)


def trained(parent, seed, *, factor=1.0, moved=0.02):
    """Moves a few weights far, a few more a little, and all by a factor."""
    random = np.random.default_rng(seed)

    def step(leaf):
        far = random.random(leaf.shape) < moved
        return np.float32(factor * leaf + far * 3 * random.normal(size=leaf.shape))

    return jax.tree.map(step, parent)


@pytest.mark.parametrize("factor", [1.0, 0.5, -3.0, 1e-20])
def test_a_multiple_of_a_copy_saves_20_bits_a_weight_and_a_stranger_nearly_none(factor):
    parents = {"own": network(0), "stranger": network(1)}
    child = jax.tree.map(lambda leaf: np.float32(factor) * leaf, parents["own"])
    found = scores(parents, child)
    assert found.sel(parent="own").item() > 20
    assert 0 <= found.sel(parent="stranger").item() < 0.1


def test_the_parent_of_which_few_weights_moved_far_is_nearer_than_what_moved_a_little_everywhere():
    parent, random = network(0), np.random.default_rng(5)
    child = trained(parent, 2, factor=0.95)
    sibling = jax.tree.map(lambda leaf: leaf + 0.1 * random.normal(size=leaf.shape).astype(np.float32), child)
    parents = {"parent": parent, "sibling": sibling}
    assert scores(parents, child).idxmax().item() == "parent"
    assert scores(parents, child, "weight_l2").idxmax().item() == "sibling"


def test_host_and_device_agree_tensor_by_tensor():
    parents = {str(seed): network(seed, sizes=((300, 70), (40,), (40, 7), (1,))) for seed in range(3)}
    children = {
        "trained": trained(parents["1"], 3, factor=-0.9),
        "near": jax.tree.map(lambda leaf: leaf * np.float32(1 + 1e-5), parents["1"]),
        "pruned": jax.tree.map(lambda leaf: leaf * (np.abs(leaf) > 1.6), parents["1"]),
    }
    on_device = lineage.weight_scores(parents, children).sel(measure="weight_information")
    for name, child in children.items():
        for parent, theirs in parents.items():
            for layer, leaf in child.items():
                bits, _ = leaves.information(theirs[layer]["kernel"], leaf["kernel"])
                # in float32 a few logarithms fall into the next bin
                assert on_device.sel(parent=parent, child=name, layer=layer).item() == pytest.approx(bits, abs=2e-3)
        whole = lineage.overlap(parents, child).overlap_information
        np.testing.assert_allclose(on_device.sel(child=name, layer="all"), whole, atol=1e-3)


def test_what_a_parent_lacks_says_nothing_and_counts():
    child = network(0)
    half = {"layer0": child["layer0"]}
    counts = {name: leaf["kernel"].size for name, leaf in child.items()}
    bits, _ = leaves.information(child["layer0"]["kernel"], child["layer0"]["kernel"])
    found = lineage.overlap({"half": half, "none": {"other": {"kernel": np.ones((5, 6))}}}, child).overlap_information
    np.testing.assert_allclose(found, [bits * counts["layer0"] / sum(counts.values()), 0])


def test_layers_of_zeros_are_left_out_and_a_child_of_zeros_is_like_nobody():
    parent = network(0)
    child = parent | {"layer1": {"kernel": np.zeros_like(parent["layer1"]["kernel"])}}
    found = lineage.weight_scores({"p": parent}, {"c": child, "zeros": jax.tree.map(np.zeros_like, child)})
    found = found.sel(parent="p", measure="weight_information")
    assert found.sel(child="c", layer="all").item() > 20
    assert found.sel(child="c", layer="layer1").item() == 0.0
    assert found.sel(child="zeros", layer="all").item() == 0.0


def test_extreme_but_finite_scales_give_finite_bits():
    parent = network(0)
    for factor in (1e-35, 1e30):
        child = jax.tree.map(lambda leaf: np.float32(factor) * leaf, trained(parent, 1))  # noqa: B023
        plain = scores({"p": parent}, trained(parent, 1)).item()
        assert scores({"p": parent}, child).item() == pytest.approx(plain, abs=1e-2)
