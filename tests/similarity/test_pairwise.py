"""Measures of n x n matrices: CKA in all its forms, distance correlation without bias, RSA, mutual neighbours."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.test_util import check_grads

from lineage_jax import similarity
from lineage_jax.similarity import _rows
from tests.oracles import pairwise as oracle

pytestmark = pytest.mark.long

DISTANCES = {
    "euclidean": similarity.euclidean_distance,
    "cosine": similarity.cosine_distance,
    "correlation": similarity.correlation_distance,
}
MEASURES = {
    "linear_cka": (similarity.linear_cka, lambda a, b: oracle.biased_alignment(oracle.gram(a), oracle.gram(b))),
    "debiased_cka": (similarity.debiased_cka, lambda a, b: oracle.debiased_alignment(oracle.gram(a), oracle.gram(b))),
    "minibatch_cka": (similarity.MinibatchCKA(batch_size=5), lambda a, b: oracle.minibatch_alignment(a, b, 5)),
    "rbf_cka": (similarity.rbf_cka, lambda a, b: oracle.biased_alignment(oracle.rbf(a), oracle.rbf(b))),
    "debiased_rbf_cka": (
        similarity.debiased_rbf_cka,
        lambda a, b: oracle.debiased_alignment(oracle.rbf(a), oracle.rbf(b)),
    ),
    "distance_correlation": (
        similarity.distance_correlation,
        lambda a, b: oracle.biased_alignment(oracle.euclidean(a), oracle.euclidean(b)) ** 0.5,
    ),
    "bias_corrected_distance_correlation": (
        similarity.bias_corrected_distance_correlation,
        lambda a, b: oracle.debiased_alignment(oracle.euclidean(a), oracle.euclidean(b)),
    ),
    "mutual_knn": (
        similarity.MutualKNN(k=3),
        lambda a, b: oracle.mutual_knn(oracle.cosine(a), oracle.cosine(b), 3),
    ),
}
for name, distance in DISTANCES.items():
    matrix = getattr(oracle, name)
    MEASURES[f"rsa_{name}_pearson"] = (
        similarity.RSA(distance=distance, ranked=False),
        lambda a, b, matrix=matrix: oracle.pearson(matrix(a), matrix(b)),
    )
    MEASURES[f"rsa_{name}_spearman"] = (
        similarity.RSA(distance=distance),
        lambda a, b, matrix=matrix: oracle.spearman(matrix(a), matrix(b)),
    )

UNBIASED = ["debiased_cka", "minibatch_cka", "debiased_rbf_cka", "bias_corrected_distance_correlation"]
STEPWISE = [name for name in MEASURES if "spearman" in name or name == "mutual_knn"]
EUCLIDEAN = [name for name in MEASURES if "cosine" not in name and "correlation_" not in name and name != "mutual_knn"]
INSENSITIVE = [name for name in EUCLIDEAN if name != "minibatch_cka"]

SAID_BY_OTHERS = (
    *("debiased_rbf_cka", "bias_corrected_distance_correlation"),
    *("rsa_euclidean_pearson", "rsa_cosine_pearson", "rsa_cosine_spearman", "rsa_correlation_spearman"),
)
"""Each is a matrix, a centring and a comparison that others have, too, if not together."""

every_measure = pytest.mark.parametrize("name", MEASURES)
KINDS = [name for name in MEASURES if name not in SAID_BY_OTHERS]
every_kind = pytest.mark.parametrize("name", KINDS)


def compiled(name):
    return jax.jit(MEASURES[name][0])


@functools.cache  # compiled once for all tests of a shape
def score_and_slopes(name):
    return jax.jit(jax.value_and_grad(MEASURES[name][0], argnums=(0, 1)))


@pytest.fixture(params=[(12, 5), (23, 40)], ids=lambda shape: f"{shape[0]}x{shape[1]}")
def pair(request, key):
    first, second = jax.random.normal(key, (2, *request.param))
    return first, first + 0.5 * second + 0.1


@pytest.fixture
def thirteen(key):
    first, second = jax.random.normal(key, (2, 13, 5))
    return first, first + 0.5 * second + 0.1


@every_measure
def test_measure_agrees_with_its_oracle(name, pair):
    # float32 rounding of the centred matrices' products; debiased ones subtract sums of like size
    np.testing.assert_allclose(compiled(name)(*pair), MEASURES[name][1](*map(np.asarray, pair)), rtol=1e-5)


@every_measure
def test_different_widths_agree_with_the_oracle_in_double_precision(name):
    random = np.random.default_rng(0)
    narrow = random.normal(size=(20, 6))
    wide = np.tanh(narrow @ random.normal(size=(6, 31)))
    expected = MEASURES[name][1](narrow, wide)
    with jax.enable_x64(True):
        for sides in ((narrow, wide), (wide, narrow)):
            score = compiled(name)(*map(jnp.asarray, sides))
            assert score.dtype == jnp.float64
            np.testing.assert_allclose(score, expected, rtol=1e-10)


@every_kind
def test_two_steps_are_the_measure(name, related):
    measure, _ = MEASURES[name]
    prepared = [jax.jit(measure.prepare)(x) for x in related]
    # compiled apart, sums may round differently
    np.testing.assert_allclose(jax.jit(measure.compare)(*prepared), compiled(name)(*related), rtol=1e-5)


@every_kind
def test_a_network_is_most_like_itself(name, related):
    a, b = related
    np.testing.assert_allclose(compiled(name)(a, a), 1.0, rtol=1e-6)  # float32 rounding
    assert compiled(name)(a, b) < 1


@every_kind
def test_half_precision_is_accumulated_in_single_precision(name, related):
    half = [x.astype(jnp.bfloat16) for x in related]
    score = compiled(name)(*half)
    assert score.dtype == jnp.float32
    assert score == compiled(name)(*(x.astype(jnp.float32) for x in half))


@every_kind
def test_nan_and_infinity_never_earn_a_score(name, related):
    a, b = related
    for bad in (jnp.nan, jnp.inf, -jnp.inf):
        assert jnp.isnan(compiled(name)(a, b.at[2, 1].set(bad)))
        assert jnp.isnan(compiled(name)(a.at[2, 1].set(bad), b))


@pytest.mark.parametrize("name", [name for name in KINDS if name not in STEPWISE])
def test_gradient_is_right(name, related):
    with jax.enable_x64(True):
        a, b = (x.astype(jnp.float64) for x in related)
        # finite differences in float64 are good to about 1e-8
        check_grads(compiled(name), (a, b), order=1, atol=1e-5, rtol=1e-5)


@every_kind
def test_degenerate_features_have_finite_values_and_gradients(name, thirteen):
    a, b = thirteen
    pairs = {
        "zeros": (jnp.zeros_like(a), b),
        "constant": (jnp.full_like(a, 0.1), b),
        "both constant": (jnp.full_like(a, 0.1), jnp.full_like(b, 3.7)),
        "one constant feature": (a.at[:, 0].set(0.1), b),
        "rank one": (a[:, :1] * jnp.ones(5), b),
        "duplicates": (a[jnp.arange(13) // 5], b[jnp.arange(13) // 5]),
        "mostly duplicates": (a[jnp.minimum(jnp.arange(13), 2)], b),
        "equally far": (jnp.eye(13, 5), jnp.eye(13, 5)),
        "itself": (a, a),
    }
    for first, second in pairs.values():
        value, gradients = score_and_slopes(name)(first, second)
        assert jnp.isfinite(value)
        assert all(jnp.isfinite(gradient).all() for gradient in gradients)


@pytest.mark.parametrize("name", EUCLIDEAN)
def test_constant_features_score_zero(name, related):
    assert compiled(name)(jnp.full((12, 5), 0.1), related[1]) == 0


# unit vectors are at equal angles too, but rounding differs along the diagonal: not for cosine and correlation
@pytest.mark.parametrize("name", [name for name in EUCLIDEAN if "rsa" in name or "bias" in name])
def test_points_that_are_equally_far_from_each_other_have_no_structure(name):
    corners = jnp.eye(7)
    assert compiled(name)(corners, corners) == 0


@every_measure
@pytest.mark.parametrize("n", [1, 2])
def test_one_or_two_examples_give_a_number_or_a_refusal(name, n, key):
    a, b = jax.random.normal(key, (2, n, 3))
    if name in UNBIASED:
        with pytest.raises(ValueError, match=rf"expected at least 4 examples, got {n}; an estimator without bias"):
            compiled(name)(a, b)
    elif name == "mutual_knn":
        with pytest.raises(ValueError, match=rf"expected more examples than neighbours, got {n} examples and k=3"):
            compiled(name)(a, b)
    else:
        assert jnp.isfinite(compiled(name)(a, b))


@every_kind
def test_measure_runs_under_jit_vmap_and_jvp(name, related):
    a, b = related
    batch = jnp.stack([a, 2 * a, a + b])

    def along(x):
        return jax.jvp(lambda x: MEASURES[name][0](x, b), (x,), (b,))

    scores, slopes = jax.jit(jax.vmap(along))(batch)
    expected = [jax.jit(along)(x) for x in batch]
    # fused and batched sums round differently; a slope may cancel to near 0
    np.testing.assert_allclose(scores, jnp.stack([score for score, _ in expected]), rtol=1e-5)
    np.testing.assert_allclose(slopes, jnp.stack([slope for _, slope in expected]), rtol=1e-4, atol=1e-5)


@every_kind
def test_the_taylor_slope_is_that_of_finite_differences(name, key):
    with jax.enable_x64(True):
        value, tangent, target = jax.random.normal(key, (3, 12, 5), jnp.float64)
        measure, h = compiled(name), 1e-5
        direct, full = jax.jit(lambda v, t, c: similarity.taylor(measure, v, t, c, alpha=jnp.array([0.0, 1.0])))(
            value, tangent, target
        )
        central = (measure(value + h * tangent, target) - measure(value - h * tangent, target)) / (2 * h)
        np.testing.assert_allclose(full - direct, central, rtol=1e-6, atol=1e-9)  # error of h^2


@pytest.mark.parametrize("name", [name for name in KINDS if name in STEPWISE])
def test_ranks_and_neighbours_do_not_move(name, thirteen):
    _, slopes = score_and_slopes(name)(*thirteen)
    assert all((slope == 0).all() for slope in slopes)


@pytest.mark.parametrize("name", INSENSITIVE)
def test_shift_scale_and_rotation_go_unnoticed(name, related, rotation):
    a, b = related
    # exact powers of two and a shift that costs one digit
    moved = 3.0 + 0.25 * a @ rotation
    np.testing.assert_allclose(compiled(name)(moved, b), compiled(name)(a, b), rtol=1e-4)


@pytest.mark.parametrize("name", [name for name in MEASURES if name not in STEPWISE])
@pytest.mark.parametrize("scale", [1e-30, 1e30])
def test_extreme_scales_go_unnoticed(name, scale, related):
    a, b = related
    # the squares of these features lie outside float32's range
    np.testing.assert_allclose(compiled(name)(scale * a, b), compiled(name)(a, b), rtol=1e-5)


@pytest.mark.parametrize("name", UNBIASED)
def test_independent_features_have_no_bias(name, key):
    n, d = 200, 100
    score = jax.jit(jax.vmap(MEASURES[name][0]))
    first, second = jax.random.normal(key, (2, 10, n, d))
    # the mean of ten scores of standard deviation 1 / n, against a bias of d / (n + d) = 0.33; batches of 5 are noisier
    np.testing.assert_allclose(score(first, second).mean(), 0.0, atol=0.03 if name == "minibatch_cka" else 0.005)


@every_kind
def test_blocks_of_rows_change_nothing(name, key, monkeypatch):
    d = 20 if name in ("linear_cka", "debiased_cka", "minibatch_cka") else 5  # linear kernels of few features are d x d
    first, second = jax.random.normal(key, (2, 13, d))
    a, b = first, first + second
    expected, (slope, _) = score_and_slopes(name)(a, b)
    monkeypatch.setattr("lineage_jax.similarity._matrix_cosine.DENSE", 8)
    monkeypatch.setattr(_rows, "DENSE", 8)
    monkeypatch.setattr(_rows, "TILE", 13 * 5)  # blocks of 5, the last of which overlaps
    by_block, slope_by_block = jax.jit(jax.value_and_grad(MEASURES[name][0]))(a, b)
    # sums in another order
    np.testing.assert_allclose(by_block, expected, rtol=1e-5)
    np.testing.assert_allclose(slope_by_block, slope, rtol=1e-4, atol=1e-6)


def test_the_authors_demonstration_is_reproduced():
    random = np.random.RandomState(1337)
    a = random.randn(100, 10)
    b = random.randn(100, 10) + a
    rbf = similarity.MatrixCosine(
        matrix=similarity.RBFKernel(fraction=0.5, pairs=10_000), centring=similarity.rbf_cka.centring
    )
    with jax.enable_x64(True):
        a, b = jnp.asarray(a), jnp.asarray(b)
        # all the digits that the demonstration was recorded to
        np.testing.assert_allclose(jax.jit(rbf)(a, b), 0.6548311823, atol=5e-11)
        np.testing.assert_allclose(jax.jit(similarity.debiased_cka)(a, b), 0.5134564895, atol=5e-11)


def test_the_median_of_a_sample_of_pairs_is_close_to_that_of_all(key):
    a = jax.random.normal(key, (300, 20))
    every = jax.jit(similarity.RBFKernel(pairs=300 * 300).represent)(a)
    some = jax.jit(similarity.RBFKernel().represent)(a)
    # a median of 4,096 pairs
    np.testing.assert_allclose(some, every, rtol=0.02)


def test_one_batch_is_the_debiased_form(related):
    one_batch = jax.jit(similarity.minibatch_cka)(*related)
    np.testing.assert_allclose(one_batch, compiled("debiased_cka")(*related), rtol=1e-5)  # float32 rounding


def test_binned_ranks_are_as_good_as_sorted_ones(key):
    from scipy.stats import spearmanr

    first, second = jax.random.normal(key, (2, 400, 10))
    a = first.at[0].mul(1e4)  # one example far out spreads the bins
    b = a + second
    ours = jax.jit(similarity.RSA(distance=similarity.euclidean_distance))(a, b)
    over = np.triu_indices(400, 1)
    distances = [np.linalg.norm(np.float64(x)[:, None] - np.float64(x)[None], axis=-1)[over] for x in (a, b)]
    np.testing.assert_allclose(ours, spearmanr(*distances).statistic, rtol=1e-5)  # float32 distances, bins


def test_cka_of_options_below_their_range_is_refused():
    with pytest.raises(ValueError, match="expected batches of at least 4 examples, got batch_size=3"):
        similarity.MinibatchCKA(batch_size=3)
    with pytest.raises(ValueError, match="expected a positive fraction and number of pairs, got fraction="):
        similarity.RBFKernel(fraction=0.0)
    with pytest.raises(ValueError, match="expected at least one neighbour, got k=0"):
        similarity.MutualKNN(k=0)
