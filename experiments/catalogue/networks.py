"""Thousands of small networks in files, trained and perturbed, whose parents are known."""

import dataclasses
import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, TypeAlias

import ml_collections
import numpy as np

import converters
from experiments.lab import pretraining
from lineage_jax import data, models, population
from lineage_jax.leaves import leaf_paths
from lineage_jax.typing import Networks, Params

Tensors: TypeAlias = dict[str, np.ndarray]
"""Arrays by name, as PyTorch names and lays them out."""

PRESENTED = ("as it is", "under module.", "inside a larger network")
"""How networks come in files, one after the other."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Child:
    """A network that is no part of the catalogue.

    Attributes:
        file: where it lies.
        parent: the name of its parent's file in the catalogue.
        group: how it came about.
        presented: how it lies in its file.
    """

    file: Path
    parent: str
    group: str
    presented: str


def write_all(folder: Path, config: ml_collections.ConfigDict) -> list[Child]:
    """Writes the networks of a catalogue to `networks` and the children that are looked for to `children`."""
    for part in ("networks", "children"):
        (folder / part).mkdir()
    train, _ = data.digits()
    source, target = (data.select_classes(train, digits) for digits in (config.source, config.target))
    children: list[Child] = []
    for number, (name, settings) in enumerate(config.networks.items()):
        network = build(settings)
        seed = config.seed + 100 * number
        roots = pretraining.pretrain(
            "independent",
            network,
            source,
            count=config.roots,
            seed=seed,
            training=population.TrainingSettings(**config.pretrain.to_dict()),
        )
        tuned, _ = population.finetune(
            roots,
            network.clone(num_classes=target.num_classes),
            target,
            children_per_parent=config.trained,
            seed=seed,
            training=population.TrainingSettings(**config.finetune.to_dict()),
        )
        children += write_architecture(folder, name.replace(" ", "-"), network.head, roots, tuned, seed, config)
    return children


def build(settings: ml_collections.ConfigDict) -> Any:
    """Returns a network of the configuration."""
    sizes = {key: value for key, value in settings.to_dict().items() if key != "architecture"}
    return (
        models.ViT(num_classes=1, **sizes)
        if settings.architecture == "vit"
        else models.build(settings.architecture, num_classes=1, **sizes)
    )


def write_architecture(
    folder: Path, name: str, head: str, roots: Networks, tuned: Networks, seed: int, config: ml_collections.ConfigDict
) -> Iterator[Child]:
    """Writes every root with its descendants and strangers; yields the children that are held out.

    Of every root's children the last trained one and two perturbed ones are held out; the second of these has a child
    of its own in the catalogue.
    """
    rng = np.random.default_rng(seed)
    for place, root in enumerate(roots.names):
        own, presented = tensors_of(roots[root]), PRESENTED[place % 3]
        file = f"{name}-{place}.pth"
        write(folder / "networks" / file, own, presented, head, rng)
        of_root = range(config.trained * place, config.trained * (place + 1))
        *siblings, last = (tensors_of(tuned[tuned.names[each]]) for each in of_root)
        far = relative_step(own, last)
        perturbed = [stepped(own, far, rng) for _ in range(config.perturbed + 1)]
        in_catalogue = {
            "trained": siblings,
            "perturbed": [*perturbed[2:], stepped(perturbed[1], far, rng)],
            "stranger": [shuffled(own, rng) for _ in range(config.strangers)],
        }
        for kind, networks in in_catalogue.items():
            for number, network in enumerate(networks):
                write(folder / "networks" / f"{name}-{place}-{kind}-{number}.pth", network, PRESENTED[0], head, rng)
        held_out = {
            "trained on other digits, new head": last,
            "perturbed, same head": perturbed[0],
            "perturbed, its own child in the catalogue": perturbed[1],
        }
        for number, (group, network) in enumerate(held_out.items()):
            presented = PRESENTED[(place // 3) % 3]
            child = folder / "children" / f"{name}-{place}-{number}.pth"
            write(child, network, presented, head, rng)
            yield Child(file=child, parent=file, group=group, presented=presented)


def tensors_of(variables: Params) -> Tensors:
    """Returns the arrays of a Flax network as PyTorch names and lays them out."""
    found: Tensors = {}
    for path, leaf in leaf_paths(variables["params"]).items():
        module, _, name = path.replace("/", ".").rpartition(".")
        array = np.asarray(leaf)
        if name == "kernel":
            array = np.ascontiguousarray(np.moveaxis(array, (-1, -2), (0, 1)))
        found[f"{module}.{'weight' if name in ('kernel', 'scale') else name}".lstrip(".")] = array
    return found


def relative_step(parent: Mapping[str, np.ndarray], child: Mapping[str, np.ndarray]) -> float:
    """Returns how far a child is from its parent, in lengths of the parent's kernels that both have."""
    both = [name for name in parent if parent[name].ndim > 1 and child[name].shape == parent[name].shape]
    step = sum(float(np.sum((child[name] - parent[name]) ** 2)) for name in both)
    return float(np.sqrt(step / sum(float(np.sum(parent[name] ** 2)) for name in both)))


def stepped(network: Tensors, far: float, rng: np.random.Generator) -> Tensors:
    """Adds a random step to every tensor, so long in its own length."""
    return {
        name: array + np.float32(far * np.sqrt(np.mean(array**2))) * rng.standard_normal(array.shape, np.float32)
        for name, array in network.items()
    }


def shuffled(network: Tensors, rng: np.random.Generator) -> Tensors:
    """Puts the output units of every kernel in another order, each kernel for itself: a stranger of equal numbers."""
    return {name: array[rng.permutation(len(array))] if array.ndim > 1 else array for name, array in network.items()}


def write(file: Path, network: Tensors, presented: str, head: str, rng: np.random.Generator) -> None:
    """Writes a network as it is, under a prefix, or without its head inside a network of more random layers."""
    if presented == PRESENTED[1]:
        network = {f"module.{name}": array for name, array in network.items()}
    elif presented == PRESENTED[2]:
        body = {f"backbone.body.{name}": array for name, array in network.items() if not name.startswith(f"{head}.")}
        neck = {"neck.0.weight": (48, 32, 3, 3), "neck.1.weight": (16, 48, 1, 1)}
        network = body | {
            name: rng.standard_normal(shape, np.float32) * np.float32(0.06) for name, shape in neck.items()
        }
    converters.write(file, network)


def resnet18(rng: np.random.Generator) -> Tensors:
    """Draws a network of ResNet-18's names and shapes."""
    shapes = {name: shape for name, shape in converters.names_of("torchvision/resnet18").items() if shape}
    drawn = {name: rng.standard_normal(shape, np.float32) for name, shape in shapes.items()}
    return {name: array * np.float32(math.sqrt(2 / math.prod(array.shape[1:]))) for name, array in drawn.items()}
