"""Candidate parents, which come about in one of three ways: some are harder to tell apart than others."""

import dataclasses
from typing import Any

import flax.linen as nn

from lineage_jax import data, population

KINDS = ("independent", "shared-init", "checkpoints")


def pretrain(
    kind: str,
    network: nn.Module,
    images: data.Images | data.Annotated,
    *,
    count: int,
    seed: int,
    training: population.TrainingSettings,
    objective: population.Objective = population.classification,
) -> population.Trained:
    """Trains the candidates of a family.

    Args:
        kind: `independent` seeds, one random start with other minibatches (`shared-init`), or `checkpoints` of one run,
            at equal distances.
        network: the module; it gets a head for what the images show.
        images: what candidates learn.
        count: how many.
        seed: decides every random number.
        training: how; steps that checkpoints do not divide equally are rounded up.
        objective: what they minimise.

    Raises:
        ValueError: If there is no such kind.
    """
    if kind not in KINDS:
        raise ValueError(f"expected one of {', '.join(KINDS)}, got {kind!r}")
    network = network.clone(num_classes=images.num_classes)
    words: dict[str, Any] = {"seed": seed, "objective": objective}
    if kind == "checkpoints":
        training = dataclasses.replace(training, steps=-(-training.steps // count) * count)
        return population.pretrain_checkpoints(network, images, num_parents=count, training=training, **words)
    shared = kind == "shared-init"
    return population.pretrain(network, images, num_parents=count, training=training, shared_init=shared, **words)
