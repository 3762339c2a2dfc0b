"""Laws of the detector itself, on random views: nothing here is trained."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lineage_jax.detector import Detector, Views, init
from lineage_jax.detector._transformer import depth_encoding

BOTH = Detector(weights=("fc1", "fc2"), features=("relu1", "relu2"), width=8)
WEIGHTS = Detector(weights=("fc1", "fc2"), width=8)
FEATURES = Detector(features=("relu1", "relu2"), width=8)
SIZES = {"weights": {"fc1": (7, 6), "fc2": (6, 5)}, "features": {"relu1": (4, 6), "relu2": (4, 5)}}
ROUNDING = 5e-4
"""Float32 sums in another order, 1e-6 or so, times size over spread: candidates that are all strangers give collected
vectors which differ by a few hundredths of their size, and standardising divides by that."""


@functools.partial(jax.jit, static_argnames="module")
def logits_of(module, variables, parents, child, **masks):
    return module.apply(variables, parents, child, **masks)


def draw(module, key, *count):
    """Returns random views of the module's layers."""
    number = iter(jax.random.split(key, 4))
    of = lambda kind, layer: jax.random.normal(next(number), (*count, *SIZES[kind][layer]))
    return Views(**{kind: {layer: of(kind, layer) for layer in getattr(module, kind)} for kind in SIZES})


def spread(variables, key):
    """Moves the biases and standard vectors off their starts, so that no symmetry of the start hides a mistake."""
    leaves, tree = jax.tree.flatten(variables)
    keys = jax.random.split(key, len(leaves))
    moved = [leaf + 0.3 * jax.random.normal(k, leaf.shape) for leaf, k in zip(leaves, keys, strict=True)]
    return jax.tree.unflatten(tree, moved)


def case_of(module, key, *, parents=5):
    """Returns variables, views of candidates and views of a child."""
    first, second, third = jax.random.split(key, 3)
    variables = spread(init(module, 0), third)
    return variables, draw(module, first, parents), draw(module, second)


@pytest.mark.parametrize("module", [BOTH, WEIGHTS, FEATURES], ids=["both", "weights", "features"])
def test_permuting_the_parents_permutes_the_logits(module, key):
    variables, parents, child = case_of(module, key)
    order = np.array([3, 0, 4, 1, 2])
    logits = logits_of(module, variables, parents, child)
    permuted = logits_of(module, variables, parents.select(order), child)
    np.testing.assert_allclose(permuted, logits[order], atol=ROUNDING)
    assert np.ptp(logits) > 0.1


def test_layers_are_told_apart_by_their_depth(key):
    module = WEIGHTS
    variables, parents, child = case_of(module, key)
    alike = [
        Views(
            weights={
                layer: 0.5 * index + views.weights["fc1"] ** (index + 1) for index, layer in enumerate(module.weights)
            },
            features={},
        )
        for views in (parents, child)
    ]
    turned = [Views(weights={"fc1": views.weights["fc2"], "fc2": views.weights["fc1"]}, features={}) for views in alike]
    # attention and the average over tokens know no order: only the depth can tell which layer is the first
    assert jnp.abs(logits_of(module, variables, *alike) - logits_of(module, variables, *turned)).max() > 1e-2


def test_depths_are_waves_from_the_first_layer_to_the_last():
    encoding = depth_encoding(3, 6)
    for row, depth in zip(encoding, (0.0, 0.5, 1.0), strict=True):
        angles = [2 * np.pi * depth / wave for wave in (4.0, np.sqrt(4.0 * 0.02), 0.02)]
        np.testing.assert_allclose(row, [*np.sin(angles), *np.cos(angles)], atol=1e-6)  # float32
    np.testing.assert_array_equal(depth_encoding(1, 6), encoding[:1])


def test_weights_and_features_are_told_apart_by_the_vector_of_their_kind(key):
    variables, parents, child = case_of(BOTH, key)
    params = variables["params"]
    exchanged = {"params": params | {"kind_weights": params["kind_features"], "kind_features": params["kind_weights"]}}
    logits = logits_of(BOTH, variables, parents, child)
    assert jnp.abs(logits_of(BOTH, exchanged, parents, child) - logits).max() > 1e-2
    for kind in ("kind_weights", "kind_features"):
        moved = {"params": params | {kind: -params[kind]}}
        assert jnp.abs(logits_of(BOTH, moved, parents, child) - logits).max() > 1e-2


