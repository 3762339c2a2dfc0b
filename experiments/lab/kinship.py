"""Several generations of networks: candidates of one, descendants of a later one, and who descends from whom."""

import dataclasses
from collections.abc import Mapping, Sequence

import flax.linen as nn
import jax
import jax.numpy as jnp
import xarray

from experiments.lab import methods
from lineage_jax import data, detector, genealogy, linearize, population
from lineage_jax.typing import Inputs, Measure, Networks

Scores = dict[str, xarray.DataArray]
"""By method `[parent, child, setting]`, as `_methods` makes them; parents are candidates of any earlier generation."""

Learned = tuple[data.Images, data.Images]
"""What a generation learns, and images of the same classes that it does not see."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class View:
    """What methods see of a network.

    Attributes:
        layer: whose output the scores compare.
        weights: layers whose kernels the detector sees.
        features: layers whose outputs the detector sees.
    """

    layer: str
    weights: tuple[str, ...]
    features: tuple[str, ...]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Tree:
    """Generations as all methods see them.

    Attributes:
        network: the module of all of them, with one class.
        generations: networks without their heads, the roots first.
        parent_of: the name of every network's parent.
        probes: inputs of the features.
        view: what is seen.
    """

    network: nn.Module
    generations: tuple[Networks, ...]
    parent_of: dict[str, str]
    probes: Inputs
    view: View


@dataclasses.dataclass(frozen=True, kw_only=True)
class Kin:
    """Networks of one generation, the candidates of an earlier one, and the name of everybody's ancestor there."""

    candidates: Networks
    descendants: Networks
    truth: dict[str, str]


def plan(
    networks: Sequence[nn.Module],
    learned: Sequence[Learned],
    parents: Sequence[tuple[int, ...]],
    training: population.TrainingSettings,
) -> list[population.Generation]:
    """Returns what the generations after the roots are told to do, all of them trained alike."""
    return [
        population.Generation(network=network, images=images, training=training, parents=places)
        for network, (images, _), places in zip(networks, learned, parents, strict=True)
    ]


def tree_of(made: population.Generations, network: nn.Module, probes: Inputs, view: View) -> Tree:
    """Takes the heads off: what a network learned last tells nothing of whom it descends from.

    Generations with other classes then have the same tree of variables.
    """
    return Tree(
        network=network.clone(num_classes=1),
        generations=tuple(_without_head(networks, network.head) for networks in made.networks),
        parent_of=made.parent_of,
        probes=probes,
        view=view,
    )


def probes_of(learned: Sequence[Learned], count: int, *, seed: int) -> Inputs:
    """Draws probes, as many from the unseen images of every generation."""
    return jnp.concatenate([data.probes(unseen, count // len(learned), seed=seed) for _, unseen in learned])


def kin_of(tree: Tree, older: int, younger: int) -> Kin:
    """Returns all networks of two generations, of which the roots' is 1."""
    candidates, descendants = tree.generations[older - 1], tree.generations[younger - 1]
    truth = {name: genealogy.ancestor(name, tree.parent_of, generation=older) for name in descendants.names}
    return Kin(candidates=candidates, descendants=descendants, truth=truth)


def select(kin: Kin, descendants: Sequence[str], *, candidates: Sequence[str] = ()) -> Kin:
    """Returns some descendants beside all candidates, or beside some."""
    return Kin(
        candidates=kin.candidates.select(tuple(candidates)) if candidates else kin.candidates,
        descendants=kin.descendants.select(tuple(descendants)),
        truth={name: kin.truth[name] for name in descendants},
    )


def examples_of(tree: Tree, kin: Kin) -> detector.Examples:
    """Returns what the detector sees."""
    features = linearize.features_of(tree.network, tree.view.features)
    return detector.examples_of(
        kin.candidates, kin.descendants, kin.truth, tree.probes, weights=tree.view.weights, features=features
    )


def scores_of(
    tree: Tree,
    kins: Sequence[Kin],
    fitted: detector.Fitted,
    *,
    measures: Mapping[str, Measure],
    alphas: Sequence[float],
) -> tuple[Scores, dict[str, str]]:
    """Returns the scores of every method over several kin with different descendants, and the truth about all.

    Where a network is no candidate of a descendant, it has no score.
    """
    features = linearize.features_of(tree.network, (tree.view.layer,))
    parts = []
    for kin in kins:
        sides = kin.candidates, kin.descendants
        by_features = methods.by_features(features, *sides, tree.probes, alphas=alphas, measures=measures)
        by_weights = methods.by_weights(*sides, layers=tree.view.weights)
        parts.append({**by_features, **by_weights, **methods.by_detector(fitted, examples_of(tree, kin))})
    joined = {method: xarray.concat([part[method] for part in parts], "child", join="outer") for method in parts[0]}
    return joined, {name: ancestor for kin in kins for name, ancestor in kin.truth.items()}


def _without_head(networks: Networks, head: str) -> Networks:
    """Gives all networks the same empty head of one class."""
    layers = networks.variables["params"]
    empty = jax.tree.map(lambda leaf: jnp.zeros((*leaf.shape[:-1], 1)), layers[head])
    return Networks(names=networks.names, variables=networks.variables | {"params": layers | {head: empty}})
