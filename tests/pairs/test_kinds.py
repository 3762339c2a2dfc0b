"""Networks of several kinds: what they share is compared, in whatever order they come, and what is left out is said."""

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lineage_jax import lineage, linearize, models, similarity
from lineage_jax.typing import Networks

MEASURES = {"l1": similarity.l1}


def features(params, x):
    return jnp.tanh(jnp.tanh(x @ params["a"]) @ params["b"])


def network(seed, *, dtype=np.float32, **more):
    numbers = np.random.default_rng(seed)
    return {name: numbers.normal(size=(4, 4)).astype(dtype) for name in "ab"} | more


PROBES = np.random.default_rng(9).normal(size=(6, 4)).astype(np.float32)


def score(parents, children, feature_fn=features, **options):
    return lineage.score(feature_fn, parents, children, PROBES, **({"measures": MEASURES, "alphas": (0.5,)} | options))


def oracle(parent, child, *, alpha=0.5):
    """Direct and exact l1 in float64; the tangent by central differences."""
    first, second = ({name: np.asarray(one[name]).astype(np.float64) for name in "ab"} for one in (parent, child))

    def at(t):
        a, b = (first[name] + t * (second[name] - first[name]) for name in "ab")
        return np.tanh(np.tanh(PROBES.astype(np.float64) @ a) @ b)

    tangent = (at(1e-5) - at(-1e-5)) / 2e-5
    return [-np.abs(at(0) - at(1)).mean(), -np.abs(at(0) + alpha * tangent - at(1)).mean()]


def test_leaves_that_some_networks_lack_are_held_and_listed_in_whatever_order_they_come():
    plain, adapted = network(0), network(1, lora={"down": np.ones((4, 2), np.float32)})
    child = network(2, head=np.ones((4, 7), np.float32))
    one = score({"plain": plain, "adapted": adapted}, {"c": child})
    other = score({"adapted": adapted, "plain": plain}, {"c": child})
    assert sorted(one.not_shared) == sorted(other.not_shared) == ["head", "lora/down"]
    np.testing.assert_allclose(one, other.sel(parent=one.parent), rtol=1e-6)
    for name, parent in {"plain": plain, "adapted": adapted}.items():
        expected = oracle(parent, child)
        # float32 against float64
        np.testing.assert_allclose(one.sel(parent=name, form=["direct", "exact"]).values.ravel(), expected, rtol=1e-4)
    assert score({"p": plain}, {"c": plain}).not_shared == []


@pytest.mark.parametrize("turned", [False, True])
def test_a_layer_that_depends_on_what_some_networks_lack_is_refused_in_whatever_order_they_come(turned):
    def adapted_features(params, x):
        return {"first": jnp.tanh(x @ params["a"]), "last": jax.nn.relu(x @ params["a"] @ params["lora"])}

    both = {"plain": network(0), "adapted": network(1, lora=np.ones((4, 2), np.float32))}
    parents = dict(reversed(both.items())) if turned else both
    with pytest.raises(ValueError, match=r"layer 'last' depends on .*'lora' is .*absent in parent 'plain'"):
        score(parents, {"c": network(2)}, adapted_features)
    first = score(parents, {"c": network(2)}, lambda params, x: {"first": adapted_features(params, x)["first"]})
    assert first.layer.values.tolist() == ["first"]


def test_missing_heads_do_not_trip_the_search_for_nan():
    with jax.debug_nans(True):
        scores = score({"p": network(0)}, {"c": network(1, head=np.ones((4, 7), np.float32))})
    assert np.isfinite(scores).all()


@pytest.mark.parametrize("dtype", [jnp.bfloat16, np.float16])
@pytest.mark.parametrize("low", ["first parent", "second parent", "child"])
def test_precisions_meet_in_the_one_that_holds_all(dtype, low):
    parents = {
        name: network(i, dtype=dtype if low == name else np.float32)
        for i, name in enumerate(("first parent", "second parent"))
    }
    child = network(2, dtype=dtype if low == "child" else np.float32)
    scores = score(parents, {"child": child})
    for name, parent in parents.items():
        np.testing.assert_allclose(
            scores.sel(parent=name, form=["direct", "exact"]).values.ravel(), oracle(parent, child), rtol=1e-4
        )


