"""Trains generations and detectors, and names every ancestor in six ways (settings: config.py; numbers: README.md).

python -m experiments.generations.run [--mode smoke|imagenet] [--out FOLDER]
"""

import dataclasses
import functools
from collections.abc import Callable
from pathlib import Path

import ml_collections
import numpy as np

from experiments.generations.config import MODES, get_config
from experiments.lab import accuracies, ancestry, images, methods, runs
from experiments.lab.pretraining import pretrain
from lineage_jax import detector, genealogy, models, population, similarity

ANCESTORS, YOUNGEST = (1, 2, 3), 4
"""Generations that are searched for, and the last one."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Lines:
    """A tree, and which of its lines of descent are learned from, chosen by and tested on.

    Attributes:
        tree: the generations.
        parts: by part the names of G2 networks with which its lines begin.
        trained: share of examples that every generation classified rightly in the end of its training.
    """

    tree: ancestry.Tree
    parts: dict[str, tuple[str, ...]]
    trained: list[float]

    def names(self, part: str, generation: int) -> tuple[str, ...]:
        """Returns the networks of a generation on the lines of a part; every root is on lines of all parts."""
        everyone = self.tree.generations[generation - 1].names
        if generation == 1:
            return everyone
        begin = functools.partial(genealogy.ancestor, genealogy=self.tree.parent_of, generation=2)
        return tuple(name for name in everyone if begin(name) in self.parts[part])

    def pair(self, part: str, older: int, younger: int) -> ancestry.GenerationPair:
        """Returns the descendants of a part, beside the candidates of all parts."""
        return ancestry.select(ancestry.generation_pair(self.tree, older, younger), self.names(part, younger))

    def pair_within(self, part: str, older: int, younger: int) -> ancestry.GenerationPair:
        """Returns the descendants of a part, beside candidates of the same part."""
        return ancestry.select(
            self.pair(part, older, younger), self.names(part, younger), candidates=self.names(part, older)
        )


def main() -> None:
    """Runs one mode."""
    runs.main(__doc__, get_config, jobs, accuracies.draw, folder=Path(__file__).parent, modes=MODES)


def jobs(config: ml_collections.ConfigDict) -> dict[str, Callable[[], runs.Record]]:
    """Returns what computes the record of each kind of roots, seed and generation of ancestors."""
    found: dict[str, Callable[[], runs.Record]] = {}
    for kind in config.kinds:
        for seed in config.seeds:
            study_once = functools.cache(functools.partial(study, kind, seed, config))
            for older in ANCESTORS:
                found[f"{kind} {seed} G{older}"] = functools.partial(_record, study_once, older)
    return found


def study(kind: str, seed: int, config: ml_collections.ConfigDict) -> dict[int, runs.Record]:
    """Trains two trees, and a detector on the first; returns by generation how often ancestors there are found."""
    lines = make_lines(kind, seed, config, lines=config.lines.to_dict())
    unseen = make_lines(kind, seed + 1000, config, lines={"test": config.unseen_lines})
    fitted = fit(lines, seed, config)
    about = {
        "seed": seed,
        "trained to": lines.trained,
        "temperature": fitted.temperature,
        "detector epochs": len(fitted.history),
    }
    return {
        older: {"variant": f"{kind}, G{older}"} | about | compare(lines, unseen, fitted, older, config)
        for older in ANCESTORS
    }


def compare(
    lines: Lines, unseen: Lines, fitted: detector.Fitted, older: int, config: ml_collections.ConfigDict
) -> runs.Record:
    """Returns every method's accuracy on the test lines and on the unseen tree, by the descendants' generation.

    Settings are those that are best on the validation lines of all later generations together.
    """
    measures = {name: similarity.MEASURES[name] for name in config.measures}
    score = functools.partial(ancestry.scores_of, fitted=fitted, measures=measures, alphas=config.alphas)
    scores, truth = score(lines.tree, [lines.pair("validation", older, younger) for younger in later_than(older)])
    chosen = methods.choose(scores, truth, only=list(truth))
    accuracy = {}
    for name, where in (("", lines), (", unseen", unseen)):
        for younger in later_than(older):
            scores, truth = score(where.tree, [where.pair("test", older, younger)])
            accuracy[f"G{younger}{name}"] = methods.accuracy(scores, truth, chosen, only=list(truth))
    return {"chosen": chosen, "accuracy": accuracy}


def fit(lines: Lines, seed: int, config: ml_collections.ConfigDict) -> detector.Fitted:
    """Trains one detector for ancestors of all generations, on networks of the training lines alone."""
    train, validation = [], []
    for older in ANCESTORS:
        for younger in later_than(older):
            train.append(ancestry.examples_of(lines.tree, lines.pair_within("train", older, younger)))
            validation.append(ancestry.examples_of(lines.tree, lines.pair("validation", older, younger)))
    compared = lines.tree.compared
    return detector.fit(
        detector.Detector(weights=compared.weights, features=compared.features),
        train,
        validation,
        training=detector.DetectorTraining(seed=seed, **config.detector.to_dict()),
    )


def make_lines(kind: str, seed: int, config: ml_collections.ConfigDict, *, lines: dict[str, int]) -> Lines:
    """Trains all generations: every root has so many lines of each part, and a line one network a generation."""
    learned = [load(chosen, config) for chosen in config.learned]
    root, *later = [models.build(num_classes=train.num_classes, **config.network.to_dict()) for train, _ in learned]
    pretraining = population.TrainingSettings(**config.pretrain.to_dict())
    roots = pretrain(kind, root, learned[0][0], count=config.roots, seed=seed, training=pretraining)
    begin = np.repeat(np.arange(config.roots), sum(lines.values())).tolist()
    parents = [tuple(begin), *[tuple(range(len(begin)))] * (len(later) - 1)]
    training = population.TrainingSettings(**config.finetune.to_dict())
    made = population.make_generations(
        roots, ancestry.later_generations(later, learned[1:], parents, training), seed=seed
    )
    part_of_line = np.tile(np.repeat(list(lines), list(lines.values())), config.roots)
    probes = ancestry.draw_probes(learned, config.probes, seed=seed)
    return Lines(
        tree=ancestry.tree_of(made, root, probes, ancestry.ComparedLayers(**config.view.to_dict())),
        parts={part: tuple(np.array(made.networks[1].names)[part_of_line == part].tolist()) for part in lines},
        trained=[float(np.mean(networks.accuracy)) for networks in made.networks],
    )


def load(chosen: ml_collections.ConfigDict, config: ml_collections.ConfigDict) -> images.TrainTest:
    """Reads what one generation learns."""
    settings = config.images.to_dict()
    read = images.load_folder if settings.pop("folders") else images.load_pooled
    return images.of_classes(read(chosen.name, **settings), chosen.classes, count=config.examples)


def later_than(older: int) -> range:
    """Returns the generations of all descendants."""
    return range(older + 1, YOUNGEST + 1)


def _record(study_once: Callable[[], dict[int, runs.Record]], older: int) -> runs.Record:
    return study_once()[older]


if __name__ == "__main__":
    main()
