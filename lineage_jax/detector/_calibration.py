"""Do probabilities mean what they say? One temperature for all logits, and the error that is left."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

LEAST, GREATEST = 0.01, 100.0
"""Temperatures beyond which no one looks."""

HALVINGS = 40
"""Of the interval; nothing of it is left in float32."""


def fit_temperature(
    logits: Float[Array, "m p"], labels: Int[Array, " m"], *, smoothing: float = 0.0
) -> Float[Array, ""]:
    """Finds the temperature T at which `softmax(logits / T)` explains the labels best.

    The cross-entropy is convex in 1 / T; its slope is bisected. Where every label has the largest logit, labels alone
    would have T fall to 0 and all probabilities become 0 and 1; `smoothing` says how far to trust so many children.

    Args:
        logits: of children that were not learned from; minus infinity where a candidate does not take part.
        labels: the places of their parents.
        smoothing: share of every label that is spread over the candidates that take part.

    Returns:
        The temperature, from 0.01 to 100: where none explains the labels best, such as with every label's logit the
        largest and no smoothing, one of these ends.

    References:
        Guo et al., "On Calibration of Modern Neural Networks", ICML 2017, section 4.2. Platt, "Probabilistic Outputs
        for Support Vector Machines", 1999: targets (m + 1) / (m + 2) instead of 1.

    Examples:
        >>> logits = jnp.log(jnp.array([[0.8, 0.2]])) * 3.0
        >>> labels = jnp.array([0, 0, 0, 0, 1])
        >>> round(float(fit_temperature(jnp.repeat(logits, 5, axis=0), labels)), 3)
        3.0
    """
    slope = jax.grad(lambda inverse: _cross_entropy(inverse, logits, labels, smoothing))

    def halve(_: Array, interval: tuple[Array, Array]) -> tuple[Array, Array]:
        least, most = interval
        middle = (least + most) / 2
        rising = slope(middle) > 0
        return jnp.where(rising, least, middle), jnp.where(rising, middle, most)

    start = jnp.float32(1 / GREATEST), jnp.float32(1 / LEAST)
    least, most = jax.lax.fori_loop(0, HALVINGS, halve, start)
    return 2 / (least + most)


def share_right(scores: Float[Array, "m p"], labels: Int[Array, " m"]) -> Float[Array, " m"]:
    """Returns for each child 1 where its parent has the largest score, 1 / k where k candidates share it, else 0.

    As in `lineage.accuracy`, the order of the candidates must not decide. A NaN is never the largest.

    Examples:
        >>> share_right(jnp.array([[0.8, 0.2], [0.5, 0.5]]), jnp.array([0, 0])).tolist()
        [1.0, 0.5]
    """
    best = scores == scores.max(axis=1, keepdims=True)
    of_parent = (best & (jnp.arange(scores.shape[1]) == labels[:, None])).any(axis=1)
    return of_parent / jnp.maximum(best.sum(axis=1), 1)


def expected_calibration_error(
    probabilities: Float[Array, "m p"], labels: Int[Array, " m"], *, bins: int = 10
) -> Float[Array, ""]:
    """Returns the mean gap between confidence and accuracy over bins of equal width, weighted by their counts.

    Args:
        probabilities: of every candidate.
        labels: the places of the true ones.
        bins: number of intervals [0, 1/bins], (1/bins, 2/bins], ...

    Returns:
        The error, from 0 to 1.

    References:
        Naeini et al., AAAI 2015; Guo et al., "On Calibration of Modern Neural Networks", ICML 2017, equation 3.

    Examples:
        >>> float(expected_calibration_error(jnp.array([[1.0, 0.0], [1.0, 0.0]]), jnp.array([0, 1])))
        0.5
    """
    confidence = probabilities.max(axis=1)
    right = share_right(probabilities, labels)
    bin_of = jnp.clip(jnp.ceil(confidence * bins) - 1, 0, bins - 1).astype(int)
    gaps = jnp.zeros(bins).at[bin_of].add(right - confidence)
    return jnp.abs(gaps).sum() / len(labels)


def _cross_entropy(
    inverse: Array, logits: Float[Array, "m p"], labels: Int[Array, " m"], smoothing: float
) -> Float[Array, ""]:
    part = jnp.isfinite(logits)
    finite = jnp.where(part, logits, 0.0)  # an infinite logit has no slope, not even times zero
    logs = jax.nn.log_softmax(jnp.where(part, finite * inverse, -jnp.inf), axis=1)
    even = part / part.sum(axis=1, keepdims=True)
    targets = (1 - smoothing) * jax.nn.one_hot(labels, logits.shape[1]) + smoothing * even
    return -jnp.sum(targets * jnp.where(part, logs, 0.0), axis=1).mean()
