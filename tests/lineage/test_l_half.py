"""Distance by square roots after the best factor: on the device for many pairs, on the host for parts of networks."""

import jax
import numpy as np
import pytest

from lineage_jax import lineage


def network(seed, sizes=((300, 40), (40,), (40, 7))):
    random = np.random.default_rng(seed)
    return {
        f"layer{place}": {"kernel": random.normal(size=size).astype(np.float32)} for place, size in enumerate(sizes)
    }


def scores(parents, child, measure="weight_l_half"):
    return lineage.weight_scores(parents, {"c": child}).sel(layer="all", child="c", measure=measure)


def trained(parent, seed, *, factor=1.0, moved=0.02):
    """Moves a few weights far, a few more a little, and all by a factor."""
    random = np.random.default_rng(seed)

    def step(leaf):
        far = random.random(leaf.shape) < moved
        return np.float32(factor * leaf + far * 3 * random.normal(size=leaf.shape))

    return jax.tree.map(step, parent)


@pytest.mark.parametrize("factor", [1.0, 0.5, -3.0, 1e-20])
def test_a_multiple_of_a_copy_is_at_no_distance_and_a_stranger_at_nearly_one(factor):
    parents = {"own": network(0), "stranger": network(1)}
    child = jax.tree.map(lambda leaf: np.float32(factor) * leaf, parents["own"])
    found = scores(parents, child)
    assert found.sel(parent="own").item() >= -1e-6  # products are rounded
    assert found.sel(parent="stranger").item() < -0.9


def test_the_parent_of_which_few_weights_moved_far_is_nearer_than_what_moved_a_little_everywhere():
    parent, random = network(0), np.random.default_rng(5)
    child = trained(parent, 2, factor=0.95)
    sibling = jax.tree.map(lambda leaf: leaf + 0.1 * random.normal(size=leaf.shape).astype(np.float32), child)
    parents = {"parent": parent, "sibling": sibling}
    assert scores(parents, child).idxmax().item() == "parent"
    assert scores(parents, child, "weight_l2").idxmax().item() == "sibling"


def test_weights_that_were_pruned_say_nothing():
    parents = {"own": network(0), "stranger": network(1)}
    child = jax.tree.map(lambda leaf: leaf * (np.abs(leaf) > 1.6), parents["own"])
    assert np.mean(child["layer0"]["kernel"] == 0) > 0.85
    found = scores(parents, child)
    assert found.sel(parent="own").item() == 0.0
    assert found.sel(parent="stranger").item() < -0.6


def test_host_and_device_agree_and_so_does_a_plain_sum():
    parents, child = {str(seed): network(seed) for seed in range(3)}, trained(network(1), 3, factor=0.9)
    on_device, on_host = scores(parents, child), lineage.overlap(parents, child).overlap_l_half
    np.testing.assert_allclose(on_device, on_host, rtol=1e-4)  # a near copy's differences are float32's on the device
    shares, sizes = [], []
    for name, leaf in child.items():
        c, p = np.float64(leaf["kernel"]), np.float64(parents["1"][name]["kernel"])
        shares.append(
            min(np.sqrt(np.abs(c - s * p)).sum() for s in np.linspace(0.8, 1, 2001)) / np.sqrt(np.abs(c)).sum()
        )
        sizes.append(c.size)
    expected = -(np.average(shares, weights=sizes) ** 2)
    assert on_host.sel(parent="1").item() == pytest.approx(expected, abs=2e-3)  # factors are 1e-4 apart


def test_what_a_parent_lacks_is_at_distance_one():
    child = network(0)
    half = {"layer0": child["layer0"]}
    counts = {name: leaf["kernel"].size for name, leaf in child.items()}
    missing = 1 - counts["layer0"] / sum(counts.values())
    found = lineage.overlap({"half": half, "none": {"other": {"kernel": np.ones((5, 6))}}}, child).overlap_l_half
    np.testing.assert_allclose(found, [-(missing**2), -1], rtol=1e-6)


def test_layers_of_zeros_are_left_out_and_a_child_of_zeros_is_like_nobody():
    parent = network(0)
    child = parent | {"layer1": {"kernel": np.zeros_like(parent["layer1"]["kernel"])}}
    found = lineage.weight_scores({"p": parent}, {"c": child, "zeros": jax.tree.map(np.zeros_like, child)})
    found = found.sel(parent="p", measure="weight_l_half")
    assert found.sel(child="c", layer="all").item() == 0.0
    assert found.sel(child="c", layer="layer1").item() == -1.0
    assert found.sel(child="zeros", layer="all").item() == -1.0
