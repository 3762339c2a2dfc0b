"""Kinship shows after laundering, and strangers stay strangers, small and sparse ones too."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lineage_jax import kinship, symmetry
from lineage_jax.kinship import _matched
from lineage_jax.kinship._agreements import ENOUGH_LAYERS

WIDTH, DEPTH = 24, 10


def fully_connected(variables, x):
    count = len(variables)
    for number in range(count - 1):
        x = jax.nn.relu(x @ variables[f"fc{number}"]["kernel"])
    return x @ variables[f"fc{count - 1}"]["kernel"]


def drawn(rng, depth=DEPTH, width=WIDTH):
    sizes = [9, *(width for _ in range(depth)), 3]
    kernels = [rng.normal(size=shape).astype(np.float32) for shape in itertools.pairwise(sizes)]
    return {f"fc{number}": {"kernel": kernel} for number, kernel in enumerate(kernels)}


def child_of(network, rng, noise):
    return jax.tree.map(lambda leaf: leaf + noise * rng.normal(size=leaf.shape).astype(np.float32), network)


def laundered(network, groups, seed=0):
    return symmetry.apply(network, groups, symmetry.random(jax.random.key(seed), groups))


@pytest.fixture(scope="module")
def groups():
    return symmetry.groups(fully_connected, drawn(np.random.default_rng(0)), jnp.ones((1, 9)))


def test_a_laundered_child_is_found_as_if_it_were_not_laundered(groups):
    rng = np.random.default_rng(1)
    parent = drawn(rng)
    child = child_of(parent, rng, 0.7)  # cosine .82
    plain, found = (kinship.matched(parent, each, groups) for each in (child, laundered(child, groups)))
    assert found.kind == "matched"
    assert found.p < 1e-50
    assert len(found.layers) == DEPTH - 1
    np.testing.assert_allclose(found.statistic, plain.statistic, rtol=0.02)
    assert max(found.by_layer().values()) < 1e-6
    assert found.left_out.keys() == {"fc0/kernel", f"fc{DEPTH}/kernel"}
    judged = (DEPTH - 1) * WIDTH**2
    assert found.share == pytest.approx(judged / (judged + 12 * WIDTH))


def test_p_values_of_strangers_are_no_smaller_than_they_should_be(groups):
    rng = np.random.default_rng(2)
    p = np.array([kinship.matched(drawn(rng), drawn(rng), groups).p for _ in range(60)])
    # agreements have mean 1, `BY_CHANCE` says 1.3: conservative. Of 60 pairs 3 are expected below .05 at most
    assert (p < 0.05).sum() <= 3
    assert p.min() > 1e-3
    assert p.mean() > 0.5


def test_few_layers_count_only_where_most_units_agree():
    rng = np.random.default_rng(3)
    parent = drawn(rng, depth=3, width=40)
    groups = symmetry.groups(fully_connected, parent, jnp.ones((1, 9)))
    near, far = (child_of(parent, rng, noise) | {"fc0": parent["fc0"]} for noise in (0.5, 1.8))
    near, far = (kinship.matched(parent, each, groups) for each in (near, far))
    assert near.p < 1e-50
    assert far.statistic > 8  # convergence alone takes small robust networks as far
    assert far.p == 1


def test_dead_and_pruned_units_agree_no_more_often_than_others(groups):
    rng = np.random.default_rng(4)

    def pruned(network):
        dead = {name: {"kernel": layer["kernel"].copy()} for name, layer in network.items()}
        for layer in dead.values():
            layer["kernel"][:, WIDTH // 2 :] = 0  # the same half of all units
        return dead

    p = [kinship.matched(pruned(drawn(rng)), pruned(drawn(rng)), groups).p for _ in range(12)]
    assert min(p) > 0.001
    network = drawn(rng)
    empty = jax.tree.map(np.zeros_like, network)
    assert kinship.matched(network, empty, groups).statistic == 0


def test_files_without_a_program_are_matched_by_order():
    rng = np.random.default_rng(5)
    parent = drawn(rng)
    leaves = {f"{name}/kernel": layer["kernel"] for name, layer in parent.items()}
    groups = symmetry.groups_by_order(leaves)
    child = {path: leaf + 0.5 * rng.normal(size=leaf.shape).astype(np.float32) for path, leaf in leaves.items()}
    orders = {number: rng.permutation(family.size) for number, family in enumerate(groups.families)}
    assert kinship.matched(leaves, symmetry.permute(child, groups, orders), groups).p < 1e-50
    stranger = {f"{name}/kernel": layer["kernel"] for name, layer in drawn(rng).items()}
    assert kinship.matched(leaves, stranger, groups).p > 0.01


def test_heads_and_backbones_of_other_shapes_are_left_out_and_named(groups):
    rng = np.random.default_rng(6)
    parent = drawn(rng)
    child = laundered(child_of(parent, rng, 0.5), groups)
    other_head = parent | {f"fc{DEPTH}": {"kernel": np.ones((WIDTH, 7), np.float32)}}
    inside = {"backbone": {name: layer for name, layer in parent.items() if name != f"fc{DEPTH}"}}
    for candidate in (other_head, inside):
        found = kinship.matched(candidate, child, groups)
        assert found.p < 1e-50
        assert found.left_out[f"fc{DEPTH}/kernel"] == "network a has no kernel of this name and shape"


def test_unlike_and_broken_networks_are_refused(groups):
    network = drawn(np.random.default_rng(7))
    with pytest.raises(ValueError, match="expected a leaf that is compared"):
        kinship.matched({"other": np.ones((2, 2))}, network, groups)
    broken = network | {"fc3": {"kernel": np.full((WIDTH, WIDTH), np.nan, np.float32)}}
    with pytest.raises(ValueError, match="expected finite weights in network b, got NaN or infinity at 'fc3/kernel'"):
        kinship.matched(network, broken, groups)


def test_whether_a_level_is_reached_is_known_after_the_first_layers(groups, monkeypatch):
    looked_at = []
    judged = _matched._judged
    monkeypatch.setattr(_matched, "_judged", lambda halves: looked_at.append(halves.paths) or judged(halves))
    rng = np.random.default_rng(5)
    parent = drawn(rng)
    for child, related in ((child_of(parent, rng, 0.7), True), (drawn(rng), False)):
        assert kinship.is_matched(parent, child, groups, level=1e-6) == related
        assert len(looked_at) == ENOUGH_LAYERS
        looked_at.clear()
        assert (kinship.matched(parent, child, groups).p <= 1e-6) == related
        assert len(looked_at) == DEPTH - 1
        looked_at.clear()


def test_few_layers_that_reach_a_level_do_not_say_so_unless_most_units_agree():
    rng = np.random.default_rng(3)
    parent = drawn(rng, depth=3, width=40)
    groups = symmetry.groups(fully_connected, parent, jnp.ones((1, 9)))
    near, far = (child_of(parent, rng, noise) | {"fc0": parent["fc0"]} for noise in (0.5, 1.8))
    found = [kinship.is_matched(parent, each, groups, level=1e-6) for each in (near, far)]
    assert found == [kinship.matched(parent, each, groups).p <= 1e-6 for each in (near, far)] == [True, False]
