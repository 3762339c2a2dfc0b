"""Is the same parent named after a child was laundered, and are published files still judged as they were?

python -m experiments.evidence.naming [--mode smoke]     # results/naming.json and the tables
python -m experiments.evidence.naming_table              # the tables alone, from the results

A family has four candidates, and children of each of them in many ways. `evidence.detect` is asked about every child
with the candidates of its family, once as it is and once laundered; of transformers once more with the stream turned.
"""

import functools
from collections.abc import Callable
from pathlib import Path

import ml_collections

from experiments.evidence import children, families, kept, naming_published, statistics, training
from experiments.evidence import config as shared
from experiments.evidence.images import load
from experiments.evidence.kept import Labelled
from experiments.evidence.naming_table import NOBODY, RELATIONS, tables
from experiments.evidence.networks import build, input_of
from experiments.evidence.rates import HOW
from experiments.lab import runs
from lineage_jax import evidence

SEEDS = 50_000
"""Where those of these families begin, after those of a kind's other networks."""

FILES = {"full": "naming.json", "smoke": "naming-smoke.json"}


def get_config(mode: str = "full") -> ml_collections.ConfigDict:
    """Returns the locked settings of one mode."""
    config = shared.get_config(mode)
    with config.unlocked():
        config.families = {"fc": 4, "convnet": 1, "vit": 1}  # of each relation
        config.ways = ("short", "gentle", "plain", "high rate", "regularised", "few-shot", "far 1")
        config.published = mode == "full"
        if mode == "smoke":
            config.families, config.ways = {"fc": 1}, ("plain",)
    return config.lock()


def main() -> None:
    """Runs one mode; what an equal run left is kept."""
    config, path, head = runs.begin(__doc__, get_config, folder=Path(__file__).parent)
    path = path.with_name(FILES[path.stem])
    done = runs.complete(path, head, jobs(config))
    print("\n\n".join(tables(done)))


def jobs(config: ml_collections.ConfigDict) -> dict[str, Callable[[], runs.Record]]:
    """Returns what computes the record of published files, and that of every family."""
    published: dict[str, Callable[[], runs.Record]] = {"published": naming_published.judged} if config.published else {}
    return published | {
        f"{kind}, {relation}, {number}": functools.partial(named, kind, relation, number, config)
        for kind, count in config.families.items()
        for relation in RELATIONS
        for number in range(count)
    }


def named(kind: str, relation: str, number: int, config: ml_collections.ConfigDict) -> runs.Record:
    """Asks for the parent of every child of a family; candidates are told by their place, nobody by `NOBODY`."""
    network, shape = build(config.kinds[kind].network), input_of(config.kinds[kind])
    parents, born = family(kind, relation, number, config)
    candidates = {name: of.variables for name, of in parents.items()}
    places = {None: NOBODY} | {name: place for place, name in enumerate(parents)}
    parent_of = {name: name.rpartition(", ")[0] for name in born}
    views = statistics.views(network, {name: of.variables for name, of in born.items()}, shape)
    near = statistics.overlapping(network, candidates, views["in place"])
    columns = {
        "parent": [places[parent_of[name]] for name in born],
        "way": [config.ways.index(of.way) for of in born.values()],
        "cosine": statistics.of_pairs(near, [(parent_of[name], name) for name in born])["cosine"],
    }
    ask = functools.partial(
        evidence.detect, candidates, weights_only=True, network=network, input_shape=(shape[1], shape[2], shape[3])
    )
    for how, test in HOW.items():
        if test in views:
            columns[how] = [places[ask(views[test][name]).prediction] for name in born]
    return {"candidates": list(parents), "children": statistics.packed(columns)}


def family(
    kind: str, relation: str, number: int, config: ml_collections.ConfigDict
) -> tuple[dict[str, Labelled], dict[str, Labelled]]:
    """Trains a family: its candidates, and the children of each by every way; diverged ones are left out."""
    settings = families.settings_of(kind, config, "ways", "tuning")

    def make() -> dict[str, Labelled]:
        seed = families.seeds_of(kind, config) + SEEDS + 1000 * (len(RELATIONS) * number + RELATIONS.index(relation))
        found = candidates(kind, relation, number, config, seed)
        return found | {
            name: child
            for place, way in enumerate(config.ways, start=1)
            for name, child in children.tuned(
                kind, found, way, config.tuning[way], config, seed=seed + 100 * place
            ).items()
        }

    made = kept.remembered(f"{kind} {relation} {number}", settings, make)
    parents = {name: of for name, of in made.items() if of.generation == 0}
    born = {name: of for name, of in made.items() if of.generation and children.is_finite(of.variables)}
    return parents, born


def candidates(
    kind: str, relation: str, number: int, config: ml_collections.ConfigDict, seed: int
) -> dict[str, Labelled]:
    """Trains the candidates of a family: one a set, or as many checkpoints of one training.

    Independent ones begin with other random weights each, those of one start with the same.
    """
    if relation == "checkpoints of one training":
        return _checkpoints(kind, config.sets[number % len(config.sets)], config, seed)
    return {
        images: families.from_scratch(
            kind,
            images,
            "plain",
            config,
            weights=seed if relation == "one start" else seed + place,
            minibatches=seed + place,
            start=relation,
        )
        for place, images in enumerate(config.sets)
    }


def _checkpoints(kind: str, images: str, config: ml_collections.ConfigDict, seed: int) -> dict[str, Labelled]:
    """Trains one network, and again from where it was, as often as there are sets; momentum begins anew each time."""
    settings = config.kinds[kind]
    network, (train, test) = build(settings.network), load(images, side=settings.side, count=config.images)
    descent = training.Descent(
        steps=settings.steps, learning_rate=settings.learning_rate, weight_decay=config.recipes.plain
    )
    variables, found = training.fresh(network, train, seed), {}
    for place in range(len(config.sets)):
        variables = training.trained(network, variables, train, seed=seed + place, descent=descent)
        found[f"checkpoint {place}"] = Labelled(
            variables=variables,
            start="one training",
            images=images,
            way="plain",
            accuracy=training.accuracy(network, variables, test),
        )
    return found


if __name__ == "__main__":
    main()
