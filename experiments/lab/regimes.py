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

from experiments.lab import comparison, runs
from experiments.lab.families import ProbedFamily, finetune_family
from experiments.lab.images import draw_probes, load_family_images
from experiments.lab.pretraining import pretrain
from lineage_jax import data, detector, models, population, similarity
from lineage_jax.typing import Networks

SAME_PARENTS = "same parents"
"""The variant of the test children, whose candidates were learned with."""

REGIME_SEEDS = 10_000
"""From one regime's seed to the next: children of two regimes share neither head nor minibatches."""

UNSEEN_SEEDS = 1_000
"""From a seed that is learned from to one that is not."""


def jobs(config: ml_collections.ConfigDict) -> dict[str, Callable[[], runs.Record]]:
    """Returns what computes the record of each variant and seed; a seed's variants share what was learned."""
    records: dict[str, Callable[[], runs.Record]] = {}
    for seed in config.seeds:
        fit_once = functools.cache(functools.partial(fit, seed, config))
        records[f"{SAME_PARENTS} {seed}"] = functools.partial(of_same_parents, fit_once, seed)
        for name in config.unseen:
            records[f"{name} {seed}"] = functools.partial(of_unseen_parents, fit_once, name, seed, config)
    return records


def of_same_parents(fit_once: Callable[[], comparison.FittedMethods], seed: int) -> runs.Record:
    """Returns every method's accuracy on test children by regime, and how the detector was trained."""
    return {"variant": SAME_PARENTS, "seed": seed, **fit_once().record}


def of_unseen_parents(
    fit_once: Callable[[], comparison.FittedMethods], name: str, seed: int, config: ml_collections.ConfigDict
) -> runs.Record:
    """Returns every method's accuracy by regime on families of another seed."""
    fitted = fit_once()
    made = make_families(fitted.settings.learner, seed + UNSEEN_SEEDS, config.unseen[name], config)
    accuracy = {regime: comparison.accuracy_on(fitted, make()) for regime, make in made.items()}
    return {"variant": name, "seed": seed, "accuracy": accuracy}


def fit(seed: int, config: ml_collections.ConfigDict) -> comparison.FittedMethods:
    """Makes families and fits every method on them."""
    settings = comparison.MethodSettings(
        learner=detector.Detector(**config.layers.to_dict()),
        training=detector.DetectorTraining(seed=seed, **config.detector.to_dict()),
        alphas=config.alphas,
        measures={name: similarity.MEASURES[name] for name in config.measures},
        seed=seed,
    )
    made = make_families(settings.learner, seed, config.learned, config)
    return comparison.fit_methods(settings, {regime: make() for regime, make in made.items()})


def make_families(
    learner: detector.Detector, seed: int, settings: ml_collections.ConfigDict, config: ml_collections.ConfigDict
) -> dict[str, Callable[[], ProbedFamily]]:
    """Trains parents; returns by regime what trains their children."""
    images = load_family_images(settings.source, settings.target, pooling=config.pooling)
    network = models.fc(images.target.num_classes, widths=config.widths)
    parents = late_checkpoints(network, images.source, seed, settings, config)
    probes = draw_probes(images.unseen, config.probes, seed=seed)
    finetune = functools.partial(finetune_family, learner, parents, network, images.target, probes)
    return {
        regime: functools.partial(finetune, settings=family, name=regime)
        for regime, family in regimes_of(seed, settings, config).items()
    }


def late_checkpoints(
    network: models.FC,
    images: data.Images,
    seed: int,
    settings: ml_collections.ConfigDict,
    config: ml_collections.ConfigDict,
) -> Networks:
    """Returns checkpoints of one run, without the first ones."""
    count = settings.skip + settings.parents
    training = population.TrainingSettings(**config.pretrain.to_dict() | {"steps": config.pretrain.steps * count})
    chain = pretrain("checkpoints", network, images, count=count, seed=seed, training=training)
    return chain.select(chain.names[settings.skip :])


def regimes_of(
    seed: int, settings: ml_collections.ConfigDict, config: ml_collections.ConfigDict
) -> dict[str, population.FamilySettings]:
    """Returns how the children of every regime are made."""
    return {
        regime["name"]: population.FamilySettings(
            num_parents=settings.parents,
            children_per_parent=settings.children_per_parent,
            seed=seed + REGIME_SEEDS * place,
            finetuning=population.TrainingSettings(**config.finetune.to_dict() | regime.get("training", {})),
            few_shot=regime.get("few_shot"),
            imbalance=regime.get("imbalance"),
        )
        for place, regime in enumerate(config.regimes)
    }
