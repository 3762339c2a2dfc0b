"""Weight-space baselines."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lineage_jax import lineage


def network(key, scale=1.0):
    keys = jax.random.split(key, 3)
    return {
        "params": {
            "fc1": {"kernel": scale * jax.random.normal(keys[0], (5, 4)), "bias": jax.random.normal(keys[1], (4,))},
            "fc2": {"kernel": jax.random.normal(keys[2], (4, 2))},
        }
    }


def flat(tree):
    return np.concatenate([np.asarray(leaf, np.float64).ravel() for leaf in jax.tree.leaves(tree)])


def test_whole_and_per_layer_scores_equal_those_of_flattened_weights(key):
    parents = {str(i): network(jax.random.fold_in(key, i)) for i in range(2)}
    children = {str(i): network(jax.random.fold_in(key, 10 + i)) for i in range(3)}
    scores = lineage.weight_scores(parents, children)
    assert scores.layer.values.tolist() == ["all", "fc1", "fc2"]
    for layer, part in (
        ("all", lambda n: n),
        ("fc1", lambda n: n["params"]["fc1"]),
        ("fc2", lambda n: n["params"]["fc2"]),
    ):
        a, b = flat(part(parents["1"])), flat(part(children["2"]))
        ours = scores.sel(parent="1", child="2", layer=layer)
        np.testing.assert_allclose(ours.sel(measure="weight_l2"), -np.linalg.norm(a - b), rtol=1e-6)
        expected = a @ b / np.linalg.norm(a) / np.linalg.norm(b)
        np.testing.assert_allclose(ours.sel(measure="weight_cosine"), expected, rtol=1e-5)  # float32 sums


def test_a_network_is_its_own_nearest_parent(key):
    parents = {str(i): network(jax.random.fold_in(key, i)) for i in range(3)}
    scores = lineage.weight_scores(parents, parents).sel(layer="all")
    assert lineage.decide(scores).prediction.sel(measure="weight_l2").values.tolist() == ["0", "1", "2"]
    np.testing.assert_array_equal(np.diag(scores.sel(measure="weight_l2")), 0.0)
    np.testing.assert_allclose(np.diag(scores.sel(measure="weight_cosine")), 1.0, rtol=1e-6)


def test_near_copies_keep_their_accuracy():
    """|p|^2 + |c|^2 - 2 p c would lose a distance of 1e-3 between weights of norm 1e3 in float32."""
    parent = {"w": jnp.full(100, 100.0)}
    child = {"w": parent["w"] + 2.0**-13}
    distance = -lineage.weight_scores({"p": parent}, {"c": child}).sel(layer="all", measure="weight_l2").item()
    np.testing.assert_allclose(distance, 10 * 2.0**-13, rtol=1e-6)


def test_a_layer_of_zeros_has_cosine_zero():
    scores = lineage.weight_scores({"p": {"w": jnp.zeros(3)}}, {"c": {"w": jnp.ones(3)}})
    assert scores.sel(measure="weight_cosine", layer="all").item() == 0.0


def test_low_precision_weights_are_summed_in_float32():
    parent, child = ({"w": jnp.full(4096, value, jnp.bfloat16)} for value in (0.0, 1.0))
    distance = -lineage.weight_scores({"p": parent}, {"c": child}).sel(layer="all", measure="weight_l2").item()
    assert distance == 64.0


def test_batch_statistics_and_new_heads_take_no_part(key):
    parent, child = network(key), network(jax.random.fold_in(key, 1))
    plain = lineage.weight_scores({"p": parent}, {"c": child}).sel(layer="fc1")
    child["params"]["fc2"]["kernel"] = jnp.ones((4, 7))
    stats = {"batch_stats": {"bn": {"mean": jnp.ones(2)}}}
    scores = lineage.weight_scores(
        {"p": parent | stats}, {"c": child | {"batch_stats": {"bn": {"mean": jnp.zeros(2)}}}}
    )
    assert scores.layer.values.tolist() == ["all", "fc1"]
    np.testing.assert_array_equal(scores.sel(layer="all"), plain)


def test_networks_that_share_nothing_are_refused(key):
    with pytest.raises(ValueError, match="share no parameters of equal path and shape; the first difference is 'a'"):
        lineage.weight_scores({"p": {"a": jnp.ones(2)}}, {"c": {"b": jnp.ones(2)}})
