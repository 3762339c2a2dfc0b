"""Training until the validation loss no longer falls; a run that was stopped goes on where it was."""

import logging
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh

from lineage_jax.detector._calibration import fit_temperature
from lineage_jax.detector._detector import Detector
from lineage_jax.detector._evaluate import Predictions, evaluate, predict
from lineage_jax.detector._examples import Examples, batches, steps_of
from lineage_jax.detector._fitted import Fitted
from lineage_jax.detector._progress import Progress, load_progress, save_progress
from lineage_jax.detector._training import DetectorTraining, Program, train_step
from lineage_jax.typing import Params

logger = logging.getLogger(__name__)

GUESSING = 0.99
"""Share of the loss of guessing from which on nothing was learned."""


def fit(
    detector: Detector,
    train: Sequence[Examples],
    validation: Sequence[Examples],
    *,
    training: DetectorTraining | None = None,
    folder: str | os.PathLike | None = None,
    mesh: Mesh | None = None,
    on_epoch: Callable[[dict[str, Any]], None] | None = None,
) -> Fitted:
    """Trains a detector, keeps its best variables and calibrates them, the latter two on the validation children.

    Args:
        detector: the module.
        train: children to learn from.
        validation: children that decide when to end and which variables to keep, and the temperature.
        training: the settings; the published ones by default.
        folder: where the run is kept: its state after every epoch, and `metrics.jsonl`, a line an epoch. A run that
            was killed is continued by the same call, with the same result bit for bit.
        mesh: devices along the axis `children`, over which every batch is spread.
        on_epoch: called with the metrics of every epoch.

    Raises:
        ValueError: If a part is empty, labels do not fit the detector, the batch cannot be spread equally, the folder
            holds another run, or the loss is not finite.
    """
    training = training or DetectorTraining()
    _check(detector, train, validation, training, mesh)
    program = Program.of(detector, training, steps=steps_of(train, training.batch_size), mesh=mesh)
    progress = None if folder is None else load_progress(Path(folder), program, training)
    if progress is None:
        state = program.start(training.seed)
        progress = Progress(state=state, best=state.variables, history=())
    while not progress.ended(training):
        progress = _epoch(program, training, progress, train, validation)
        if folder is not None:
            save_progress(Path(folder), program, training, progress)
        if on_epoch is not None:
            on_epoch(progress.history[-1])
    predictions = _predict(detector, progress.best, validation, training)
    if progress.best_loss >= GUESSING * _loss_of_chance(predictions):
        logger.warning(
            f"the detector has learned nothing: its validation loss, {progress.best_loss:.3g}, is that of guessing; "
            "try another seed or a lower learning_rate, or see whether children can be told apart at all"
        )
    smoothing = 1 / (len(predictions.labels) + 2)  # Platt's: a few children cannot speak for certainty
    return Fitted(
        detector=detector,
        variables=progress.best,
        temperature=float(
            fit_temperature(jnp.asarray(predictions.logits), jnp.asarray(predictions.labels), smoothing=smoothing)
        ),
        training=training,
        history=progress.history,
    )


def _epoch(
    program: Program,
    training: DetectorTraining,
    progress: Progress,
    train: Sequence[Examples],
    validation: Sequence[Examples],
) -> Progress:
    """Passes over the training children once, and evaluates on the validation children."""
    epoch = len(progress.history)
    state, losses, counts = progress.state, [], []
    drawn = batches(train, batch_size=training.batch_size, seed=training.seed, epoch=epoch, orphans=training.orphans)
    for index, batch in drawn:
        state, loss = train_step(program, state, train[index].parents, batch)
        losses.append(loss)
        counts.append(batch.counts.sum())
    evaluation = evaluate(_predict(program.detector, state.variables, validation, training))
    row = {
        "epoch": epoch,
        "train_loss": float(np.average(np.array(losses), weights=counts)),
        "validation_loss": evaluation.loss,
        "validation_accuracy": evaluation.accuracy,
    }
    if not np.isfinite([row["train_loss"], row["validation_loss"]]).all():
        raise ValueError(f"loss is not finite in epoch {epoch}: lower learning_rate")
    better = evaluation.loss < progress.best_loss
    best = jax.tree.map(np.asarray, state.variables) if better else progress.best
    return Progress(state=state, best=best, history=(*progress.history, row))


def _predict(
    detector: Detector, variables: Params, validation: Sequence[Examples], training: DetectorTraining
) -> Predictions:
    """Predicts for the same children with the same orphans after every epoch."""
    words = {name: getattr(training, name) for name in ("batch_size", "orphans", "seed")}
    return predict(detector, variables, validation, **words)


def _loss_of_chance(predictions: Predictions) -> float:
    """Returns the loss of whoever gives every candidate of a child the same probability."""
    return float(np.log(np.isfinite(predictions.logits).sum(axis=1)).mean())


def _check(
    detector: Detector,
    train: Sequence[Examples],
    validation: Sequence[Examples],
    training: DetectorTraining,
    mesh: Mesh | None,
) -> None:
    for name, families in (("training", train), ("validation", validation)):
        if not families or min(map(len, families)) == 0:
            raise ValueError(f"expected children for {name} in every family, got none")
    strangers = any((family.labels == len(family.parent_names)).any() for family in train)
    if strangers and not detector.nobody:
        raise ValueError("expected every child's parent among the candidates, got a stranger: set nobody=True")
    if detector.nobody != (strangers or training.orphans > 0):
        raise ValueError(f"expected orphans above 0 with nobody only, got {training.orphans} and {detector.nobody}")
    if mesh is not None and training.batch_size % mesh.size:
        raise ValueError(f"expected a batch_size that {mesh.size} devices divide, got {training.batch_size}")
