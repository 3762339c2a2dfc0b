"""Features that float32 is hard on: examples or features far out, duplicates, large means, extreme scales."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lineage_jax import similarity
from tests.oracles import hard

MEASURES = {
    "linear_cka": (similarity.linear_cka, lambda x: hard.doubly_centred(hard.gram(x))),
    "debiased_cka": (similarity.debiased_cka, lambda x: hard.u_centred(hard.gram(x))),
    "minibatch_cka": (similarity.MinibatchCKA(batch_size=5), lambda x: hard.batches(x, 5)),
    "rbf_cka": (similarity.rbf_cka, lambda x: hard.doubly_centred(hard.rbf(x))),
    "debiased_rbf_cka": (similarity.debiased_rbf_cka, lambda x: hard.u_centred(hard.rbf(x))),
    "distance_correlation": (similarity.distance_correlation, lambda x: hard.doubly_centred(hard.euclidean(x))),
    "bias_corrected_distance_correlation": (
        similarity.bias_corrected_distance_correlation,
        lambda x: hard.u_centred(hard.euclidean(x)),
    ),
}


def ordinary(n, d, seed=0):
    first, second = np.random.default_rng(seed).normal(size=(2, n, d))
    return first, first + 0.5 * second


def hard_pairs(n, d):
    a, b = ordinary(n, d)

    def scaled(x, index, factor):
        x = x.copy()
        x[index] *= factor
        return x

    for factor in (1e2, 1e3, 1e4, 1e6):
        yield f"an example {factor:g} times the others", scaled(a, 0, factor), b
        yield f"the same example {factor:g} times the others on both sides", scaled(a, 0, factor), scaled(b, 0, factor)
        yield f"another example {factor:g} times the others", scaled(a, 0, factor), scaled(b, 1, factor)
    yield "examples of three scales", scaled(scaled(a, 0, 1e6), 1, 1e3), b
    yield "a feature 1e6 times the others", scaled(a, (slice(None), 0), 1e6), scaled(b, (slice(None), 1), 1e6)
    yield "a large mean", a + 1e3, b - 1e3
    yield "a scale of 1e-20", 1e-20 * a, 1e-20 * b
    yield "a scale of 1e20", 1e20 * a, b
    yield "duplicates", np.concatenate([a[:1]] * (n // 2) + [a[n // 2 :]]), b
    yield "a cluster and one far from it", np.concatenate([a[:1] + 5, a[0] + 1e-4 * a[1:]]), b


@pytest.mark.parametrize("name", MEASURES)
@pytest.mark.parametrize(("n", "d"), [(12, 5), (15, 30)])
def test_hard_features_score_what_they_should(name, n, d):
    measure, centred = MEASURES[name]
    compiled = jax.jit(measure)
    for case, a, b in hard_pairs(n, d):
        a, b = np.float32(a), np.float32(b)
        expected = hard.alignment(centred(a), centred(b))
        expected = max(expected, 0) ** 0.5 if name == "distance_correlation" else expected
        # float32 rounding of matrices that are centred; scores are of the order of 1
        np.testing.assert_allclose(compiled(a, b), expected, atol=1e-5, err_msg=case)


def test_narrow_features_of_many_examples_score_what_they_should():
    compiled = jax.jit(similarity.debiased_cka)
    for case, a, b in hard_pairs(140, 5):
        a, b = np.float32(a), np.float32(b)
        expected = hard.alignment(hard.u_centred(hard.gram(a)), hard.u_centred(hard.gram(b)))
        # float32 rounding of sums over pairs
        np.testing.assert_allclose(compiled(a, b), expected, atol=1e-5, err_msg=case)


def test_narrow_and_wide_features_are_compared():
    a, b = ordinary(150, 4)[0], ordinary(150, 120)[1]
    a[3] *= 1e4
    a, b = jnp.float32(a), jnp.float32(b)
    expected = hard.alignment(hard.u_centred(hard.gram(a)), hard.u_centred(hard.gram(b)))
    compiled = jax.jit(similarity.debiased_cka)
    for score in (compiled(a, b), compiled(b, a)):
        np.testing.assert_allclose(score, expected, atol=1e-6)  # float32 rounding


@pytest.mark.parametrize(("n", "d"), [(4, 3), (9, 4), (140, 3)])
def test_debiased_cka_is_as_good_as_its_kernels_entries_whatever_the_features(n, d):
    compiled = jax.jit(similarity.debiased_cka)
    for seed in range(20):
        random = np.random.default_rng(seed)
        a, b = ordinary(n, d, seed)
        spread = random.choice([0, 1, 4])
        far = np.exp(spread * random.normal(size=(n, 1)))
        sides = [
            np.float32(
                x * far * np.exp(random.choice([0, 3]) * random.normal(size=d)) * 10.0 ** random.integers(-15, 15)
            )
            for x in (a, b)
        ]
        matrices = [hard.u_centred(hard.gram(x)) for x in sides]
        # entries are rounded relative to the examples' lengths; centring may leave far less of them
        conditions = [
            np.linalg.norm(np.float64(hard.lengths(x))) / np.linalg.norm(np.float64(k))
            for x, k in zip(sides, matrices, strict=True)
        ]
        tolerance = 8 * np.finfo(np.float32).eps * sum(conditions)
        np.testing.assert_allclose(compiled(*sides), hard.alignment(*matrices), atol=tolerance, err_msg=str(seed))
