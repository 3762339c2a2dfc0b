"""Scores of all pairs are those of each pair alone, labelled, whatever the memory allows."""

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lineage_jax import lineage, linearize, models, similarity
from lineage_jax.typing import Networks

MEASURES = {"l1": similarity.l1, "l2": similarity.l2, "cka": similarity.linear_cka}
ALPHAS = (0.0, 0.1, 1.0)
LAYERS = ("relu2", "relu1")


def network(num_classes=3):
    return models.fc(num_classes, widths=(12, 10, 8))


def family(key, *, parents=3, children=5, num_classes=3):
    inputs = jax.random.normal(jax.random.fold_in(key, 0), (7, 4, 4, 1))
    init = lambda k: network(num_classes).init(k, inputs)
    roots = {f"parent-{i}": init(jax.random.fold_in(key, i + 1)) for i in range(parents)}
    tuned = {}
    for i in range(children):
        noise = init(jax.random.fold_in(key, 100 + i))
        tuned[f"child-{i}"] = jax.tree.map(lambda p, e: p + 0.05 * e, roots[f"parent-{i % parents}"], noise)
    truth = {f"child-{i}": f"parent-{i % parents}" for i in range(children)}
    return roots, tuned, truth, inputs


def score(parents, children, inputs, **options):
    features = linearize.features_of(network(), LAYERS)
    settings = {"measures": MEASURES, "alphas": ALPHAS, "forms": lineage.FORMS} | options
    return lineage.score(features, parents, children, inputs, **settings)


def test_scores_are_labelled_and_layers_keep_their_order(key):
    parents, children, _, inputs = family(key)
    scores = score(parents, children, inputs)
    assert scores.dims == ("parent", "child", "layer", "measure", "form", "alpha")
    assert scores.layer.values.tolist() == list(LAYERS)
    assert scores.parent.values.tolist() == list(parents)
    assert scores.child.values.tolist() == list(children)


def test_every_score_is_that_of_its_pair_alone(key):
    parents, children, _, inputs = family(key)
    scores = score(parents, children, inputs)
    features = linearize.features_of(network(), LAYERS)
    for p, c, layer, m in (("parent-0", "child-3", "relu1", "l2"), ("parent-2", "child-1", "relu2", "cka")):
        value, tangent = (part[layer] for part in linearize.tangents(features, parents[p], children[c], inputs))
        target = features(children[c], inputs)[layer]
        ours = scores.sel(parent=p, child=c, layer=layer, measure=m)
        # float32: the shared first layer rounds differently, by about 1e-6 of a score
        tolerance = {"rtol": 1e-4, "atol": 1e-6}
        np.testing.assert_allclose(ours.sel(form="direct"), [MEASURES[m](value, target)] * 3, **tolerance)
        taylor = similarity.taylor(MEASURES[m], value, tangent, target, alpha=jnp.array(ALPHAS))
        np.testing.assert_allclose(ours.sel(form="taylor"), taylor, **tolerance)
        exact = [MEASURES[m](value + alpha * tangent, target) for alpha in ALPHAS]
        np.testing.assert_allclose(ours.sel(form="exact"), exact, **tolerance)


def test_near_copies_find_their_parent(key):
    parents, children, truth, inputs = family(key)
    scores = score(parents, children, inputs).sel(alpha=0.1, measure=["l1", "l2"])
    assert (lineage.accuracy(lineage.decide(scores), truth) == 1.0).all()