@pytest.mark.parametrize("count", [1, 3, 300])
def test_the_same_variables_serve_any_number_of_parents(count, key):
    variables, _, child = case_of(BOTH, key)
    logits = logits_of(BOTH, variables, draw(BOTH, key, count), child)
    assert logits.shape == (count,)
    assert jnp.isfinite(logits).all()


def test_masked_parents_change_nothing(key):
    variables, parents, child = case_of(BOTH, key)
    mask = jnp.array([True, False, True, True, False])
    wild = jax.tree.map(lambda leaf: leaf.at[~mask].mul(1e3), parents)
    logits = logits_of(BOTH, variables, wild, child, parent_mask=mask)
    np.testing.assert_allclose(logits[mask], logits_of(BOTH, variables, parents.select(mask), child), atol=ROUNDING)
    assert (logits[~mask] == -jnp.inf).all()


def test_masked_layers_change_nothing(key):
    variables, parents, child = case_of(BOTH, key)
    layers = jnp.array([True, False, True, True])
    wild = Views(weights=child.weights | {"fc2": 1e3 * child.weights["fc2"]}, features=child.features)
    masked = logits_of(BOTH, variables, parents, wild, layer_mask=layers)
    np.testing.assert_array_equal(masked, logits_of(BOTH, variables, parents, child, layer_mask=layers))
    assert jnp.abs(masked - logits_of(BOTH, variables, parents, child)).max() > 1e-3


def test_a_padded_parent_sends_no_gradient_that_is_not_a_number(key):
    variables, parents, child = case_of(BOTH, key)
    mask = jnp.array([True, True, True, False, False])
    empty = jax.tree.map(lambda leaf: leaf.at[~mask].set(0.0), parents)

    def loss(variables):
        return -jax.nn.log_softmax(logits_of(BOTH, variables, empty, child, parent_mask=mask))[0]

    assert all(jnp.isfinite(leaf).all() for leaf in jax.tree.leaves(jax.grad(loss)(variables)))


def test_a_child_equal_to_every_parent_gives_equal_logits_and_finite_gradients(key):
    variables, _, child = case_of(BOTH, key)
    zeros = jax.tree.map(jnp.zeros_like, child)
    same = jax.tree.map(lambda leaf: jnp.stack([leaf] * 3), zeros)
    logits = logits_of(BOTH, variables, same, zeros)
    gradient = jax.grad(lambda v: logits_of(BOTH, v, same, zeros).sum())(variables)
    assert np.ptp(logits) == 0
    assert all(jnp.isfinite(leaf).all() for leaf in jax.tree.leaves(gradient))


def test_candidates_that_nearly_coincide_are_told_apart_from_the_start(key):
    _, parents, child = case_of(WEIGHTS, key)
    near = jax.tree.map(lambda leaf: leaf[:1] + 1e-3 * leaf, parents)
    logits = logits_of(WEIGHTS, init(WEIGHTS, 0), near, child)
    assert np.ptp(logits) > 0.1


def test_the_token_in_front_cannot_look_away_from_the_layers(key):
    """However much it prefers itself, candidates stay apart, and so by more than rounding."""
    variables, parents, child = case_of(BOTH, key)
    logits = logits_of(BOTH, variables, parents, child)
    vain = jax.tree.map(jnp.copy, variables)
    block = vain["params"]["transformer_0"]
    vain["params"]["collector"] *= 100
    for name in ("query", "key"):
        block["attention"][name]["kernel"] = 10 * jnp.eye(8).reshape(block["attention"][name]["kernel"].shape)
    caught = logits_of(BOTH, vain, parents, child)
    turned = logits_of(BOTH, vain, parents.select(np.array([1, 2, 3, 4, 0])), child)
    np.testing.assert_allclose(turned, caught[np.array([1, 2, 3, 4, 0])], atol=20 * ROUNDING)
    assert min(np.ptp(logits), np.ptp(caught)) > 0.1


