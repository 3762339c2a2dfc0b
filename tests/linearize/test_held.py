"""What is held is what was meant; a leaf has one path, boxed or not."""

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from flax import nnx
from flax.core import freeze

from lineage_jax import linearize
from lineage_jax.leaves import leaf_paths

PARENT = {"params": {"body": jnp.ones((3, 2)), "head": jnp.ones((2, 4))}, "batch_stats": {"mean": jnp.zeros(2)}}
CHILD = jax.tree.map(lambda leaf: leaf + 1, PARENT)
X = jnp.ones((5, 3))


def features(v, x):
    return (x @ v["params"]["body"] - v["batch_stats"]["mean"]) @ v["params"]["head"]


def train(held):
    return linearize.finetune_linearized(
        features, PARENT, X, X, loss=lambda f, y: f.sum(), optimizer=optax.sgd(0.1), steps=1, batch_size=2,
        key=jax.random.key(0), held=held,
    )  # fmt: skip


CALLS = {
    "finetuning_step": lambda held: linearize.finetuning_step(PARENT, CHILD, held=held),
    "split_moving": lambda held: linearize.split_moving(PARENT, held=held),
    "tangents": lambda held: linearize.tangents(features, PARENT, CHILD, X, held=held),
    "linearize": lambda held: linearize.linearize(features, PARENT, X, held=held)[1](CHILD),
    "predict_finetuned": lambda held: linearize.predict_finetuned(features, PARENT, CHILD, X, held=held),
    "taylor_terms": lambda held: linearize.taylor_terms(features, PARENT, CHILD, X, degree=1, held=held),
    "tangents_by_group": lambda held: linearize.tangents_by_group(features, PARENT, CHILD, X, held=held),
    "laziness": lambda held: linearize.laziness(features, PARENT, CHILD, X, held=held),
    "relative_kernel_change": lambda held: linearize.relative_kernel_change(features, PARENT, CHILD, X, held=held),
    "ntk_trace": lambda held: linearize.ntk_trace(features, PARENT, X, held=held),
    "empirical_ntk": lambda held: linearize.empirical_ntk(features, PARENT, X, held=held),
    "class_summed_ntk": lambda held: linearize.class_summed_ntk(features, PARENT, X, held=held),
    "explicit_ntk": lambda held: linearize.explicit_ntk(features, PARENT, X, held=held),
    "finetune_linearized": train,
}


@pytest.mark.parametrize("name", CALLS)
def test_a_string_and_a_misspelt_path_are_refused_everywhere(name):
    with pytest.raises(TypeError, match=r"got the string 'params/head'; write \('params/head',\)"):
        CALLS[name]("params/head")
    with pytest.raises(ValueError, match="held path 'params/haed' is in no network; near it: params/head"):
        CALLS[name]((*linearize.HELD, "params/haed"))


def test_a_stem_is_asked_for_with_a_tuple_of_paths_too():
    with pytest.raises(TypeError, match="got the string 'params'"):
        linearize.split_stem(features, PARENT, X, held="params")


def test_what_is_held_by_default_may_be_absent_and_a_path_may_be_in_one_network_alone():
    assert list(linearize.finetuning_step({"w": jnp.ones(2)}, {"w": jnp.ones(2)})) == ["w"]
    longer = {"w": jnp.ones(2), "extra": jnp.ones(3)}
    for parent, child in (({"w": jnp.ones(2)}, longer), (longer, {"w": jnp.ones(2)})):
        assert list(linearize.finetuning_step(parent, child, held=("extra",))) == ["w"]


def test_something_other_than_strings_is_refused():
    with pytest.raises(TypeError, match="expected held as a tuple of paths such as 'params/head', got 3 in it"):
        linearize.check_held(("params/head", 3))


def test_a_path_like_no_other_is_refused_with_some_there_are():
    with pytest.raises(ValueError, match="held path 'zzz' is in no network; there are: "):
        linearize.check_held(("zzz",), PARENT)
    with pytest.raises(ValueError, match="held path 'head' is in no network; near it: params/head"):
        linearize.check_held(("head",), PARENT)


def test_two_leaves_of_one_path_are_refused():
    tree = {"a/b": jnp.ones(1), "a": {"b": jnp.zeros(1)}}
    for of in (leaf_paths, linearize.split_moving):
        with pytest.raises(ValueError, match="got two at 'a/b': a key has a slash in it; rename it"):
            of(tree)
    assert list(leaf_paths({"a/b": 1, "a": {"c": 2}})) == ["a/c", "a/b"]


def test_a_box_is_no_step_of_the_path_and_stays_around_what_is_put_back():
    boxed = {"w": nn.Partitioned(jnp.ones(2), names=("x",)), "b": jnp.zeros(2)}
    assert list(leaf_paths(boxed)) == ["b", "w"]
    assert list(leaf_paths(nnx.state(nnx.Linear(2, 3, rngs=nnx.Rngs(0))))) == ["bias", "kernel"]
    step = linearize.finetuning_step(boxed, {"w": jnp.full(2, 3.0), "b": jnp.zeros(2)})
    np.testing.assert_array_equal(step["w"], [2, 2])
    moving, rebuild = linearize.split_moving(boxed)
    assert rebuild(moving)["w"].names == ("x",)


def test_boxed_and_frozen_networks_have_the_tangents_of_plain_ones(key):
    network = nn.Dense(2, kernel_init=nn.with_partitioning(nn.initializers.lecun_normal(), ("in", "out")))
    parent, child = (network.init(jax.random.fold_in(key, i), X) for i in range(2))
    plain_parent, plain_child = nn.unbox(parent), nn.unbox(child)
    f = lambda v, x: nn.tanh(network.apply(v, x))
    expected = linearize.tangents(f, plain_parent, plain_child, X).tangent
    for pair in ((parent, child), (parent, plain_child), (freeze(plain_parent), plain_child)):
        np.testing.assert_array_equal(linearize.tangents(f, *pair, X).tangent, expected)


@pytest.mark.parametrize("wrap", [freeze, lambda f: (f["a"], f["b"])], ids=["FrozenDict", "tuple"])
def test_features_may_be_frozen_or_in_tuples(wrap, key):
    f = lambda w, x: {"a": jnp.tanh(x @ w), "b": jnp.sin(x @ w)}
    wrapped = lambda w, x: wrap(f(w, x))
    parent, child = (jax.random.normal(jax.random.fold_in(key, i), (3, 2)) for i in range(2))
    for call in (
        lambda g: linearize.tangents(g, parent, child, X),
        lambda g: linearize.predict_second_order(g, parent, child, X),
        lambda g: linearize.laziness(g, parent, child, X).curve.error,
        lambda g: linearize.group_shares(linearize.tangents_by_group(g, parent, child, X)),
        lambda g: linearize.ntk_vector_product(g, parent, g(parent, X), X),
    ):
        plain, ours = (jax.tree.leaves(call(g)) for g in (f, wrapped))
        for one, other in zip(plain, ours, strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-6)  # the same sums, compiled apart


def test_a_held_leaf_may_be_nan_where_nan_is_hunted():
    lost = {**PARENT, "params": {**PARENT["params"], "head": jnp.full((2, 4), jnp.nan)}}
    with jax.debug_nans(True):
        step = linearize.finetuning_step(lost, lost, held=("params/head",))
        np.testing.assert_array_equal(step["params/body"], jnp.zeros((3, 2)))
        body = lambda v, x: x @ v["params"]["body"]
        value, push = linearize.linearize(body, lost, X, held=("params/head",))
        np.testing.assert_array_equal(push(lost), jnp.zeros_like(value))
