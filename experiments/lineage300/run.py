"""Trains trees of 300 networks and finds every ancestor in six ways (settings: config.py; numbers: README.md).

python -m experiments.lineage300.run [--mode smoke] [--out FOLDER]
"""

import functools
import itertools
from collections.abc import Callable
from pathlib import Path

import ml_collections
import xarray

from experiments.lab import accuracies, ancestry, images, methods, runs
from experiments.lab.pretraining import pretrain
from experiments.lineage300.config import get_config
from lineage_jax import detector, lineage, models, population, report, similarity

RELATIONS = {"parent": 1, "grandparent": 2, "great-grandparent": 3}
"""By how many generations an ancestor is older."""

SEEDS = {"test": 0, "train": 1000, "validation": 2000}
"""What is added to the seed for each tree."""


def main() -> None:
    """Runs one mode."""
    runs.main(__doc__, get_config, jobs, draw, folder=Path(__file__).parent)


def jobs(config: ml_collections.ConfigDict) -> dict[str, Callable[[], runs.Record]]:
    """Returns what computes the record of each seed."""
    return {f"300 networks {seed}": functools.partial(study, seed, config) for seed in config.seeds}


def draw(records: dict[str, runs.Record], path: Path) -> None:
    """Writes the accuracies, and the lineage that the detector found in the first tree."""
    accuracies.draw(records, path)
    first = next(iter(records.values()))
    report.chord_figure(
        first["generations"], first["truth"], path.with_stem(f"{path.stem}-chords"), found=first["found"]
    )


def study(seed: int, config: ml_collections.ConfigDict) -> runs.Record:
    """Trains three trees, and a detector on one of them; returns how often it and the scores are right on another."""
    trees = {name: make_tree(name, seed, config) for name in config.trees}
    fitted = fit(trees["train"], trees["validation"], seed, config)
    measures = {name: similarity.MEASURES[name] for name in config.measures}
    score = functools.partial(ancestry.scores_of, fitted=fitted, measures=measures, alphas=config.alphas)
    chosen, accuracy, found = {}, {}, {}
    for relation, distance in RELATIONS.items():
        scores, truth = score(trees["validation"], pairs_at(trees["validation"], distance))
        chosen[relation] = methods.choose(scores, truth, only=list(truth))
        scores, truth = score(trees["test"], pairs_at(trees["test"], distance))
        accuracy[relation] = methods.accuracy(scores, truth, chosen[relation], only=list(truth))
        found[relation] = named(scores[methods.DETECTOR])
    return {
        "variant": "300 networks",
        "seed": seed,
        "chosen": chosen,
        "accuracy": accuracy,
        "pairs": {relation: count_pairs(trees["test"], distance) for relation, distance in RELATIONS.items()},
        "temperature": fitted.temperature,
        "detector epochs": len(fitted.history),
        "generations": [list(networks.names) for networks in trees["test"].generations],
        "truth": trees["test"].parent_of,
        "found": found["parent"],
    }


def fit(
    train: ancestry.Tree, validation: ancestry.Tree, seed: int, config: ml_collections.ConfigDict
) -> detector.Fitted:
    """Trains one detector for ancestors of every distance."""
    parts = [
        [ancestry.examples_of(tree, pair) for distance in RELATIONS.values() for pair in pairs_at(tree, distance)]
        for tree in (train, validation)
    ]
    return detector.fit(
        detector.Detector(weights=train.compared.weights, features=train.compared.features),
        *parts,
        training=detector.DetectorTraining(seed=seed, **config.detector.to_dict()),
    )


def make_tree(name: str, seed: int, config: ml_collections.ConfigDict) -> ancestry.Tree:
    """Trains one tree: every network of a later generation continues any network of the one before."""
    seed += SEEDS[name]
    learned = [load(chosen, config) for chosen in config.learned]
    root, *later = [models.fc(train.num_classes, widths=config.widths) for train, _ in learned]
    sizes = config.trees[name]
    pretraining = population.TrainingSettings(**config.pretrain.to_dict())
    roots = pretrain("independent", root, learned[0][0], count=sizes[0], seed=seed, training=pretraining)
    parents = [
        population.random_parents(count, among=before, seed=seed + index)
        for index, (before, count) in enumerate(itertools.pairwise(sizes))
    ]
    training = population.TrainingSettings(**config.finetune.to_dict())
    made = population.make_generations(
        roots, ancestry.later_generations(later, learned[1:], parents, training), seed=seed
    )
    probes = ancestry.draw_probes(learned, config.probes, seed=seed)
    return ancestry.tree_of(made, root, probes, ancestry.ComparedLayers(**config.view.to_dict()))


def load(chosen: ml_collections.ConfigDict, config: ml_collections.ConfigDict) -> images.TrainTest:
    """Reads what one generation learns."""
    both = images.load_pooled(chosen.name, pooling=config.pooling)
    return images.of_classes(both, chosen.classes, count=config.examples)


def pairs_at(tree: ancestry.Tree, distance: int) -> list[ancestry.GenerationPair]:
    """Returns every pair of generations that are so far apart."""
    last = len(tree.generations) - distance
    return [ancestry.generation_pair(tree, older, older + distance) for older in range(1, last + 1)]


def count_pairs(tree: ancestry.Tree, distance: int) -> int:
    """Returns how many pairs of networks are decided."""
    return sum(len(pair.candidates) * len(pair.descendants) for pair in pairs_at(tree, distance))


def named(scores: xarray.DataArray) -> dict[str, str]:
    """Returns whom the scores of one setting name for everybody."""
    prediction = lineage.decide(scores.isel(setting=0)).prediction
    return dict(zip(prediction.child.values.tolist(), prediction.values.tolist(), strict=True))


if __name__ == "__main__":
    main()
