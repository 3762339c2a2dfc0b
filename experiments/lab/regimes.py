"""One detector for children of several regimes: on test children, and on families that nothing was learned from.

The records of an experiment are made from its settings:

    pooling, widths, probes, measures, alphas   of images, networks and learning-free scores
    layers      {weights, features}, what detector and scores see
    pretrain    what `population.TrainingSettings` takes; its steps are those from one checkpoint to the next
    finetune    what `population.TrainingSettings` takes
    detector    what `detector.DetectorTraining` takes
    regimes     what differs between children: {name, training: {...}, few_shot, imbalance}, all but the name if wanted
    learned     {source, target, parents, skip, children_per_parent}: the parents are the checkpoints of one run after
                the first `skip`; the children are counted by regime
    unseen      by name the same for families of other seeds
"""

import functools
from collections.abc import Callable

import ml_collections

from experiments.lab import families, runs
from experiments.lab.images import load_pooled
from lineage_jax import data, detector, models, population, similarity
from lineage_jax.typing import Networks

KNOWN = "same parents"
"""The variant of the test children, whose candidates were learned with."""

APART = 10_000
"""From one regime's seed to the next: children of two regimes share neither head nor minibatches."""

ELSEWHERE = 1_000
"""From a seed that is learned from to one that is not."""


def jobs(config: ml_collections.ConfigDict) -> dict[str, Callable[[], runs.Record]]:
    """Returns what computes the record of each variant and seed; a seed's variants share what was learned."""
    records: dict[str, Callable[[], runs.Record]] = {}
    for seed in config.seeds:
        lesson = functools.cache(functools.partial(learn, seed, config))
        records[f"{KNOWN} {seed}"] = functools.partial(known, lesson, seed)
        for name in config.unseen:
            records[f"{name} {seed}"] = functools.partial(unseen, lesson, name, seed, config)
    return records


def known(lesson: Callable[[], families.Lesson], seed: int) -> runs.Record:
    """Returns every method's accuracy on test children by regime, and how the detector was trained."""
    return {"variant": KNOWN, "seed": seed, **lesson().record}


def unseen(
    lesson: Callable[[], families.Lesson], name: str, seed: int, config: ml_collections.ConfigDict
) -> runs.Record:
    """Returns every method's accuracy by regime on families of another seed."""
    learned = lesson()
    made = make_families(learned.plan, seed + ELSEWHERE, config.unseen[name], config)
    accuracy = {regime: families.judge(learned, make()) for regime, make in made.items()}
    return {"variant": name, "seed": seed, "accuracy": accuracy}


def learn(seed: int, config: ml_collections.ConfigDict) -> families.Lesson:
    """Makes families and learns from them."""
    plan = families.Plan(
        learner=detector.Detector(**config.layers.to_dict()),
        training=detector.DetectorTraining(seed=seed, **config.detector.to_dict()),
        alphas=config.alphas,
        measures={name: similarity.MEASURES[name] for name in config.measures},
        seed=seed,
    )
    made = make_families(plan, seed, config.learned, config)
    return families.learn(plan, {regime: make() for regime, make in made.items()})


def make_families(
    plan: families.Plan, seed: int, settings: ml_collections.ConfigDict, config: ml_collections.ConfigDict
) -> dict[str, Callable[[], families.Family]]:
    """Trains parents; returns by regime what trains their children."""
    source, _ = load_pooled(settings.source, pooling=config.pooling)
    target, others = load_pooled(settings.target, pooling=config.pooling)
    network = models.fc(target.num_classes, widths=config.widths)
    parents = pretrain(network.clone(num_classes=source.num_classes), source, seed, settings, config)
    probes = families.probes_of(others, config.probes, seed=seed)
    raise_children = functools.partial(families.raise_children, plan, parents, network, target, probes)
    return {
        regime: functools.partial(raise_children, settings=family, name=regime)
        for regime, family in regimes_of(seed, settings, config).items()
    }


def pretrain(
    network: models.FC,
    images: data.Images,
    seed: int,
    settings: ml_collections.ConfigDict,
    config: ml_collections.ConfigDict,
) -> Networks:
    """Returns checkpoints of one run, without the first ones."""
    count = settings.skip + settings.parents
    training = population.TrainingSettings(**config.pretrain.to_dict() | {"steps": config.pretrain.steps * count})
    chain = population.pretrain_checkpoints(network, images, num_parents=count, seed=seed, training=training)
    return chain.select(chain.names[settings.skip :])


def regimes_of(
    seed: int, settings: ml_collections.ConfigDict, config: ml_collections.ConfigDict
) -> dict[str, population.FamilySettings]:
    """Returns how the children of every regime are made."""
    return {
        regime["name"]: population.FamilySettings(
            num_parents=settings.parents,
            children_per_parent=settings.children_per_parent,
            seed=seed + APART * place,
            finetuning=population.TrainingSettings(**config.finetune.to_dict() | regime.get("training", {})),
            few_shot=regime.get("few_shot"),
            imbalance=regime.get("imbalance"),
        )
        for place, regime in enumerate(config.regimes)
    }
