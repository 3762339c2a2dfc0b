"""Every layer of a hybrid is its own parent's, bit for bit, and fine-tuning goes on from there."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lineage_jax import models, population
from lineage_jax.population import TrainingSettings
from lineage_jax.typing import Networks

CHILD = models.fc(5, widths=(64,))
STILL = TrainingSettings(steps=100, learning_rate=1e-30)
"""Moves no float32 weight."""


@pytest.fixture(scope="module")
def nested():
    """Three networks with blocks, an array without a module and batch statistics."""
    numbers = np.random.default_rng(0)
    draw = lambda *shape: jnp.asarray(numbers.normal(size=shape), jnp.float32)
    blocks = lambda: {"0": {"fc": {"kernel": draw(3, 2)}}, "1": {"fc": {"kernel": draw(3, 2)}}}
    params = lambda: {"cls_token": draw(4), "blocks": blocks(), "head": {"bias": draw(2)}}
    statistics = lambda: {"blocks": {"1": {"bn": {"mean": draw(2)}}}}
    return Networks.stack({name: {"params": params(), "batch_stats": statistics()} for name in "abc"})


def test_every_layer_is_its_own_parents_and_the_rest_is_left_out(nested):
    origins = {
        "x": {"cls_token": "c", "blocks/0": "a", "blocks/1": "b"},
        "y": {"cls_token": "a", "blocks/0": "a", "blocks/1": "c"},
    }
    mixed = population.hybrids(nested, origins)
    assert mixed.names == ("x", "y")
    for name, origin in origins.items():
        params, statistics = mixed[name]["params"], mixed[name]["batch_stats"]
        assert params.keys() == {"cls_token", "blocks"}
        np.testing.assert_array_equal(params["cls_token"], nested[origin["cls_token"]]["params"]["cls_token"])
        for block in "01":
            parent = nested[origin[f"blocks/{block}"]]
            jax.tree.map(np.testing.assert_array_equal, params["blocks"][block], parent["params"]["blocks"][block])
        jax.tree.map(np.testing.assert_array_equal, statistics["blocks"]["1"], parent["batch_stats"]["blocks"]["1"])


def test_a_hybrid_of_one_parent_is_that_parents_body(parents):
    same = population.hybrids(parents, {name: {"fc1": name} for name in parents.names})
    assert same.names == parents.names
    jax.tree.map(np.testing.assert_array_equal, same.variables["params"]["fc1"], parents.variables["params"]["fc1"])


def test_children_start_from_their_hybrid_and_learn(parents, odd_digits):
    mixed = population.hybrids(parents, population.random_origins(("fc1",), parents.names, count=4, seed=0))
    words = {"children_per_parent": 1, "seed": 0}
    start, truth = population.finetune(mixed, CHILD, odd_digits[0], training=STILL, **words)
    assert truth == {f"child-0{index}": f"hybrid-0{index}" for index in range(4)}
    jax.tree.map(np.testing.assert_array_equal, start.variables["params"]["fc1"], mixed.variables["params"]["fc1"])
    end, _ = population.finetune(mixed, CHILD, odd_digits[0], training=TrainingSettings(steps=100), **words)
    assert (end.accuracy > 0.95).all()


def test_a_layer_without_an_origin_that_is_not_the_head_is_noticed_when_children_are_made(parents, odd_digits):
    mixed = population.hybrids(parents, {"x": {"fc1/kernel": "parent-0"}})
    with pytest.raises(ValueError, match=r"child's body: \(64,\) at 'params/fc1/bias', got nothing"):
        population.finetune(mixed, CHILD, odd_digits[0], children_per_parent=1, seed=0, training=STILL)


def test_random_origins_follow_from_their_seed_and_use_every_parent():
    draw = lambda seed: population.random_origins(("fc1", "fc2"), "abc", count=300, seed=seed)
    origins = draw(0)
    assert origins == draw(0) != draw(1)
    assert next(iter(origins)) == "hybrid-000"
    pairs = [(origin["fc1"], origin["fc2"]) for origin in origins.values()]
    shares = np.unique(pairs, axis=0, return_counts=True)[1] / 300
    assert len(shares) == 9
    assert shares.min() > 1 / 9 - 4 * np.sqrt(1 / 9 * 8 / 9 / 300)  # four standard deviations of independent draws


@pytest.mark.parametrize(
    ("origins", "message"),
    [
        ({}, "at least one hybrid, got none"),
        ({"x": {"blocks/0": "a"}, "y": {"blocks/1": "a"}}, "layers blocks/0 in every hybrid, got blocks/1 in 'y'"),
        ({"x": {"blocks/7": "a"}}, "layers of the parents, got 'blocks/7'"),
        ({"x": {"block": "a"}}, "layers of the parents, got 'block'"),
        ({"x": {"blocks": "a", "blocks/0": "b"}}, "each array, got both 'blocks' and 'blocks/0'"),
        ({"x": {"blocks": "z"}}, "parents out of a, b, c in 'x', got 'z'"),
    ],
)
def test_origins_that_do_not_fit_are_refused(nested, origins, message):
    with pytest.raises(ValueError, match=message):
        population.hybrids(nested, origins)


def test_nothing_to_draw_from_is_refused():
    with pytest.raises(ValueError, match="expected layers, parents and hybrids, got 1, 0 and 3 of them"):
        population.random_origins(("fc1",), (), count=3, seed=0)
