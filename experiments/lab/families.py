"""Families that a detector learns from or is tried on."""

import dataclasses

import flax.linen as nn

from lineage_jax import data, detector, linearize, population
from lineage_jax.typing import Inputs, Networks


@dataclasses.dataclass(frozen=True, kw_only=True)
class ProbedFamily:
    """Children of one regime with their candidate parents, and what is seen of all of them.

    Attributes:
        network: the module of all networks.
        parents: the candidates.
        children: fine-tuned networks.
        truth: by child the name of its parent.
        probes: inputs of the features.
        examples: what the detector sees.
    """

    network: nn.Module
    parents: Networks
    children: population.Trained
    truth: dict[str, str]
    probes: Inputs
    examples: detector.Examples


def finetune_family(
    learner: detector.Detector,
    parents: Networks,
    network: nn.Module,
    images: data.Images,
    probes: Inputs,
    *,
    settings: population.FamilySettings,
    name: str,
) -> ProbedFamily:
    """Fine-tunes the children of one regime and looks at all networks.

    Args:
        learner: the detector, which says what is seen of a network.
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
    features = linearize.features_of(network, learner.features)
    examples = detector.examples_of(parents, children, truth, probes, weights=learner.weights, features=features)
    return ProbedFamily(
        network=network, parents=parents, children=children, truth=truth, probes=probes, examples=examples
    )