def test_at_alpha_zero_all_forms_are_the_direct_score(key):
    parents, children, _, inputs = family(key)
    at_zero = score(parents, children, inputs).sel(alpha=0.0)
    for form in ("taylor", "exact"):
        np.testing.assert_allclose(at_zero.sel(form=form), at_zero.sel(form="direct"), rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("memory", [20_000, 100_000, 2**28])
def test_the_memory_budget_changes_no_score(key, memory):
    parents, children, _, inputs = family(key)
    xr_scores = score(parents, children, inputs, memory=memory)
    np.testing.assert_allclose(xr_scores, score(parents, children, inputs), rtol=2e-4, atol=1e-6)


def test_progress_counts_every_pair_once(key):
    parents, children, _, inputs = family(key)
    reports = []
    with pytest.warns(UserWarning, match=r"memory=1 is less than one pair needs: about \d+ bytes are taken"):
        score(parents, children, inputs, memory=1, progress=lambda done, total: reports.append((done, total)))
    assert [done for done, _ in reports] == [3, 6, 9, 12, 15]
    assert {total for _, total in reports} == {15}


def test_stacked_networks_score_like_named_ones(key):
    parents, children, _, inputs = family(key)
    stacked = score(Networks.stack(parents), Networks.stack(children), inputs)
    np.testing.assert_array_equal(stacked, score(parents, children, inputs))


def test_a_plain_function_scores_its_one_output(key):
    f = lambda params, x: jnp.tanh(x @ params)
    parents = {str(i): jax.random.normal(jax.random.fold_in(key, i), (4, 3)) for i in range(2)}
    scores = lineage.score(f, parents, {"c": parents["1"] + 0.01}, jnp.eye(4), measures=MEASURES)
    assert scores.layer.item() == "output"
    assert lineage.decide(scores.sel(measure="l1", form="direct", alpha=0.0)).prediction.item() == "1"


def test_nnx_networks_score_too(key):
    from flax import nnx

    def build(seed):
        return nnx.Sequential(nnx.Linear(4, 5, rngs=nnx.Rngs(seed)), nnx.relu)

    features, first = linearize.nnx_features(build(0), ("layers/0",))
    _, second = linearize.nnx_features(build(1), ("layers/0",))
    child = jax.tree.map(lambda leaf: leaf + 0.01, second)
    scores = lineage.score(features, {"a": first, "b": second}, {"c": child}, jnp.eye(4), measures=MEASURES)
    assert (lineage.decide(scores.sel(measure="l1")).prediction.sel(alpha=0.1) == "b").all()


def test_children_with_another_head_are_compared_on_what_is_shared(key):
    parents, children, _, inputs = family(key)
    other = models.fc(9, widths=(12, 10, 8)).init(key, inputs)["params"]["fc4"]
    new_heads = {name: {"params": child["params"] | {"fc4": other}} for name, child in children.items()}
    np.testing.assert_array_equal(score(parents, new_heads, inputs), score(parents, children, inputs))


def test_a_layer_that_depends_on_the_new_head_is_refused(key):
    parents, children, _, inputs = family(key)
    other = models.fc(9, widths=(12, 10, 8)).init(key, inputs)["params"]["fc4"]
    new_heads = {name: {"params": child["params"] | {"fc4": other}} for name, child in children.items()}
    features = linearize.features_of(network(), ("fc4",))
    with pytest.raises(
        ValueError,
        match=r"layer 'fc4' depends on parameters not shared by all networks \(params/fc4/bias, params/fc4/kernel\): "
        r"'params/fc4/bias' is \(3,\) float32 in parent 'parent-0', \(9,\) float32 in child 'child-0'; choose an",
    ):
        lineage.score(features, parents, new_heads, inputs, measures=MEASURES)


def test_a_new_head_of_equal_shape_moves_no_earlier_layer(key):
    parents, children, _, inputs = family(key)
    reset = {
        name: {"params": child["params"] | {"fc4": jax.tree.map(jnp.zeros_like, child["params"]["fc4"])}}
        for name, child in children.items()
    }
    np.testing.assert_array_equal(score(parents, reset, inputs), score(parents, children, inputs))


def test_batch_statistics_of_the_child_shape_its_own_features_only(key):
    class Normalised(nn.Module):
        @nn.compact
        def __call__(self, x):
            return nn.BatchNorm(use_running_average=True, name="bn")(nn.Dense(3, name="fc")(x))

    inputs = jax.random.normal(key, (6, 4))
    module = Normalised()
    parents = {str(i): module.init(jax.random.fold_in(key, i), inputs) for i in range(2)}
    stats = {"bn": {"mean": jnp.ones(3), "var": jnp.ones(3)}}
    children = {"c": {"params": parents["0"]["params"], "batch_stats": stats}}
    features = linearize.features_of(module, ("bn",))
    settings = {"measures": {"l1": similarity.l1}, "alphas": (1.0,), "forms": ("direct", "exact")}
    held = lineage.score(features, parents, children, inputs, **settings).sel(parent="0").squeeze()
    moved = lineage.score(features, parents, children, inputs, held=(), **settings).sel(parent="0").squeeze()
    # means differ by 1 and nothing else; BatchNorm divides by sqrt(1 + 1e-5)
    np.testing.assert_allclose(held, [-1.0, -1.0], rtol=1e-5)
    np.testing.assert_allclose(moved, [-1.0, 0.0], rtol=1e-5, atol=1e-6)  # the mean is linear: moving it explains all


def test_another_network_is_refused_with_the_first_path_that_differs(key):
    parents, _, _, inputs = family(key)
    stranger = {"params": {"conv1": {"kernel": jnp.ones((3, 3, 1, 4))}}}
    with pytest.raises(
        ValueError, match=r"share no parameters.*'params/fc1/bias': \(12,\) in parent 'parent-0', absent in child 'c'"
    ):
        score(parents, {"c": stranger}, inputs)


def test_no_shared_parameters_of_equal_shape_are_refused(key):
    with pytest.raises(ValueError, match=r"share no parameters.*'w': \(4, 3\) in parent 'a', \(4, 5\) in child 'c'"):
        lineage.score(
            lambda p, x: x @ p["w"],
            {"a": {"w": jnp.ones((4, 3))}},
            {"c": {"w": jnp.ones((4, 5))}},
            jnp.eye(4),
            measures=MEASURES,
        )


def refused(key, message, *, error=ValueError, inputs=None, parents=None, children=None, **options):
    roots, tuned, _, probes = family(key)
    with pytest.raises(error, match=message):
        score(
            roots if parents is None else parents,
            tuned if children is None else children,
            probes if inputs is None else inputs,
            **options,
        )


def test_probes_are_checked(key, unchecked_shapes):
    refused(
        key, r"expected probes of shape \[n, \.\.\.\] with n >= 1, got \(0, 4, 4, 1\)", inputs=jnp.ones((0, 4, 4, 1))
    )
    refused(
        key,
        "expected finite probes, got 2 NaN or infinite values of 16",
        inputs=jnp.ones((1, 4, 4, 1)).at[0, 0, :2].set(jnp.nan),
    )
    refused(key, r"does not accept probes of shape \(2, 5, 5, 1\)", inputs=jnp.ones((2, 5, 5, 1)))
    refused(key, "expected floating-point probes, got uint8", error=TypeError, inputs=jnp.ones((2, 4, 4, 1), jnp.uint8))


def test_settings_are_checked(key, unchecked_shapes):
    refused(key, r"expected finite alphas >= 0, got \(-0.1,\)", alphas=(-0.1,))
    refused(key, r"expected finite alphas >= 0, got \(\)", alphas=())
    refused(key, "expected at least one measure", measures={})
    refused(
        key, "measure 'l1' must be a function such as similarity.l1, got 'l1'", error=TypeError, measures={"l1": "l1"}
    )
    refused(key, "expected forms out of .*got \\('tylor',\\)", forms=("tylor",))


def test_names_are_checked(key):
    roots, _, _, _ = family(key)
    twins = Networks(names=("a", "a", "b"), variables=Networks.stack(roots).variables)
    refused(key, "parent names must be unique, 'a' occurs more than once", parents=twins)
    refused(key, "expected at least one child, got none", children=Networks(names=(), variables={}))


def test_broken_weights_are_named(key):
    parents, children, _, inputs = family(key)
    children["child-2"] = jax.tree.map(lambda leaf: leaf * jnp.nan, children["child-2"])
    with pytest.raises(
        ValueError, match=r"of child 'child-2' 12 of 12 values of 'params/fc1/bias' are NaN or infinite"
    ):
        score(parents, children, inputs)
