"""Trains families and detectors, and names every parent in six ways (settings: config.py; numbers: README.md).

python -m experiments.detector_fc.run [--mode smoke] [--out FOLDER]
"""

import functools
from collections.abc import Callable
from pathlib import Path

import ml_collections

from experiments.detector_fc.config import get_config
from experiments.lab import accuracies, families, runs
from experiments.lab.images import load_pooled
from lineage_jax import detector, models, population, similarity


def main() -> None:
    """Runs one mode."""
    runs.main(__doc__, get_config, jobs, accuracies.draw, folder=Path(__file__).parent)


def jobs(config: ml_collections.ConfigDict) -> dict[str, Callable[[], runs.Record]]:
    """Returns what computes the record of each variant and seed."""
    return {
        f"{variant} {seed}": functools.partial(compare, variant, seed, config)
        for variant in config.variants
        for seed in config.seeds
    }


def compare(variant: str, seed: int, config: ml_collections.ConfigDict) -> runs.Record:
    """Trains a family and a detector on it; returns the accuracy of every method on the test and unseen children."""
    plan = families.Plan(
        learner=detector.Detector(weights=(config.weights,), features=(config.features,)),
        training=detector.DetectorTraining(seed=seed, **config.detector.to_dict()),
        alphas=config.alphas,
        measures={name: similarity.MEASURES[name] for name in config.get("measures", similarity.MEASURES)},
        seed=seed,
    )
    lesson = families.learn(plan, {"test": make_family(plan, variant, seed, config.family, config)})
    accuracy = dict(lesson.record["accuracy"])
    for name, settings in config.unseen.items():
        accuracy[name] = families.judge(lesson, make_family(plan, variant, seed + 1000, settings, config))
    return {"variant": variant, "seed": seed, **lesson.record, "accuracy": accuracy}


def make_family(
    plan: families.Plan,
    variant: str,
    seed: int,
    settings: ml_collections.ConfigDict,
    config: ml_collections.ConfigDict,
) -> families.Family:
    """Trains parents and children; probes are test images that no child has seen."""
    source, _ = load_pooled(settings.source, pooling=config.pooling)
    target, unseen = load_pooled(settings.target, pooling=config.pooling)
    network = models.fc(target.num_classes, widths=[settings.widen * width for width in config.widths])
    training = population.TrainingSettings(**config.pretrain.to_dict())
    return families.raise_children(
        plan,
        families.pretrain(variant, network, source, count=settings.parents, seed=seed, training=training),
        network,
        target,
        families.probes_of(unseen, config.probes, seed=seed),
        settings=population.FamilySettings(
            num_parents=settings.parents,
            children_per_parent=settings.children_per_parent,
            seed=seed,
            finetuning=population.TrainingSettings(**config.finetune.to_dict()),
        ),
        name=settings.target,
    )


if __name__ == "__main__":
    main()
