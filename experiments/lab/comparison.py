"""Every method on the same families: what it learns and chooses on some children, how often it is right on others."""

import dataclasses
import time
from collections.abc import Mapping, Sequence

import numpy as np
import xarray

from experiments.lab import methods, runs
from experiments.lab.families import ProbedFamily
from lineage_jax import detector, linearize, similarity
from lineage_jax.typing import Measure


@dataclasses.dataclass(frozen=True, kw_only=True)
class MethodSettings:
    """How methods are compared.

    Attributes:
        learner: the detector; learning-free scores see its layers too.
        training: how it learns.
        alphas: strengths of the approximation.
        measures: of learning-free scores.
        seed: of the split.
    """

    learner: detector.Detector
    training: detector.DetectorTraining
    alphas: tuple[float, ...]
    measures: Mapping[str, Measure] = dataclasses.field(default_factory=lambda: similarity.MEASURES)
    seed: int


@dataclasses.dataclass(frozen=True, kw_only=True)
class FittedMethods:
    """What was learned from families, without their networks.

    Attributes:
        settings: how.
        fitted: the detector.
        chosen: every method's setting.
        record: accuracy on test children by family, and how the detector did.
    """

    settings: MethodSettings
    fitted: detector.Fitted
    chosen: dict[str, str]
    record: runs.Record


def fit_methods(settings: MethodSettings, families: Mapping[str, ProbedFamily]) -> FittedMethods:
    """Trains a detector on families together, and chooses every method's setting on all their validation children."""
    parts = detector.split([family.examples for family in families.values()], seed=settings.seed)
    started = time.perf_counter()
    fitted = detector.fit(settings.learner, parts.train, parts.validation, training=settings.training)
    seconds = time.perf_counter() - started
    held = zip(families.values(), parts.validation, parts.test, strict=True)
    scores = _merged([scores_of(settings, fitted, family, only=_names(rest)) for family, *rest in held])
    truth = {child: parent for family in families.values() for child, parent in family.truth.items()}
    chosen = methods.choose(scores, truth, only=_names(parts.validation))
    accuracy = {
        name: methods.accuracy(scores, truth, chosen, only=part.child_names)
        for name, part in zip(families, parts.test, strict=True)
    }
    trained_to = float(np.mean(np.concatenate([family.children.accuracy for family in families.values()])))
    record = {"children trained to": trained_to, "chosen": chosen, "accuracy": accuracy}
    record |= _calibration(fitted, parts.test) | {"detector seconds": round(seconds, 1)}
    return FittedMethods(settings=settings, fitted=fitted, chosen=chosen, record=record)


def accuracy_on(fitted: FittedMethods, family: ProbedFamily) -> dict[str, float]:
    """Returns every method's accuracy on all children of a family that nothing was learned from."""
    names = family.children.names
    scores = scores_of(fitted.settings, fitted.fitted, family, only=names)
    return methods.accuracy(scores, family.truth, fitted.chosen, only=names)


def scores_of(
    settings: MethodSettings, fitted: detector.Fitted, family: ProbedFamily, *, only: Sequence[str]
) -> methods.Scores:
    """Returns the scores of every method for some of the children."""
    children = family.children.select(tuple(only))
    places = np.array([family.examples.child_names.index(name) for name in only])
    features = linearize.features_of(family.network, settings.learner.features)
    of_features = methods.by_features(
        features, family.parents, children, family.probes, alphas=settings.alphas, measures=settings.measures
    )
    of_weights = methods.by_weights(family.parents, children, layers=settings.learner.weights)
    learned = methods.by_evidence(family.parents, children) | methods.by_detector(
        fitted, family.examples.select(places)
    )
    return {**of_features, **of_weights, **learned}


def _calibration(fitted: detector.Fitted, test: Sequence[detector.Examples]) -> runs.Record:
    """Returns what a record says of the detector beside its accuracy."""
    predictions = detector.predict(fitted.detector, fitted.variables, test)
    return {
        "temperature": fitted.temperature,
        "calibration error": detector.evaluate(predictions, temperature=fitted.temperature).calibration_error,
        "detector epochs": len(fitted.history),
    }


def _names(parts: Sequence[detector.Examples]) -> list[str]:
    return [name for part in parts for name in part.child_names]


def _merged(scores: Sequence[methods.Scores]) -> methods.Scores:
    """Puts the children of several families with equally named parents side by side."""
    return {method: xarray.concat([each[method] for each in scores], dim="child") for method in scores[0]}
