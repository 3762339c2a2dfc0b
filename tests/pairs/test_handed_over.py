"""What is handed over to `score` in another form than by name is supported, or refused with what to write."""

import typing

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from flax.core import FrozenDict
from flax.training.train_state import TrainState

from lineage_jax import lineage, models, similarity
from lineage_jax.typing import Networks

MEASURES = {"l1": similarity.l1}
PROBES = np.random.default_rng(9).normal(size=(6, 4)).astype(np.float32)


def features(params, x):
    return jnp.tanh(x @ params["w"])


def network(seed):
    return {"w": np.random.default_rng(seed).normal(size=(4, 4)).astype(np.float32)}


PARENTS, CHILDREN = {"a": network(0), "b": network(1)}, {"c": network(2)}


def score(parents=PARENTS, children=CHILDREN, feature_fn=features, **options):
    return lineage.score(feature_fn, parents, children, PROBES, **({"measures": MEASURES, "alphas": (0.5,)} | options))


def refused(message, error, *networks, **options):
    with pytest.raises(error, match=message):
        score(*networks, **options)


def test_the_default_forms_are_all_three():
    assert score().form.values.tolist() == ["direct", "taylor", "exact"]


def test_near_candidates_are_in_order_in_the_exact_form_and_below_a_half_in_the_taylor_form():
    numbers = np.random.default_rng(0)
    child = network(2)
    near = {str(i): {"w": child["w"] + 0.003 * i * numbers.normal(size=(4, 4)).astype(np.float32)} for i in (1, 2, 3)}
    with jax.enable_x64(True):
        wide = {name: {"w": jnp.asarray(net["w"], jnp.float64)} for name, net in near.items()}
        scores = score(
            wide,
            {"c": {"w": jnp.asarray(child["w"], jnp.float64)}},
            alphas=(0.2, 0.8),
            measures={"cka": similarity.linear_cka},
        ).squeeze()
    best = scores.idxmax("parent")
    assert best.sel(form="direct").values.tolist() == best.sel(form="exact").values.tolist() == ["1", "1"]
    assert best.sel(form="taylor").values.tolist() == ["1", "3"]
    quadratic = 1 - scores.sel(form="direct", alpha=0.2)
    for alpha in (0.2, 0.8):
        # to leading order in the step, of 1 %
        np.testing.assert_allclose(1 - scores.sel(form="taylor", alpha=alpha), (1 - 2 * alpha) * quadratic, rtol=0.1)


@pytest.mark.parametrize("alphas", [np.array([0.0, 0.5]), jnp.array([0.0, 0.5]), [0, 0.5]])
def test_alphas_may_be_arrays_and_lists(alphas):
    scores = score(alphas=alphas)
    assert scores.alpha.values.tolist() == [0.0, 0.5]
    np.testing.assert_array_equal(scores, score(alphas=(0.0, 0.5)))


def test_networks_without_names_are_refused(unchecked_shapes):
    refused(
        r"parents by name, .* got a list of 2; name each network, such as \{'parent-0'", TypeError, [*PARENTS.values()]
    )
    refused(r"children by name, .* got a ndarray", TypeError, PARENTS, np.ones((2, 4, 4)))


def test_one_network_without_a_name_is_recognised():
    variables = models.fc(2, widths=(5, 4, 3)).init(jax.random.key(0), jnp.ones((1, 2, 2, 1)))
    refused(
        r"got the variables of one network \(its entries are params\); write \{'child'", TypeError, PARENTS, variables
    )
    refused(r"variables of one parent: .* write \{'parent': variables\}", TypeError, PARENTS["a"], CHILDREN)
    refused(r"variables of one child", TypeError, PARENTS, CHILDREN["c"])
    pair = {"w": np.ones((4, 4), np.float32), "b": np.ones(4, np.float32)}
    refused(r"is this one network, to be written \{'name': variables\}", ValueError, pair, pair)


