"""Families that a detector learns from or is tried on, and what every method makes of them."""

import dataclasses
import time
from collections.abc import Mapping, Sequence

import flax.linen as nn
import jax.numpy as jnp
import numpy as np
import xarray

from experiments.lab import methods, runs
from lineage_jax import data, detector, linearize, population, similarity
from lineage_jax.typing import Inputs, Measure, Networks

Scores = dict[str, xarray.DataArray]
"""By method its scores `[parent, child, setting]`."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Plan:
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
class Family:
    """Children of one regime with their candidate parents, and what is looked at."""

    network: nn.Module
    parents: Networks
    children: population.Trained
    truth: dict[str, str]
    probes: Inputs
    examples: detector.Examples


@dataclasses.dataclass(frozen=True, kw_only=True)
class Lesson:
    """What was learned from families, without their networks.

    Attributes:
        plan: how.
        fitted: the detector.
        chosen: every method's setting.
        record: accuracy on test children by family, and how the detector did.
    """

    plan: Plan
    fitted: detector.Fitted
    chosen: dict[str, str]
    record: runs.Record


def pretrain(
    kind: str, network: nn.Module, images: data.Images, *, count: int, seed: int, training: population.TrainingSettings
) -> population.Trained:
    """Trains `independent` parents, parents of one random start (`shared-init`), or takes `checkpoints` of one run."""
    if kind == "checkpoints":
        training = dataclasses.replace(training, steps=-(-training.steps // count) * count)
        return population.pretrain_checkpoints(network, images, num_parents=count, seed=seed, training=training)
    shared = kind == "shared-init"
    return population.pretrain(network, images, num_parents=count, seed=seed, training=training, shared_init=shared)


def raise_children(
    plan: Plan,
    parents: Networks,
    network: nn.Module,
    images: data.Images,
    probes: Inputs,
    *,
    settings: population.FamilySettings,
    name: str,
) -> Family:
    """Fine-tunes the children of one regime and looks at all networks.

    Args:
        plan: what is looked at.
        parents: the candidates.
        network: the children's module.
        images: what they learn.
        probes: inputs of the features.
        settings: how they learn, and how many a parent has.
        name: put before the children's names, which are then their own among those of all regimes.
    """
    children, truth = population.finetune(
        parents,
        network,
        images,
        children_per_parent=settings.children_per_parent,
        seed=settings.seed,
        training=settings.finetuning,
        subsets=population.subsets_of(settings, images),
    )
    children = dataclasses.replace(children, names=tuple(f"{name}/{child}" for child in children.names))
    truth = {f"{name}/{child}": parent for child, parent in truth.items()}
    features = linearize.features_of(network, plan.learner.features)
    look = detector.examples_of(parents, children, truth, probes, weights=plan.learner.weights, features=features)
    return Family(network=network, parents=parents, children=children, truth=truth, probes=probes, examples=look)


def probes_of(images: data.Images, count: int, *, seed: int) -> Inputs:
    """Draws probes from images that no child has seen."""
    return jnp.asarray(data.probes(images, count, seed=seed))


def learn(plan: Plan, families: Mapping[str, Family]) -> Lesson:
    """Trains a detector on families together, and chooses every method's setting on all their validation children."""
    parts = detector.split([family.examples for family in families.values()], seed=plan.seed)
    started = time.perf_counter()
    fitted = detector.fit(plan.learner, parts.train, parts.validation, training=plan.training)
    seconds = time.perf_counter() - started
    held = zip(families.values(), parts.validation, parts.test, strict=True)
    scores = _merged([scores_of(plan, fitted, family, only=_names(rest)) for family, *rest in held])
    truth = {child: parent for family in families.values() for child, parent in family.truth.items()}
    chosen = methods.choose(scores, truth, only=_names(parts.validation))
    accuracy = {
        name: methods.accuracy(scores, truth, chosen, only=part.child_names)
        for name, part in zip(families, parts.test, strict=True)
    }
    trained_to = float(np.mean(np.concatenate([family.children.accuracy for family in families.values()])))
    record = {"children trained to": trained_to, "chosen": chosen, "accuracy": accuracy}
    record |= _report(fitted, parts.test) | {"detector seconds": round(seconds, 1)}
    return Lesson(plan=plan, fitted=fitted, chosen=chosen, record=record)


def judge(lesson: Lesson, family: Family) -> dict[str, float]:
    """Returns every method's accuracy on all children of a family that nothing was learned from."""
    scores = scores_of(lesson.plan, lesson.fitted, family, only=family.children.names)
    return methods.accuracy(scores, family.truth, lesson.chosen, only=family.children.names)


def scores_of(plan: Plan, fitted: detector.Fitted, family: Family, *, only: Sequence[str]) -> Scores:
    """Returns the scores of every method for some of the children."""
    children = family.children.select(tuple(only))
    places = np.array([family.examples.child_names.index(name) for name in only])
    features = linearize.features_of(family.network, plan.learner.features)
    of_features = methods.by_features(
        features, family.parents, children, family.probes, alphas=plan.alphas, measures=plan.measures
    )
    of_weights = methods.by_weights(family.parents, children, layers=plan.learner.weights)
    return {**of_features, **of_weights, **methods.by_detector(fitted, family.examples.select(places))}


def _report(fitted: detector.Fitted, test: Sequence[detector.Examples]) -> runs.Record:
    """Returns what a record says of the detector beside its accuracy."""
    predictions = detector.predict(fitted.detector, fitted.variables, test)
    return {
        "temperature": fitted.temperature,
        "calibration error": detector.evaluate(predictions, temperature=fitted.temperature).calibration_error,
        "detector epochs": len(fitted.history),
    }


def _names(parts: Sequence[detector.Examples]) -> list[str]:
    return [name for part in parts for name in part.child_names]


def _merged(scores: Sequence[Scores]) -> Scores:
    """Puts the children of several families with equally named parents side by side."""
    return {method: xarray.concat([each[method] for each in scores], dim="child") for method in scores[0]}