def test_weights_in_eight_bits_are_widened_and_quantised_ones_refused():
    narrow = {name: jnp.asarray(leaf, jnp.float8_e4m3fn) for name, leaf in network(0).items()}
    scores = score({"p": narrow}, {"c": network(1)})
    expected = oracle({name: leaf.astype(np.float32) for name, leaf in narrow.items()}, network(1))
    np.testing.assert_allclose(scores.sel(form=["direct", "exact"]).values.ravel(), expected, rtol=1e-4)
    whole = {name: (10 * leaf).astype(np.int8) for name, leaf in network(0).items()}
    with pytest.raises(ValueError, match=r"numbers of one sort at 'a', got int8 in parent 'p', float32 in child 'c'"):
        score({"p": whole}, {"c": network(1)})
    mixed = [network(seed) | {"a": whole["a"] + seed} for seed in (0, 1)]
    with pytest.raises(ValueError, match=r"integers at 'a' to be equal in all networks.*child 'c' differ from .*'p'"):
        score({"p": mixed[0]}, {"c": mixed[1]})


def test_integers_ride_along_where_they_are_equal_or_held_or_nothing_depends_on_them():
    def gathered(params, x):
        return features(params, x)[:, params["order"]]

    order = np.array([2, 0, 1, 3])
    ours, theirs = network(0, order=order, steps=np.int32(7)), network(1, order=order, steps=np.int32(9))
    permuted = score({"p": ours}, {"c": theirs}, gathered)
    np.testing.assert_allclose(permuted, score({"p": network(0)}, {"c": network(1)}), rtol=1e-5)
    other = theirs | {"order": np.arange(4)}
    with pytest.raises(ValueError, match="integers at 'order'"):
        score({"p": ours}, {"c": other}, gathered)
    assert np.isfinite(score({"p": ours}, {"c": other}, gathered, held=("order",))).all()


def test_complex_weights_take_part():
    def spectral(params, x):
        return jnp.fft.irfft(jnp.fft.rfft(x, axis=1) * params["w"], n=4, axis=1) ** 2

    numbers = np.random.default_rng(0)
    parent, child = (numbers.normal(size=(3, 2)) @ np.array([1, 1j]) for _ in range(2))

    def at(t):
        filtered = np.fft.rfft(PROBES.astype(float), axis=1) * (parent + t * (child - parent))
        return np.fft.irfft(filtered, n=4, axis=1) ** 2

    tangent = (at(1e-5) - at(-1e-5)) / 2e-5
    expected = [-np.abs(at(0) - at(1)).mean(), -np.abs(at(0) + 0.5 * tangent - at(1)).mean()]
    networks = ({name: {"w": w.astype(np.complex64)}} for name, w in (("p", parent), ("c", child)))
    scores = score(*networks, spectral)
    np.testing.assert_allclose(scores.sel(form=["direct", "exact"]).values.ravel(), expected, rtol=1e-4)


def test_the_childs_own_module_with_another_head_serves_as_well():
    heads = {classes: models.fc(classes, widths=(5, 4, 3)) for classes in (2, 10)}
    inputs = jax.random.normal(jax.random.key(0), (6, 2, 2, 1))
    parents = {str(seed): heads[2].init(jax.random.key(seed), inputs) for seed in (1, 2)}
    children = {"c": heads[10].init(jax.random.key(3), inputs)}
    scores = [
        lineage.score(
            linearize.features_of(module, ("relu3",)), parents, children, inputs, measures=MEASURES, alphas=(0.5,)
        )
        for module in heads.values()
    ]
    np.testing.assert_array_equal(*scores)
    assert scores[0].not_shared == ["params/fc4/bias", "params/fc4/kernel"]


def test_weights_in_boxes_are_those_without():
    class Boxed(nn.Module):
        @nn.compact
        def __call__(self, x):
            initial = nn.with_partitioning(nn.initializers.normal(1.0), (None, "model"))
            return nn.tanh(nn.Dense(3, kernel_init=initial, name="fc")(x))

    boxed = {str(seed): Boxed().init(jax.random.key(seed), PROBES) for seed in (0, 1)}
    plain = nn.meta.unbox(boxed)
    assert isinstance(boxed["0"]["params"]["fc"]["kernel"], nn.Partitioned)
    taps = linearize.features_of(Boxed(), ("fc",))
    expected = score(plain, {"c": plain["1"]}, taps)
    for parents, child in ((boxed, boxed["1"]), (plain, boxed["1"]), (boxed, plain["1"])):
        np.testing.assert_array_equal(score(parents, {"c": child}, taps), expected)
    stacked = Networks(names=("0", "1"), variables=jax.tree.map(lambda *x: jnp.stack(x), *boxed.values()))
    np.testing.assert_array_equal(score(stacked, {"c": plain["1"]}, taps), expected)
