"""Sketches estimate without bias, as exactly as was derived, and fold."""

import numpy as np
import pytest

from lineage_jax.catalogue import NUMBERS, fingerprint
from lineage_jax.catalogue._fingerprint import divided, parts_of
from lineage_jax.catalogue._sketch import TILE, fold, sketch

DRAWS = 200


def centred(kernel):
    return kernel - kernel.mean(axis=-1, keepdims=True)


def near(kernel, step, seed=1):
    return kernel + step * np.random.default_rng(seed).normal(size=kernel.shape).astype(np.float32)


def random_kernel(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def one_direction(*shape):
    """All units read nearly the same: entries that are far apart have equal products."""
    left, right = random_kernel(shape[0], 1, seed=3), random_kernel(1, shape[1], seed=4)
    return 3 * left * right + random_kernel(*shape, seed=5)


@pytest.mark.parametrize(
    ("kernel", "buckets"),
    [
        (random_kernel(3, 3, 16, 32), 64),
        (random_kernel(700, 600), 128),  # more entries than signs are drawn: windows
        (random_kernel(TILE + 7, 9), 64),  # a unit longer than a tile
        (one_direction(1024, 512), 128),
    ],
    ids=["one tile", "windows", "long units", "one direction"],
)
def test_squares_and_products_have_no_bias_and_the_variance_that_was_derived(kernel, buckets):
    other = near(kernel, 0.5)
    drawn = [[sketch(each, buckets, key=str(draw))[0] for each in (kernel, other)] for draw in range(DRAWS)]
    step = centred(kernel.astype(np.float64)) - centred(other.astype(np.float64))
    squares = np.array([np.sum((a - b) ** 2) for a, b in drawn]) / np.sum(step**2)
    expected = np.sqrt(2 / buckets)
    # means scatter by their standard error, of which 4 are given; a standard deviation of 200 draws by 5 %
    assert abs(squares.mean() - 1) < 4 * expected / np.sqrt(DRAWS)
    assert abs(squares.std() / expected - 1) < 0.25
    a, b = (centred(each.astype(np.float64)) for each in (kernel, other))
    products = np.array([x @ y for x, y in drawn]) / np.sum(a * b)
    assert abs(products.mean() - 1) < 4 * products.std() / np.sqrt(DRAWS)


def test_sums_of_squares_are_those_of_float64():
    for shape in ((3, 3, 8, 16), (TILE + 1, 3), (600, 700)):
        kernel = random_kernel(*shape) + 1
        _, squared = sketch(kernel, 64)
        # entries and means are float32, whose rounding is 6e-8; errors of many entries cancel
        np.testing.assert_allclose(squared, np.sum(centred(kernel.astype(np.float64)) ** 2), rtol=1e-6)


def test_a_sketch_with_a_number_for_each_entry_is_exact():
    kernel, other = random_kernel(8, 15), random_kernel(8, 15, seed=9)
    (a, _), (b, _) = (sketch(each, 128) for each in (kernel, other))
    np.testing.assert_allclose(a @ b, np.sum(centred(kernel) * centred(other)), rtol=1e-5)  # float32 entries


def test_a_sketch_folds_to_that_of_fewer_buckets():
    for kernel in (random_kernel(3, 3, 16, 32), random_kernel(700, 600)):
        np.testing.assert_allclose(fold(sketch(kernel, 2048)[0], 64), sketch(kernel, 64)[0], atol=1e-4)


def test_the_order_in_memory_and_the_number_format_change_nothing_that_they_hold():
    kernel = random_kernel(3, 3, 8, 16)
    as_torch = np.moveaxis(np.ascontiguousarray(np.moveaxis(kernel, (-1, -2), (0, 1))), (0, 1), (-1, -2))
    for same in (as_torch, kernel.astype(np.float64)):
        np.testing.assert_array_equal(sketch(same, 64)[0], sketch(kernel, 64)[0])
    half = kernel.astype(np.float16)
    np.testing.assert_array_equal(sketch(half, 64)[0], sketch(half.astype(np.float32), 64)[0])


def test_what_all_units_read_alike_is_taken_off():
    kernel = random_kernel(3, 3, 8, 16)
    shifted = kernel + random_kernel(3, 3, 8, 1, seed=2)
    np.testing.assert_allclose(sketch(shifted, 64)[0], sketch(kernel, 64)[0], atol=1e-4)
    for constant in (np.full((4, 6), 0.1), random_kernel(5, 1), np.zeros((4, 6))):
        numbers, squared = sketch(constant, 32)
        assert squared == 0
        assert not numbers.any()


def test_numbers_are_divided_by_size_in_powers_of_two_and_no_more_than_there_are_entries():
    counts = divided((9, 100, 10_000, 1_000_000))
    assert counts[0] == 16
    assert counts[1] == 128
    assert counts == sorted(counts)
    assert all(count & (count - 1) == 0 for count in counts)
    assert sum(counts) <= NUMBERS
    assert sum(divided((10_000,) * 20)) > NUMBERS / 2
    assert sum(divided((10**6,) * 1024)) <= NUMBERS
    assert divided(()) == []


def test_a_fingerprint_stays_small_however_many_kernels_there_are():
    many = {f"layer{number}": {"kernel": np.full((2, 2), number + 1.0)} for number in range(1500)}
    taken = fingerprint(many)
    assert len(taken.kernels) == 1024
    assert taken.numbers.nbytes + taken.norms.nbytes < 20_000
    assert max(part.stop for part in parts_of(taken.kernels).values()) <= NUMBERS


def test_networks_without_kernels_are_known_by_their_vectors():
    taken = fingerprint({"ln": {"scale": np.arange(8.0), "bias": np.ones(8)}})
    assert list(taken.kernels) == ["ln/bias", "ln/scale"]
    assert taken.norms[0] == 0
    assert taken.norms[1] > 0


def test_what_is_not_finite_or_has_no_weights_is_refused():
    for number in (np.nan, np.inf):
        with pytest.raises(ValueError, match="expected finite weights, got NaN or infinity in 'fc/kernel'"):
            fingerprint({"fc": {"kernel": np.array([[1.0, number], [2.0, 3.0]])}})
    with pytest.raises(ValueError, match="expected a network with weights, got one without"):
        fingerprint({"batch_stats": {"mean": np.ones(3)}})
