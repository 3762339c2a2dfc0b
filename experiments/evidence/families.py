"""Networks that were trained from scratch: strangers, and twins of one random start."""

import itertools
from typing import Any

import ml_collections

from experiments.evidence import kept, training
from experiments.evidence.images import load
from experiments.evidence.kept import Labelled
from experiments.evidence.networks import build


def strangers(kind: str, config: ml_collections.ConfigDict) -> dict[str, Labelled]:
    """Trains networks of one kind that share nothing: on every set, by every recipe, with every seed."""
    return kept.remembered(f"{kind} strangers", settings_of(kind, config), lambda: _strangers(kind, config))


def twins(kind: str, config: ml_collections.ConfigDict) -> dict[str, Labelled]:
    """Trains networks that start from the same random weights: two a set, the same start for each two sets."""
    return kept.remembered(f"{kind} twins", settings_of(kind, config), lambda: _twins(kind, config))


def settings_of(kind: str, config: ml_collections.ConfigDict, *more: str) -> dict[str, Any]:
    """Returns what decides what networks from scratch are, and more settings by name."""
    names = ("sets", "images", "recipes", "attack", *more)
    return {name: config[name] for name in names} | {"kind": config.kinds[kind]}


def seeds_of(kind: str, config: ml_collections.ConfigDict) -> int:
    """Returns where the seeds of a kind begin; no two networks have one."""
    return 100_000 * (1 + list(config.kinds).index(kind))


def from_scratch(
    kind: str,
    images: str,
    way: str,
    config: ml_collections.ConfigDict,
    *,
    weights: int,
    minibatches: int,
    start: str,
) -> Labelled:
    """Trains one network from the random weights of one seed, with the minibatches of another."""
    settings = config.kinds[kind]
    network = build(settings.network)
    train, test = load(images, side=settings.side, count=config.images)
    variables = training.trained(
        network,
        training.fresh(network, train, weights),
        train,
        seed=minibatches,
        descent=training.Descent(
            steps=settings.steps,
            learning_rate=settings.learning_rate,
            weight_decay=config.recipes.get(way, config.recipes.plain),
            attack=config.attack if way == "robust" else 0.0,
        ),
    )
    accuracy = training.accuracy(network, variables, test)
    return Labelled(variables=variables, start=start, images=images, way=way, accuracy=accuracy)


def _strangers(kind: str, config: ml_collections.ConfigDict) -> dict[str, Labelled]:
    counts = dict.fromkeys(config.recipes, config.kinds[kind].runs) | {"robust": config.kinds[kind].robust}
    plan = [(images, way, n) for images in config.sets for way, count in counts.items() for n in range(count)]
    found: dict[str, Labelled] = {}
    for seed, (images, way, number) in enumerate(plan, start=seeds_of(kind, config)):
        name = f"{images} {way} {number}"
        found[name] = from_scratch(kind, images, way, config, weights=seed, minibatches=seed, start=name)
    return found


def _twins(kind: str, config: ml_collections.ConfigDict) -> dict[str, Labelled]:
    first = seeds_of(kind, config) + 1000
    return {
        f"{images} twin {number}": from_scratch(
            kind,
            images,
            "twin",
            config,
            weights=first + place // 2,
            minibatches=first + 10 * place + number,
            start=f"start {place // 2}",
        )
        for (place, images), number in itertools.product(enumerate(config.sets), range(2))
    }
