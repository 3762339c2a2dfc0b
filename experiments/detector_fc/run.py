"""Trains families and detectors, and names every parent in six ways (settings: config.py; numbers: README.md).

python -m experiments.detector_fc.run [--mode smoke] [--out FOLDER]
"""

import functools
from collections.abc import Callable
from pathlib import Path

import ml_collections

from experiments.detector_fc.config import get_config
from experiments.lab import accuracies, comparison, runs
from experiments.lab.families import ProbedFamily, finetune_family
from experiments.lab.images import draw_probes, load_family_images
from experiments.lab.pretraining import pretrain
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
    methods = comparison.MethodSettings(
        learner=detector.Detector(weights=(config.weights,), features=(config.features,)),
        training=detector.DetectorTraining(seed=seed, **config.detector.to_dict()),
        alphas=config.alphas,
        measures={name: similarity.MEASURES[name] for name in config.get("measures", similarity.MEASURES)},
        seed=seed,
    )
    make = functools.partial(make_family, methods.learner, variant)
    fitted = comparison.fit_methods(methods, {"test": make(seed, config.family, config)})
    accuracy = dict(fitted.record["accuracy"])
    for name, settings in config.unseen.items():
        accuracy[name] = comparison.accuracy_on(fitted, make(seed + 1000, settings, config))
    return {"variant": variant, "seed": seed, **fitted.record, "accuracy": accuracy}


def make_family(
    learner: detector.Detector,
    variant: str,
    seed: int,
    settings: ml_collections.ConfigDict,
    config: ml_collections.ConfigDict,
) -> ProbedFamily:
    """Trains parents and children; probes are test images that no child has seen."""
    images = load_family_images(settings.source, settings.target, pooling=config.pooling)
    network = models.fc(images.target.num_classes, widths=[settings.widen * width for width in config.widths])
    training = population.TrainingSettings(**config.pretrain.to_dict())
    return finetune_family(
        learner,
        pretrain(variant, network, images.source, count=settings.parents, seed=seed, training=training),
        network,
        images.target,
        draw_probes(images.unseen, config.probes, seed=seed),
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
