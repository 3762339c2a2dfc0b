"""Several generations of networks: candidates of one, descendants of a later one, and who descends from whom."""

import dataclasses
from collections.abc import Mapping, Sequence

import flax.linen as nn
import jax
import jax.numpy as jnp
import xarray

from experiments.lab import images, methods
from experiments.lab.images import TrainTest
from lineage_jax import detector, genealogy, linearize, population
from lineage_jax.typing import Inputs, Measure, Networks


@dataclasses.dataclass(frozen=True, kw_only=True)
class ComparedLayers:
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
        compared: what is seen.
    """

    network: nn.Module
    generations: tuple[Networks, ...]
    parent_of: dict[str, str]
    probes: Inputs
    compared: ComparedLayers


@dataclasses.dataclass(frozen=True, kw_only=True)
class GenerationPair:
    """Networks of one generation, the candidates of an earlier one, and the name of everybody's ancestor there."""

    candidates: Networks
    descendants: Networks
    truth: dict[str, str]


def later_generations(
    networks: Sequence[nn.Module],
    learned: Sequence[TrainTest],
    parents: Sequence[tuple[int, ...]],
    training: population.TrainingSettings,
) -> list[population.Generation]:
    """Returns how the generations after the roots are made, all of them trained alike."""
    return [
        population.Generation(network=network, images=train, training=training, parents=places)
        for network, (train, _), places in zip(networks, learned, parents, strict=True)
    ]


def tree_of(made: population.Generations, network: nn.Module, probes: Inputs, compared: ComparedLayers) -> Tree:
    """Takes the heads off: what a network learned last tells nothing of whom it descends from.

    Generations with other classes then have the same tree of variables.
    """
    return Tree(
        network=network.clone(num_classes=1),
        generations=tuple(_without_head(networks, network.head) for networks in made.networks),
        parent_of=made.parent_of,
        probes=probes,
        compared=compared,
    )


def draw_probes(learned: Sequence[TrainTest], count: int, *, seed: int) -> Inputs:
    """Draws probes, as many from the unseen images of every generation."""
    return jnp.concatenate([images.draw_probes(unseen, count // len(learned), seed=seed) for _, unseen in learned])


def generation_pair(tree: Tree, older: int, younger: int) -> GenerationPair:
    """Returns all networks of two generations, of which the roots' is 1."""
    candidates, descendants = tree.generations[older - 1], tree.generations[younger - 1]
    truth = {name: genealogy.ancestor(name, tree.parent_of, generation=older) for name in descendants.names}
    return GenerationPair(candidates=candidates, descendants=descendants, truth=truth)


def select(pair: GenerationPair, descendants: Sequence[str], *, candidates: Sequence[str] = ()) -> GenerationPair:
    """Returns some descendants beside all candidates, or beside some."""
    return GenerationPair(
        candidates=pair.candidates.select(tuple(candidates)) if candidates else pair.candidates,
        descendants=pair.descendants.select(tuple(descendants)),
        truth={name: pair.truth[name] for name in descendants},
    )


def examples_of(tree: Tree, pair: GenerationPair) -> detector.Examples:
    """Returns what the detector sees."""
    features = linearize.features_of(tree.network, tree.compared.features)
    return detector.examples_of(
        pair.candidates, pair.descendants, pair.truth, tree.probes, weights=tree.compared.weights, features=features
    )


def scores_of(
    tree: Tree,
    pairs: Sequence[GenerationPair],
    fitted: detector.Fitted,
    *,
    measures: Mapping[str, Measure],
    alphas: Sequence[float],
) -> tuple[methods.Scores, dict[str, str]]:
    """Returns the scores of every method over pairs of generations with different descendants, and the truth of all.

    Where a network is no candidate of a descendant, it has no score.
    """
    features = linearize.features_of(tree.network, (tree.compared.layer,))
    parts = []
    for pair in pairs:
        sides = pair.candidates, pair.descendants
        by_features = methods.by_features(features, *sides, tree.probes, alphas=alphas, measures=measures)
        by_weights = methods.by_weights(*sides, layers=tree.compared.weights)
        learned = methods.by_evidence(*sides) | methods.by_detector(fitted, examples_of(tree, pair))
        parts.append({**by_features, **by_weights, **learned})
    joined = {method: xarray.concat([part[method] for part in parts], "child", join="outer") for method in parts[0]}
    return joined, {name: ancestor for pair in pairs for name, ancestor in pair.truth.items()}


def _without_head(networks: Networks, head: str) -> Networks:
    """Gives all networks the same empty head of one class."""
    layers = networks.variables["params"]
    empty = jax.tree.map(lambda leaf: jnp.zeros((*leaf.shape[:-1], 1)), layers[head])
    return Networks(names=networks.names, variables=networks.variables | {"params": layers | {head: empty}})
