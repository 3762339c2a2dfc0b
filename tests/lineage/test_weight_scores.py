"""Weight-space baselines."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lineage_jax import lineage
from lineage_jax.typing import Networks


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


def test_candidates_a_hundred_thousandth_apart_are_told_apart_by_their_cosine():
    random = np.random.default_rng(0)
    child = random.normal(size=(40, 300)).astype(np.float32)
    parents = {
        str(i): {"fc": {"w": (child + 1e-5 * i * random.normal(size=child.shape)).astype(np.float32)}} for i in range(4)
    }
    scores = lineage.weight_scores(parents, {"c": {"fc": {"w": child}}}).sel(layer="all", child="c")
    cosines = scores.sel(measure="weight_cosine").values
    units = [
        np.float64(w).ravel() / np.linalg.norm(np.float64(w))
        for w in (*(p["fc"]["w"] for p in parents.values()), child)
    ]
    expected = [np.sum((unit - units[-1]) ** 2) / 2 for unit in units[:-1]]
    # cosines of 1 - 5e-11 end at 1e-16
    np.testing.assert_allclose(1 - cosines, expected, rtol=1e-5, atol=2e-16)
    assert list(cosines) == sorted(cosines, reverse=True)


@pytest.mark.parametrize("size", [1, 255, 256, 257, 1000])
@pytest.mark.parametrize("relation", ["alike", "unlike", "opposed", "much longer"])
def test_cosines_and_distances_are_those_of_float64_whatever_the_size(size, relation):
    p, noise = np.random.default_rng(size).normal(size=(2, size)).astype(np.float32)
    c = {"alike": p + 1e-3 * noise, "unlike": noise, "opposed": -p + 0.1 * noise, "much longer": 1e6 * noise}[relation]
    scores = lineage.weight_scores({"p": {"w": p}}, {"c": {"w": c}}).sel(layer="all", parent="p", child="c")
    wide = [np.float64(x) for x in (p, c)]
    expected = wide[0] @ wide[1] / np.linalg.norm(wide[0]) / np.linalg.norm(wide[1])
    # float32 terms
    np.testing.assert_allclose(scores.sel(measure="weight_cosine"), expected, atol=2e-7)
    np.testing.assert_allclose(-scores.sel(measure="weight_l2"), np.linalg.norm(wide[0] - wide[1]), rtol=1e-6)


def test_the_cosine_is_that_of_overlap(key):
    parents, child = {str(i): network(jax.random.fold_in(key, i)) for i in range(3)}, network(key)
    parents["near"] = jax.tree.map(lambda leaf: leaf + 1e-4, child)
    ours = lineage.weight_scores(parents, {"c": child}).sel(layer="all", child="c", measure="weight_cosine")
    # float32 terms in one, float64 in the other
    np.testing.assert_allclose(ours, lineage.overlap(parents, child).overlap_cosine, atol=1e-7)


@pytest.mark.parametrize("scale", [1e-30, 1e-20, 1e20, 1e30])
def test_extreme_scales_go_unnoticed_by_the_cosine_and_by_information(scale):
    p, noise = np.random.default_rng(0).normal(size=(2, 50)).astype(np.float32)
    plain, scaled = (
        lineage.weight_scores({"p": {"w": p * factor}}, {"c": {"w": (p + noise) * factor}})
        .sel(layer="all")
        .values.ravel()
        for factor in (np.float32(1), np.float32(scale))
    )
    np.testing.assert_allclose(scaled[:2], plain[:2] * [scale, 1], rtol=1e-6)  # float32 terms
    np.testing.assert_allclose(scaled[2], plain[2], atol=1e-5)  # the difference of two entropies of some bits, float32


def test_complex_weights_are_compared_by_both_parts():
    p, c = np.complex64([1 + 2j, 3j]), np.complex64([2 + 2j, 1 + 3j])
    scores = lineage.weight_scores({"p": {"w": p}}, {"c": {"w": c}}).sel(layer="all", parent="p", child="c")
    scores = scores.sel(measure=["weight_l2", "weight_cosine"])
    np.testing.assert_allclose(scores, [-np.sqrt(2), 15 / np.sqrt(14 * 18)], rtol=1e-6)  # float32 terms


def test_weights_that_are_no_numbers_are_refused_by_name(key):
    good, bad = network(key), network(key)
    bad["params"]["fc1"]["bias"] = bad["params"]["fc1"]["bias"].at[1].set(jnp.nan)
    for parents, children, whose in (
        ({"p": good, "q": bad}, {"c": good}, "parent 'q'"),
        ({"p": good}, {"c": bad}, "child 'c'"),
    ):
        with pytest.raises(ValueError, match=f"of {whose} 1 of 4 values of 'params/fc1/bias' is NaN or infinite"):
            lineage.weight_scores(parents, children)
        with pytest.raises(ValueError, match=f"of {whose} 1 of 4 values"):
            lineage.weight_scores(Networks.stack(parents), Networks.stack(children))


@pytest.mark.parametrize("name", ["params/all/kernel", "all/kernel", "all"])
def test_a_layer_called_all_is_another_row_than_all_layers(name):
    def tree(value, other):
        variables = {"params": {"fc": {"kernel": np.full(1, other, np.float32)}}}
        *modules, leaf = name.split("/")
        at = variables
        for module in modules:
            at = at.setdefault(module, {})
        at[leaf] = np.full(1, value, np.float32)
        return variables

    scores = lineage.weight_scores({"p": tree(0, 0)}, {"c": tree(3, 4)}).sel(measure="weight_l2", parent="p", child="c")
    assert {layer: scores.sel(layer=layer).item() for layer in scores.layer.values} == {"all": -5, "all/": -3, "fc": -4}


def test_layers_of_one_name_in_and_outside_params_stay_apart():
    parent = {"params": {"fc": {"w": np.zeros(1)}}, "fc": {"w": np.zeros(1)}}
    child = {"params": {"fc": {"w": np.full(1, 3.0)}}, "fc": {"w": np.full(1, 4.0)}}
    scores = lineage.weight_scores({"p": parent}, {"c": child}).sel(measure="weight_l2", parent="p", child="c")
    assert {layer: scores.sel(layer=layer).item() for layer in scores.layer.values} == {
        "all": -5,
        "fc": -4,
        "params/fc": -3,
    }


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


def test_each_network_of_a_mapping_is_read_once():
    class Counting(dict):
        def __getitem__(self, name):
            reads.append(name)
            return super().__getitem__(name)

    reads = []
    tree = {"fc": {"kernel": np.ones((2, 2), np.float32)}}
    lineage.weight_scores(Counting(a=tree, b=tree), Counting(c=tree))
    assert reads == ["a", "c", "b"]  # one of each side first: they show what is shared
