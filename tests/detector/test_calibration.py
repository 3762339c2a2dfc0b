"""Calibration against float64 oracles that share no code."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lineage_jax.detector import Predictions, evaluate, expected_calibration_error, fit_temperature


def cross_entropy(logits, labels, temperature, smoothing):
    """Mean cross-entropy with smoothed labels, child by child."""
    total = 0.0
    for row, label in zip(np.asarray(logits, np.float64), labels, strict=True):
        part = np.flatnonzero(np.isfinite(row))
        scaled = row[part] / temperature
        logs = scaled - scaled.max() - np.log(np.exp(scaled - scaled.max()).sum())
        targets = (1 - smoothing) * (part == label) + smoothing / len(part)
        total -= targets @ logs
    return total / len(labels)


def calibration_error(probabilities, labels, bins):
    """Guo et al., equation 3, bin by bin."""
    confidence = probabilities.max(axis=1)
    right = probabilities.argmax(axis=1) == labels
    error = 0.0
    for index in range(bins):
        inside = (confidence > index / bins) & (confidence <= (index + 1) / bins)
        if inside.any():
            error += inside.sum() / len(labels) * abs(right[inside].mean() - confidence[inside].mean())
    return error


def draw(key, *, temperature, m=4000, p=5):
    """Returns logits that are too sharp by `temperature`, and labels drawn from the true probabilities."""
    first, second = jax.random.split(key)
    logits = jax.random.normal(first, (m, p))
    return temperature * logits, jax.random.categorical(second, logits)


@pytest.mark.parametrize("temperature", [0.5, 1.0, 4.0])
def test_the_temperature_that_spoiled_the_logits_is_found(temperature, key):
    found = fit_temperature(*draw(key, temperature=temperature))
    np.testing.assert_allclose(found, temperature, rtol=0.1)  # 4,000 draws know it to 3 %, three deviations


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_no_other_temperature_explains_the_labels_better(smoothing, key):
    logits, labels = draw(key, temperature=2.0, m=50)
    logits = logits.at[:10, 4].set(-jnp.inf)
    labels = jnp.where(jnp.arange(50) < 10, labels % 4, labels)
    best = float(fit_temperature(logits, labels, smoothing=smoothing))
    loss = lambda temperature: cross_entropy(logits, labels, temperature, smoothing)
    assert loss(best) < min(loss(0.99 * best), loss(1.01 * best))


def test_faultless_logits_become_certain_only_where_nothing_is_smoothed():
    logits = 5.0 * jnp.eye(4)
    assert fit_temperature(logits, jnp.arange(4)) < 0.02
    smoothing = 1 / 6
    temperature = fit_temperature(logits, jnp.arange(4), smoothing=smoothing)
    target = 1 - smoothing + smoothing / 4
    np.testing.assert_allclose(jax.nn.softmax(logits / temperature)[0, 0], target, rtol=1e-4)  # float32 bisection


@pytest.mark.parametrize("bins", [1, 10])
def test_the_calibration_error_is_that_of_bins_one_by_one(bins, key):
    logits, labels = draw(key, temperature=3.0, m=500)
    probabilities = jax.nn.softmax(logits)
    expected = calibration_error(np.asarray(probabilities), np.asarray(labels), bins)
    np.testing.assert_allclose(
        expected_calibration_error(probabilities, labels, bins=bins), expected, atol=1e-6
    )  # float32


def test_right_temperature_makes_a_small_calibration_error(key):
    logits, labels = draw(key, temperature=4.0)
    error = lambda temperature: expected_calibration_error(jax.nn.softmax(logits / temperature), labels)
    assert error(fit_temperature(logits, labels)) < 0.03 < 0.1 < error(1.0)


def test_certainty_falls_in_the_last_bin():
    probabilities = jnp.array([[1.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 0.0]])
    assert expected_calibration_error(probabilities, jnp.array([0, 1, 0, 1])) == 0.25


def test_logits_that_are_all_alike_are_right_by_chance_only():
    predictions = Predictions(logits=np.zeros((6, 4), np.float32), labels=np.zeros(6, int))
    found = evaluate(predictions)
    assert found.accuracy == 0.25
    assert found.calibration_error == 0  # a quarter was said, and a quarter is right


def test_logits_that_are_no_numbers_are_never_right():
    assert evaluate(Predictions(logits=np.full((3, 2), np.nan, np.float32), labels=np.zeros(3, int))).accuracy == 0
