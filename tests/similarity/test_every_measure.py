"""What all measures have in common: the oracle they match, the laws they keep, what they refuse."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.test_util import check_grads

from lineage_jax import similarity
from tests.oracles import similarity as oracle

SAME_WIDTH = ["l1", "l2", "lp", "linf", "lse", "cosine"]
CORRELATIONS = ["linear_cka", "distance_correlation"]
MEASURES = {name: jax.jit(getattr(similarity, name)) for name in SAME_WIDTH + CORRELATIONS}

every_measure = pytest.mark.parametrize("name", MEASURES)


@every_measure
def test_measure_agrees_with_its_oracle(name, pair):
    # a correlation of one example is 0 / 0 for the oracle, and 0 by convention for us
    alone = name in CORRELATIONS and len(pair[0]) == 1
    expected = 0.0 if alone else getattr(oracle, name)(*map(np.asarray, pair))
    # float32 rounding of sums over at most 120 entries
    np.testing.assert_allclose(MEASURES[name](*pair), expected, rtol=1e-5)


@every_measure
def test_measure_agrees_with_its_oracle_in_double_precision(name, related):
    with jax.enable_x64(True):
        score = MEASURES[name](*(x.astype(jnp.float64) for x in related))
        assert score.dtype == jnp.float64
        # float64 rounding, amplified by the cancellation in pairwise distances
        np.testing.assert_allclose(score, getattr(oracle, name)(*map(np.asarray, related)), rtol=1e-10)


@every_measure
def test_measure_is_symmetric(name, pair):
    # the two orders may round differently
    np.testing.assert_allclose(MEASURES[name](*pair), MEASURES[name](*pair[::-1]), rtol=1e-5)


@every_measure
def test_measure_ignores_the_order_of_the_examples(name, related, key):
    order = jax.random.permutation(key, len(related[0]))
    shuffled = (x[order] for x in related)
    # sums in another order round differently
    np.testing.assert_allclose(MEASURES[name](*shuffled), MEASURES[name](*related), rtol=1e-5)


@every_measure
def test_nothing_is_more_alike_than_a_thing_and_itself(name, pair):
    a, b = pair
    # correlations of 1 round up as well as down
    assert MEASURES[name](a, b) <= MEASURES[name](a, a) + 1e-6


@every_measure
def test_noise_lowers_the_score(name, related, key):
    a, _ = related
    noise = jax.random.normal(jax.random.fold_in(key, 1), a.shape)
    scores = [MEASURES[name](a, a + size * noise) for size in (0.0, 0.1, 1.0)]
    assert scores == sorted(scores, reverse=True)


@every_measure
def test_duplicated_examples_change_nothing(name, related):
    twice = (jnp.concatenate([x, x]) for x in related)
    # distances between duplicates come out as the square root of a rounding error instead of 0
    rtol = 1e-3 if name == "distance_correlation" else 1e-5
    np.testing.assert_allclose(MEASURES[name](*twice), MEASURES[name](*related), rtol=rtol)


@every_measure
def test_half_precision_is_accumulated_in_single_precision(name, related):
    half = [x.astype(jnp.bfloat16) for x in related]
    score = MEASURES[name](*half)
    assert score.dtype == jnp.float32
    assert score == MEASURES[name](*(x.astype(jnp.float32) for x in half))


@every_measure
def test_precisions_may_differ_even_under_strict_promotion(name, related):
    a, b = related
    with jax.numpy_dtype_promotion("strict"):
        assert MEASURES[name](a.astype(jnp.float16), b).dtype == jnp.float32


@every_measure
def test_nan_never_earns_a_score(name, related):
    a, b = related
    diverged = b.at[2, 1].set(jnp.nan)
    assert jnp.isnan(MEASURES[name](a, diverged))
    assert jnp.isnan(MEASURES[name](diverged, a))


@every_measure
def test_gradient_is_right(name, related):
    with jax.enable_x64(True):
        a, b = (x.astype(jnp.float64) for x in related)
        # finite differences in float64 are good to about 1e-8
        check_grads(MEASURES[name], (a, b), order=1, atol=1e-5, rtol=1e-5)


@every_measure
def test_gradient_is_finite_in_singular_places(name, related):
    a, b = related
    pairs = [
        (a, a),
        (jnp.zeros_like(a), b),
        (jnp.full_like(a, 0.1), b),
        (a.at[:, 0].set(0.1), b),
        (a.at[1].set(a[0]), b.at[1].set(b[0])),
    ]
    first, second = (jnp.stack(side) for side in zip(*pairs, strict=True))
    score_and_gradients = jax.jit(jax.vmap(jax.value_and_grad(MEASURES[name], argnums=(0, 1))))
    scores, gradients = score_and_gradients(first, second)
    assert jnp.isfinite(scores).all()
    assert all(jnp.isfinite(gradient).all() for gradient in gradients)


@every_measure
def test_gradient_is_finite_for_one_example(name, related):
    a, b = (x[:1] for x in related)
    assert jnp.isfinite(jax.grad(MEASURES[name])(a, b)).all()


@every_measure
def test_measure_runs_under_jit_vmap_and_jvp(name, related):
    a, b = related
    batch = jnp.stack([a, 2 * a, a + b])

    def along(x):
        return jax.jvp(lambda x: MEASURES[name](x, b), (x,), (b,))

    scores, slopes = jax.jit(jax.vmap(along))(batch)
    expected = [jax.jit(along)(x) for x in batch]
    # fused and batched sums round differently; a slope may cancel to near 0
    np.testing.assert_allclose(scores, jnp.stack([score for score, _ in expected]), rtol=1e-5)
    np.testing.assert_allclose(slopes, jnp.stack([slope for _, slope in expected]), rtol=1e-4, atol=1e-5)


@every_measure
@pytest.mark.usefixtures("unchecked_shapes")
def test_integers_are_refused(name):
    with pytest.raises(TypeError, match=r"expected floating-point features, got b of dtype int32; convert with b.ast"):
        MEASURES[name](jnp.ones((3, 2)), jnp.ones((3, 2), dtype=int))


@every_measure
@pytest.mark.usefixtures("unchecked_shapes")
def test_images_are_refused(name):
    with pytest.raises(ValueError, match=r"got a of shape \(3, 2, 2\); flatten with a.reshape\(n, -1\)"):
        MEASURES[name](jnp.ones((3, 2, 2)), jnp.ones((3, 2)))


@every_measure
@pytest.mark.parametrize("shape", [(0, 2), (3, 0)])
def test_empty_features_are_refused(name, shape):
    with pytest.raises(ValueError, match="expected at least one example and one feature, got a of shape"):
        MEASURES[name](jnp.ones(shape), jnp.ones(shape))


@every_measure
@pytest.mark.usefixtures("unchecked_shapes")
def test_different_examples_are_refused(name):
    with pytest.raises(ValueError, match="expected features of the same examples, got 3 in a and 4 in b; show"):
        MEASURES[name](jnp.ones((3, 2)), jnp.ones((4, 2)))


@pytest.mark.parametrize("name", SAME_WIDTH)
@pytest.mark.usefixtures("unchecked_shapes")
def test_different_widths_are_refused_where_features_must_correspond(name):
    with pytest.raises(ValueError, match="expected equally many features, got 2 in a and 5 in b; use linear_cka"):
        MEASURES[name](jnp.ones((3, 2)), jnp.ones((3, 5)))


@pytest.mark.parametrize("name", CORRELATIONS)
@pytest.mark.parametrize("shape", [(12, 2), (12, 30)])
def test_correlations_compare_different_widths(name, shape, key):
    a = jax.random.normal(key, (12, 5))
    b = jnp.tanh(a @ jax.random.normal(key, (5, shape[1])))
    # float32 rounding
    np.testing.assert_allclose(MEASURES[name](a, b), getattr(oracle, name)(np.asarray(a), np.asarray(b)), rtol=1e-5)


@pytest.mark.parametrize("name", CORRELATIONS)
def test_correlations_ignore_shift_scale_and_rotation(name, related, rotation):
    a, b = related
    moved = 100.0 + 0.01 * a @ rotation
    # a shift 10^4 times the features' spread costs four of float32's seven digits; the square keeps a few more
    np.testing.assert_allclose(MEASURES[name](moved, b), MEASURES[name](a, b), rtol=2e-3)


@pytest.mark.parametrize("name", [*CORRELATIONS, "cosine"])
@pytest.mark.parametrize("scale", [1e-30, 1e-12, 1e12, 1e30])
def test_correlations_survive_extreme_scales(name, scale, related):
    a, b = related
    # float32 rounding; the squares of these features lie outside its range
    np.testing.assert_allclose(MEASURES[name](scale * a, b), MEASURES[name](a, b), rtol=1e-5)


@pytest.mark.parametrize("name", CORRELATIONS)
def test_a_correlation_with_itself_is_one(name, pair):
    a, _ = pair
    expected = 1.0 if len(a) > 1 else 0.0
    # float32 rounding
    np.testing.assert_allclose(MEASURES[name](a, a), expected, rtol=1e-5)


@pytest.mark.parametrize("name", CORRELATIONS)
@pytest.mark.parametrize("constant", [0.0, 0.1, 1e6, 1e-30])
def test_constant_features_have_no_correlation(name, constant, related):
    # 0.1 has no exact mean in float32: what rounding leaves of it must not count as signal
    constants = jnp.full((12, 5), constant)
    assert MEASURES[name](constants, related[0]) == 0
    assert MEASURES[name](constants, constants) == 0


@pytest.mark.parametrize("name", CORRELATIONS)
def test_a_dead_feature_changes_nothing(name, related):
    a, b = related
    with_dead = jnp.concatenate([a, jnp.full((12, 1), 0.1)], axis=1)
    # float32 rounding
    np.testing.assert_allclose(MEASURES[name](with_dead, b), MEASURES[name](a, b), rtol=1e-5)