def test_training_states_are_refused_as_their_moments_are_no_weights():
    state = TrainState.create(apply_fn=features, params=network(0), tx=optax.adam(0.1))
    refused(r"of parent 'a', got a training state: 'opt_state'.*\{'params': state.params\}", ValueError, {"a": state})
    restored = {"params": network(0), "opt_state": {"mu": network(1)}, "step": 3}
    refused("got a training state: 'opt_state'", ValueError, PARENTS, {"c": restored})
    nested = {"model": network(0), "adam": optax.adam(0.1).init(network(0))}
    refused("got a training state: 'adam/0'", ValueError, {"a": nested})


def test_stacked_networks_have_a_name_each():
    stacked = Networks.stack(PARENTS)
    for names in (("a",), ("a", "b", "c")):
        refused(
            rf"stacked along a first axis of {len(names)}, one for each name, got \(2, 4, 4\) at 'w'",
            ValueError,
            Networks(names=names, variables=stacked.variables),
        )


def test_leaves_that_are_no_numbers_are_named():
    refused(
        "got str at 'optimizer_name' of child 'c'", TypeError, PARENTS, {"c": network(2) | {"optimizer_name": "adam"}}
    )
    refused("expected variables of parent 'a', got none", ValueError, {"a": {}})


def test_a_network_that_is_not_finite_is_named_though_a_relu_hides_it():
    broken = {"w": np.where(np.eye(4) > 0, np.nan, network(0)["w"]).astype(np.float32)}
    hiding = lambda params, x: jnp.maximum(jnp.nan_to_num(x @ params["w"]), 0)
    message = "expected finite weights, but of {} 4 of 16 values of 'w' are NaN or infinite"
    refused(message.format("parent 'a'"), ValueError, {"a": broken}, CHILDREN, hiding)
    refused(message.format("child 'c'"), ValueError, PARENTS, {"c": broken}, hiding)
    refused(message.format("child 'c'"), ValueError, PARENTS, Networks.stack({"d": network(1), "c": broken}), hiding)


class Pair(typing.NamedTuple):
    first: jax.Array
    second: jax.Array


@pytest.mark.parametrize(
    ("wrap", "layers"),
    [
        (FrozenDict, ["z", "a"]),
        (lambda named: tuple(named.values()), ["0", "1"]),
        (lambda named: list(named.values()), ["0", "1"]),
        (lambda named: Pair(*named.values()), ["first", "second"]),
        (lambda named: {"z": FrozenDict({"deep": named["z"]}), "a": (named["a"], None)}, ["z/deep", "a/0"]),
    ],
)
def test_features_come_in_any_container(wrap, layers):
    named = lambda params, x: {"z": jnp.tanh(x @ params["w"]), "a": jnp.sin(x @ params["w"])}
    expected = score(feature_fn=named)
    found = score(feature_fn=lambda params, x: wrap(named(params, x)))
    assert found.layer.values.tolist() == layers
    np.testing.assert_array_equal(found, expected)


def test_features_whose_rows_are_not_the_probes_are_refused():
    refused(
        "row for each of 6 probes.*move it to the front", ValueError, PARENTS, CHILDREN, lambda p, x: (x @ p["w"]).T
    )
    refused("no mean over them", ValueError, PARENTS, CHILDREN, lambda p, x: (x @ p["w"]).mean(0, keepdims=True))
    refused("at layer 'output'", TypeError, PARENTS, CHILDREN, lambda p, x: jnp.argmax(x @ p["w"], axis=1))


def test_held_and_forms_are_not_single_strings(unchecked_shapes):
    refused(r"write \('w',\)", TypeError, held="w")
    refused("held path 'v' is in no network", ValueError, held=("v",))
    refused(r"write \('exact',\)", TypeError, forms="exact")


def test_keys_with_a_slash_are_one_leaf_each_or_refused():
    slashed = lambda seed: {"fc/~/linear": network(seed)}
    scores = score({"a": slashed(0), "b": slashed(1)}, {"c": slashed(2)}, lambda p, x: features(p["fc/~/linear"], x))
    np.testing.assert_array_equal(scores, score())
    doubled = {"a/b": np.ones((4, 4), np.float32), "a": {"b": np.ones((4, 4), np.float32)}}
    refused("two at '.*a/b'", ValueError, {"p": doubled}, {"c": doubled})
