"""What a detector predicts for children, and how right it is."""

import dataclasses
from collections.abc import Sequence
from typing import TYPE_CHECKING

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Float, Int

from lineage_jax.detector._calibration import expected_calibration_error, share_right
from lineage_jax.detector._detector import Detector
from lineage_jax.detector._examples import Examples, batches
from lineage_jax.detector._fitted import Fitted
from lineage_jax.detector._training import logits_of
from lineage_jax.typing import Params

if TYPE_CHECKING:
    import xarray

NOBODY = "none of these"
"""The name of the candidate that stands for no parent."""

_logits_of = jax.jit(logits_of, static_argnames="detector")


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Predictions:
    """Children of any number of families with their logits.

    Attributes:
        logits: `[m, q]`, filled up with minus infinity where a family has fewer candidates.
        labels: the places of the parents.
    """

    logits: Float[np.ndarray, "m q"]
    labels: Int[np.ndarray, " m"]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Evaluation:
    """How right a detector is.

    Attributes:
        loss: mean cross-entropy.
        accuracy: share of children whose parent has the largest logit; 1 / k of a child where k candidates share it.
        calibration_error: expected calibration error over ten bins.
    """

    loss: float
    accuracy: float
    calibration_error: float


def predict(
    detector: Detector,
    variables: Params,
    families: Sequence[Examples],
    *,
    batch_size: int = 16,
    orphans: float = 0.0,
    seed: int = 0,
) -> Predictions:
    """Returns the logits of all children, in the order of the families and of their children.

    Args:
        detector: the module.
        variables: its arrays.
        families: children with their candidates.
        batch_size: children at a time.
        orphans: share of the children whose parent is struck from the candidates, and whose label says so.
        seed: decides which.

    Returns:
        Logits `[m, q]` of all m children, q the largest number of candidates of a family, `nobody` included.

    Raises:
        ValueError: If there is no family, or the children have views of other layers than the detector's.
    """
    found: list[Predictions] = []
    for family in families:
        width = len(family.parent_names) + detector.nobody
        logits, labels = np.empty((len(family), width), np.float32), np.empty(len(family), int)
        for _, batch in batches([family], batch_size=batch_size, seed=seed, epoch=0, orphans=orphans):
            rows = batch.places
            logits[rows] = _logits_of(detector, variables, family.parents, batch.children, batch.parent_mask)
            labels[rows] = batch.labels
        found.append(Predictions(logits=logits, labels=labels))
    widest = max(part.logits.shape[1] for part in found)
    return Predictions(
        logits=np.concatenate([_widened(part.logits, widest) for part in found]),
        labels=np.concatenate([part.labels for part in found]),
    )


def evaluate(predictions: Predictions, *, temperature: float = 1.0) -> Evaluation:
    """Returns how right the logits are.

    Args:
        predictions: of children whose parents are known.
        temperature: by which the logits are divided, positive.

    Examples:
        >>> evaluate(Predictions(logits=np.array([[0.0, 9.0], [9.0, 0.0]]), labels=np.array([1, 1]))).accuracy
        0.5
    """
    logits = predictions.logits / temperature
    probabilities = jax.nn.softmax(logits, axis=1)
    return Evaluation(
        loss=float(optax.softmax_cross_entropy_with_integer_labels(logits, predictions.labels).mean()),
        accuracy=float(share_right(jnp.asarray(logits), jnp.asarray(predictions.labels)).mean()),
        calibration_error=float(expected_calibration_error(probabilities, jnp.asarray(predictions.labels))),
    )


def evaluate_fitted(fitted: Fitted, families: Sequence[Examples], *, orphans: float = 0.0) -> Evaluation:
    """Returns how right a trained detector is, its temperature included.

    Args:
        fitted: the detector.
        families: children with their candidates.
        orphans: share of the children whose parent is struck from the candidates.

    Raises:
        ValueError: If the children have views of other layers than the detector's.
    """
    batch_size = fitted.training.batch_size
    predictions = predict(fitted.detector, fitted.variables, families, batch_size=batch_size, orphans=orphans)
    return evaluate(predictions, temperature=fitted.temperature)


def probabilities(fitted: Fitted, examples: Examples) -> "xarray.DataArray":
    """Returns the calibrated probability of every candidate of every child; `lineage.decide` takes it for scores.

    Returns:
        `xarray.DataArray` with dimensions parent (with `NOBODY` as the last one, for a detector that has it) and child;
        those of a child add up to 1.

    Raises:
        ValueError: If the children have views of other layers than the detector's.
    """
    import xarray

    at_a_time = min(len(examples), fitted.training.batch_size)  # a batch is filled up, which a single child need not be
    predictions = predict(fitted.detector, fitted.variables, [examples], batch_size=at_a_time)
    names = [*examples.parent_names, *([NOBODY] if fitted.detector.nobody else [])]
    shares = np.asarray(jax.nn.softmax(predictions.logits / fitted.temperature, axis=1))
    return xarray.DataArray(shares.T, coords={"parent": names, "child": list(examples.child_names)}, name="probability")


def _widened(logits: Float[np.ndarray, "m q"], width: int) -> Float[np.ndarray, "m w"]:
    return np.pad(logits, ((0, 0), (0, width - logits.shape[1])), constant_values=-np.inf)
