"""Deterministic draws: few-shot, imbalanced, probes."""

import numpy as np
import pytest

from lineage_jax import data

LABELS = np.random.default_rng(0).permutation(np.repeat(np.arange(10), 100))


def make_images(n):
    pixels = np.arange(n, dtype=np.float32).reshape(n, 1, 1, 1)
    return data.Images(images=pixels, labels=np.zeros(n, np.int32), num_classes=1)


@pytest.mark.parametrize("per_class", [1, 5, 100])
def test_few_shot_draws_exactly_so_many_of_every_class(per_class):
    indices = data.few_shot(LABELS, per_class, seed=0)
    assert len(set(indices.tolist())) == 10 * per_class
    np.testing.assert_array_equal(np.bincount(LABELS[indices]), per_class)


def test_fewer_shots_are_among_more_shots_of_one_seed():
    few, many = (set(data.few_shot(LABELS, k, seed=3).tolist()) for k in (5, 20))
    assert few < many


def test_few_shot_refuses_a_class_with_too_few_examples():
    with pytest.raises(ValueError, match="expected 3 examples of class 1, got 2: draw fewer"):
        data.few_shot(np.array([0, 0, 0, 1, 1]), 3, seed=0)
    with pytest.raises(ValueError, match="expected 1 examples of class 1, got 0"):
        data.few_shot(np.array([0, 2]), 1, seed=0)


def test_few_shot_refuses_no_example_per_class():
    with pytest.raises(ValueError, match="expected at least one example per class, got per_class=0"):
        data.few_shot(LABELS, 0, seed=0)


@pytest.mark.parametrize(
    "sample",
    [
        lambda labels: data.few_shot(labels, 1, seed=0),
        lambda labels: data.imbalanced(labels, 2.0, seed=0, size=2),
    ],
)
@pytest.mark.parametrize(("labels", "found"), [([], "none"), ([0, -2], "the label -2")])
def test_labels_that_are_no_classes_are_refused(sample, labels, found):
    with pytest.raises(ValueError, match=rf"expected labels 0, 1, \.\.\., got {found}"):
        sample(np.array(labels, np.int64))


@pytest.mark.parametrize("ratio", [1.0, 2.0, 10.0, 50.0])
@pytest.mark.parametrize("size", [203, 220])
def test_imbalanced_frequencies_fall_geometrically_to_the_ratio(ratio, size):
    indices = data.imbalanced(LABELS, ratio, seed=0, size=size)
    assert len(indices) == len(set(indices.tolist())) == size
    falling = np.sort(np.bincount(LABELS[indices]))[::-1]
    shares = ratio ** -(np.arange(10) / 9)
    # whole examples: every class is within one of its exact share
    np.testing.assert_allclose(falling, size * shares / shares.sum(), atol=1.0)


def test_ratio_is_exact_where_the_shares_are_whole():
    counts = np.bincount(LABELS[LABELS < 3][data.imbalanced(LABELS[LABELS < 3], 4.0, seed=0, size=140)])
    assert sorted(counts.tolist()) == [20, 40, 80]


def test_the_seed_decides_which_class_is_frequent():
    frequent = {int(np.bincount(LABELS[data.imbalanced(LABELS, 20.0, seed=s, size=200)]).argmax()) for s in range(20)}
    assert len(frequent) > 5


def test_one_class_cannot_be_imbalanced():
    assert sorted(data.imbalanced(np.zeros(5, np.int64), 10.0, seed=0, size=5).tolist()) == [0, 1, 2, 3, 4]


def test_imbalanced_refuses_more_than_a_class_has():
    with pytest.raises(ValueError, match=r"expected \d+ examples of class \d, got 100: draw fewer"):
        data.imbalanced(LABELS, 100.0, seed=0, size=500)


@pytest.mark.parametrize("size", [-1, 0, 9, 50])
def test_imbalanced_refuses_a_size_that_loses_a_class(size):
    with pytest.raises(ValueError, match=rf"leaves every class an example at ratio=100.0, got size={size}"):
        data.imbalanced(LABELS, 100.0, seed=0, size=size)


@pytest.mark.parametrize("ratio", [0.5, np.nan, np.inf])
def test_imbalanced_refuses_a_ratio_that_is_none(ratio):
    with pytest.raises(ValueError, match="expected a finite ratio of at least 1, got ratio="):
        data.imbalanced(LABELS, ratio, seed=0, size=100)


def test_probes_are_distinct_images():
    images = make_images(50)
    drawn = data.probes(images, 20, seed=0)
    assert drawn.shape == (20, 1, 1, 1)
    assert drawn.dtype == np.float32
    assert len(np.unique(drawn)) == 20
    assert sorted(data.probes(images, 50, seed=0).ravel().tolist()) == list(range(50))


@pytest.mark.parametrize("n", [0, 6])
def test_probes_refuse_more_than_there_are_and_none(n):
    with pytest.raises(ValueError, match=f"expected between 1 and 5 probes out of as many images, got n={n}"):
        data.probes(make_images(5), n, seed=0)


@pytest.mark.parametrize(
    "draw",
    [
        lambda seed: data.few_shot(LABELS, 5, seed=seed),
        lambda seed: data.imbalanced(LABELS, 10.0, seed=seed, size=200),
        lambda seed: data.probes(make_images(50), 20, seed=seed),
    ],
)
def test_a_seed_gives_the_same_draw_every_time_and_another_seed_another(draw):
    np.testing.assert_array_equal(draw(7), draw(7))
    assert not np.array_equal(draw(7), draw(8))
