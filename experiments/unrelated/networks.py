"""Networks with what they have in common: own ones trained on images, and published files."""

import dataclasses
from collections.abc import Sequence
from typing import Any

import flax.linen as nn
import ml_collections

import converters
from experiments.lab import published
from experiments.lab.edits import prune
from experiments.lab.images import load_pooled
from experiments.lab.pretraining import pretrain
from lineage_jax import models, population
from lineage_jax.typing import Networks, Params


@dataclasses.dataclass(frozen=True, kw_only=True)
class LabelledNetwork:
    """A network, and what it is related to.

    Attributes:
        variables: its arrays.
        start: what it descends from; networks of one start are relatives.
        parent: name of the network that it was tuned from, "" where there is none.
        kind: how it came about.
    """

    variables: Params
    start: str
    parent: str = ""
    kind: str = ""


def trained(name: str, seed: int, config: ml_collections.ConfigDict) -> dict[str, LabelledNetwork]:
    """Trains strangers, twins of one random start, and children tuned a little, far, after pruning, and both."""
    training = population.TrainingSettings(**config.pretrain.to_dict())
    networks: dict[str, LabelledNetwork] = {}
    for source, target in (config.sets, config.sets[::-1]):
        images, _ = load_pooled(source, pooling=config.pooling)
        others, _ = load_pooled(target, pooling=config.pooling)
        network = build(name, images.num_classes, config.networks[name])
        number = 10 * seed + config.sets.index(source)
        roots = roots_of(source, pretrain("independent", network, images, count=2, seed=number, training=training))
        networks |= roots
        networks |= tuned({root: of.variables for root, of in roots.items()}, network, others, number, config)
        if source == config.sets[0]:
            twins = pretrain("shared-init", network, images, count=2, seed=number + 5, training=training)
            for twin in twins.names:
                networks[f"twin {twin}"] = LabelledNetwork(variables=twins[twin], start="twins", kind="twin")
    return networks


def long_trained(seed: int, config: ml_collections.ConfigDict) -> dict[str, LabelledNetwork]:
    """Trains strangers of the first network long, so that weight decay leaves what the images teach."""
    training = population.TrainingSettings(**config.long.to_dict())
    networks: dict[str, LabelledNetwork] = {}
    for number, source in enumerate(config.sets, start=1000 + 10 * seed):
        images, _ = load_pooled(source, pooling=config.pooling)
        network = build("fc", images.num_classes, config.networks.fc)
        networks |= roots_of(source, pretrain("independent", network, images, count=4, seed=number, training=training))
    return networks


def roots_of(source: str, parents: Networks) -> dict[str, LabelledNetwork]:
    """Labels parents, each of which is a start of its own, by what they learned."""
    names = {parent: f"{source} {parent}" for parent in parents.names}
    return {root: LabelledNetwork(variables=parents[parent], start=root, kind="root") for parent, root in names.items()}


def tuned(
    roots: dict[str, Params], network: nn.Module, images: Any, seed: int, config: ml_collections.ConfigDict
) -> dict[str, LabelledNetwork]:
    """Tunes every root, and every root without its smallest weights, on other images: a little and far."""
    pruned = {f"{root}, pruned": prune(tree, config.pruned) for root, tree in roots.items()}
    starts = Networks.stack(roots | pruned)
    ways = {"child": config.child, "far": config.far}
    rates, decays = (
        tuple(way[key] for _ in starts.names for way in ways.values()) for key in ("learning_rate", "weight_decay")
    )
    training = population.TrainingSettings(**config.finetune.to_dict(), learning_rate=rates, weight_decay=decays)
    children, truth = population.finetune(
        starts, network, images, children_per_parent=len(ways), seed=seed, training=training
    )
    networks = {}
    for index, (child, start) in enumerate(truth.items()):
        root, _, lottery = start.partition(", ")
        tree = prune(children[child], config.pruned) if lottery else children[child]
        kind = " ".join(filter(None, (lottery, list(ways)[index % len(ways)])))
        networks[f"{root}, {kind}"] = LabelledNetwork(variables=tree, start=root, parent=root, kind=kind)
    return networks


def build(name: str, classes: int, sizes: ml_collections.ConfigDict) -> nn.Module:
    """Returns a network by name."""
    if name == "vit":
        return models.ViT(num_classes=classes, **sizes.to_dict())
    if name == "cifar_resnet":
        return models.CifarResNet(num_classes=classes, **sizes.to_dict())
    return models.fc(classes, **sizes.to_dict())


def read_networks(folders: Sequence[str]) -> dict[str, LabelledNetwork]:
    """Reads all files of some folders; a file of no documented relation is its own start."""
    return {
        name: LabelledNetwork(
            variables=converters.as_tree(converters.read(path).weights), start=published.group_of(name) or name
        )
        for name, path in published.files(folders).items()
    }
