"""Descendants of strangers: tuned in many ways on other images, of one to three generations, and edited by hand."""

import math
from collections.abc import Callable, Mapping

import jax
import ml_collections
import numpy as np

from experiments.evidence import kept, training
from experiments.evidence.families import seeds_of, settings_of, strangers
from experiments.evidence.images import load
from experiments.evidence.kept import Labelled
from experiments.evidence.networks import build
from experiments.lab import edits
from lineage_jax.typing import Params

Found = dict[str, Labelled]


def roots(kind: str, config: ml_collections.ConfigDict) -> Found:
    """Returns the strangers that have children: the first ones of each set and recipe."""
    found, each = strangers(kind, config), config.kinds[kind].roots
    recipes, sets = list(config.recipes)[: math.ceil(each)], config.sets[: round(len(config.sets) * min(each, 1))]
    return {f"{images} {way} 0": found[f"{images} {way} 0"] for images in sets for way in recipes}


def descendants(kind: str, config: ml_collections.ConfigDict) -> Found:
    """Makes all descendants of the roots of one kind; those whose training diverged are left out."""
    settings = settings_of(kind, config, "tuning", "generations", "edits")
    made = kept.remembered(f"{kind} descendants", settings, lambda: _descendants(kind, config))
    return {name: child for name, child in made.items() if is_finite(child.variables)}


def is_finite(variables: Params) -> bool:
    """Tells whether every number of a network is finite."""
    return all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(variables))


def _descendants(kind: str, config: ml_collections.ConfigDict) -> Found:
    starts = roots(kind, config)
    found: Found = {}
    seed = seeds_of(kind, config) + 10_000
    for way, settings in config.tuning.items():
        found |= tuned(kind, starts, way, settings, config, seed=seed + len(found))
    parents = {name: child for name, child in found.items() if child.way == config.generations[0]}
    for way in config.generations[1:]:
        parents = tuned(kind, parents, way, config.tuning[config.generations[0]], config, seed=seed + len(found))
        found |= parents
    return found | edited(kind, starts, config)


def tuned(
    kind: str,
    parents: Mapping[str, Labelled],
    way: str,
    settings: ml_collections.ConfigDict,
    config: ml_collections.ConfigDict,
    *,
    seed: int,
) -> Found:
    """Tunes every parent on the set after its own, with a new head."""
    network = build(config.kinds[kind].network)
    found: Found = {}
    for number, (parent, of) in enumerate(parents.items(), start=seed):
        images = config.sets[(config.sets.index(of.images) + 1) % len(config.sets)]
        train, test = load(images, side=config.kinds[kind].side, count=config.images)
        variables = training.trained(
            network,
            training.with_new_head(network, of.variables, train, number),
            train,
            seed=number,
            descent=training.Descent(**settings.to_dict()),
        )
        found[f"{parent}, {way}"] = Labelled(
            variables=variables,
            start=of.start,
            images=images,
            way=way,
            generation=of.generation + 1,
            accuracy=training.accuracy(network, variables, test),
        )
    return found


def edited(kind: str, parents: Mapping[str, Labelled], config: ml_collections.ConfigDict) -> Found:
    """Changes every parent without training."""
    network = build(config.kinds[kind].network)
    found: Found = {}
    for parent, of in parents.items():
        _, test = load(of.images, side=config.kinds[kind].side, count=config.images)
        for way, change in changes(config).items():
            variables = change(of.variables)
            found[f"{parent}, {way}"] = Labelled(
                variables=variables,
                start=of.start,
                images=of.images,
                way=way,
                generation=1,
                accuracy=training.accuracy(network, variables, test),
            )
    return found


def changes(config: ml_collections.ConfigDict) -> dict[str, Callable[[Params], Params]]:
    """Returns by name what is done to weights."""
    pruned = {f"pruned {100 * share:g} %": lambda v, s=share: edits.prune(v, s) for share in config.edits.pruned}
    noisy = {f"noise {share:g}": lambda v, s=share: edits.disturb(v, s, 0) for share in config.edits.noise}
    return {**pruned, "int8": edits.quantise, **noisy}