def test_parent_and_child_are_not_exchangeable(key):
    variables, parents, child = case_of(BOTH, key)
    exchanged = jax.tree.map(lambda leaf, of_child: leaf.at[0].set(of_child), parents, child)
    forth = logits_of(BOTH, variables, parents, child)
    back = logits_of(BOTH, variables, exchanged, parents.select(0))
    assert jnp.abs(forth - back).max() > 1e-2


@pytest.mark.parametrize("scale", [1e-3, 1e3])
def test_the_scale_of_a_layer_does_not_matter(scale, key):
    variables, parents, child = case_of(WEIGHTS, key)
    scaled = [
        Views(weights=views.weights | {"fc1": scale * views.weights["fc1"]}, features={}) for views in (parents, child)
    ]
    expected = logits_of(WEIGHTS, variables, parents, child)
    np.testing.assert_allclose(logits_of(WEIGHTS, variables, *scaled), expected, atol=1e-4)  # float32 moments rescaled


def test_nobody_is_one_more_candidate_which_nothing_masks(key):
    module = BOTH.clone(nobody=True)
    variables, parents, child = case_of(module, key)
    logits = logits_of(module, variables, parents, child, parent_mask=jnp.arange(5) < 2)
    assert logits.shape == (6,)
    assert (logits == -jnp.inf).tolist() == [False, False, True, True, True, False]


def test_the_same_variables_serve_other_layers(key):
    variables, parents, child = case_of(WEIGHTS, key)
    renamed = Detector(weights=("conv1", "conv2"), width=8)
    views = [
        Views(weights={"conv1": of.weights["fc1"], "conv2": of.weights["fc2"]}, features={}) for of in (parents, child)
    ]
    np.testing.assert_array_equal(logits_of(renamed, variables, *views), logits_of(WEIGHTS, variables, parents, child))
    assert logits_of(
        WEIGHTS.clone(weights=("fc2",)),
        variables,
        Views(weights={"fc2": parents.weights["fc2"]}, features={}),
        Views(weights={"fc2": child.weights["fc2"]}, features={}),
    ).shape == (5,)


def test_vmap_over_children_agrees_with_one_child_at_a_time(key):
    variables, parents, _ = case_of(BOTH, key)
    children = draw(BOTH, key, 3)
    together = jax.vmap(lambda child: logits_of(BOTH, variables, parents, child))(children)
    for index, logits in enumerate(together):
        np.testing.assert_allclose(logits, logits_of(BOTH, variables, parents, children.select(index)), atol=ROUNDING)


def test_half_precision_stays_near(key):
    variables, parents, child = case_of(BOTH, key)
    exact = logits_of(BOTH, variables, parents, child)
    half = logits_of(BOTH.clone(dtype=jnp.bfloat16), variables, parents, child)
    assert half.dtype == jnp.float32
    np.testing.assert_allclose(half, exact, atol=0.05 * float(np.ptp(exact)))  # 8 bits, some layers deep


@pytest.mark.parametrize("side", ["parents", "child"])
def test_other_layers_are_refused_with_both_lists(side, key):
    variables, parents, child = case_of(WEIGHTS, key)
    views = {"parents": parents, "child": child}
    views[side] = Views(weights={"fc1": views[side].weights["fc1"], "fc9": views[side].weights["fc2"]}, features={})
    with pytest.raises(ValueError, match="expected weights of the layers fc1, fc2, got fc1, fc9"):
        logits_of(WEIGHTS, variables, views["parents"], views["child"])


def test_features_where_none_are_expected_are_refused(key):
    variables, parents, child = case_of(BOTH, key)
    with pytest.raises(ValueError, match="expected features of the layers none, got relu1, relu2"):
        logits_of(WEIGHTS, variables, parents, child)


def test_layers_of_another_shape_are_refused(key):
    variables, parents, child = case_of(WEIGHTS, key)
    wide = Views(weights=child.weights | {"fc2": jnp.zeros((6, 9))}, features={})
    with pytest.raises(ValueError, match=r"weights of 'fc2' with the child's shape \(6, 9\).*got \(5, 6, 5\)"):
        logits_of(WEIGHTS, variables, parents, wide)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({}, "at least one layer"),
        ({"weights": ("a",), "width": 5}, "even width"),
        ({"features": ("a",), "width": 0}, "even"),
    ],
)
def test_impossible_settings_are_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        init(Detector(**settings), 0)
