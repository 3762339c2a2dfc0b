"""Families: parents and their children, with the truth about who descends from whom; made, and on disk."""

import dataclasses
import os
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Int

from lineage_jax import data, io, models
from lineage_jax.population._finetune import finetune
from lineage_jax.population._pretrain import pretrain
from lineage_jax.population._run import Trained
from lineage_jax.population._settings import FamilySettings, TrainingSettings


@dataclasses.dataclass(frozen=True, kw_only=True)
class Family:
    """Parents and children of one architecture.

    Attributes:
        network: the children's module; the parents' may have another number of classes.
        parents: networks trained from scratch.
        children: networks fine-tuned from them.
        truth: the name of every child's parent.
        settings: how the family was made.
    """

    network: nn.Module
    parents: Trained
    children: Trained
    truth: dict[str, str]
    settings: FamilySettings


def make_family(
    network: nn.Module,
    source: data.Images,
    target: data.Images,
    *,
    settings: FamilySettings,
    side_by_side: int | None = None,
) -> Family:
    """Trains parents on one image set and fine-tunes them on another.

    Args:
        network: the children's module; the parents' differs in its number of classes only.
        source: what the parents learn.
        target: what the children learn.
        settings: sizes, seed and training.
        side_by_side: as in `pretrain`.

    Raises:
        ValueError: As `pretrain`, `finetune`, `data.few_shot` and `data.imbalanced`.

    Examples:
        >>> from lineage_jax import models
        >>> train, test = data.digits()
        >>> from lineage_jax.population import TrainingSettings
        >>> pretraining = TrainingSettings(steps=100)
        >>> settings = FamilySettings(num_parents=2, children_per_parent=2, pretraining=pretraining, few_shot=5)
        >>> family = make_family(models.fc(num_classes=10, widths=(16,)), train, test, settings=settings)
        >>> family.truth
        {'child-00': 'parent-0', 'child-01': 'parent-0', 'child-02': 'parent-1', 'child-03': 'parent-1'}
    """
    subsets = subsets_of(settings, target)
    parents = pretrain(
        network.clone(num_classes=source.num_classes),
        source,
        num_parents=settings.num_parents,
        seed=settings.seed,
        training=settings.pretraining,
        shared_init=settings.shared_init,
        side_by_side=side_by_side,
    )
    children, truth = finetune(
        parents,
        network,
        target,
        children_per_parent=settings.children_per_parent,
        seed=settings.seed,
        training=settings.finetuning,
        subsets=subsets,
        side_by_side=side_by_side,
    )
    return Family(network=network, parents=parents, children=children, truth=truth, settings=settings)


def subsets_of(settings: FamilySettings, images: data.Images) -> Int[np.ndarray, "m size"] | None:
    """Returns the examples that every child sees, a draw of its own; None if they see all.

    A long-tailed draw is as large as it can be whichever class is the most frequent.

    Args:
        settings: of which the numbers of networks, the seed, `few_shot` and `imbalance` are read.
        images: what the children learn.

    Returns:
        `[m, size]`, indices into the images for each of the m children.

    Raises:
        ValueError: As `data.few_shot` and `data.imbalanced`.
    """
    count = settings.num_parents * settings.children_per_parent
    seeds = [int(state) for state in np.random.SeedSequence(settings.seed).generate_state(count)]
    if settings.few_shot is not None:
        return np.stack([data.few_shot(images.labels, settings.few_shot, seed=seed) for seed in seeds])
    if settings.imbalance is not None:
        size, ratio = _long_tailed_size(settings.imbalance, images), settings.imbalance
        return np.stack([data.imbalanced(images.labels, ratio, seed=seed, size=size) for seed in seeds])
    return None


def _long_tailed_size(ratio: float, images: data.Images) -> int:
    scarcest = np.bincount(images.labels).min()
    places = np.linspace(0, 1, images.num_classes)
    return int(scarcest * np.sum(ratio**-places))


def save_family(path: str | os.PathLike, family: Family) -> None:
    """Writes a family as one checkpoint folder.

    Raises:
        FileExistsError: If `path` exists.
        ValueError: If the network is none of `models.ARCHITECTURES`.
    """
    description = {
        "network": models.describe(family.network),
        "parents": family.parents.names,
        "children": family.children.names,
        "truth": family.truth,
        "settings": dataclasses.asdict(family.settings),
    }
    tree = {"parents": _arrays(family.parents), "children": _arrays(family.children)}
    io.save(path, tree, description=description)


def load_family(path: str | os.PathLike) -> Family:
    """Reads what `save_family` wrote, bit for bit.

    Raises:
        FileNotFoundError: If there is nothing at `path`.
        ValueError: If there is no checkpoint of a family, or it is damaged.
    """
    tree, description = io.load(path)
    if description.keys() != {"network", "parents", "children", "truth", "settings"}:
        raise ValueError(f"expected a checkpoint of a family at {path}, got one of {', '.join(description)}")
    arrays = jax.tree.map(jnp.asarray, tree)
    return Family(
        network=models.build(**description["network"]),
        parents=Trained(names=tuple(description["parents"]), **arrays["parents"]),
        children=Trained(names=tuple(description["children"]), **arrays["children"]),
        truth=description["truth"],
        settings=_settings(description["settings"]),
    )


def _arrays(networks: Trained) -> dict[str, Any]:
    return {"variables": networks.variables, "loss": networks.loss, "accuracy": networks.accuracy}


def _settings(words: dict[str, Any]) -> FamilySettings:
    pretraining, finetuning = (_training(words[name]) for name in ("pretraining", "finetuning"))
    return FamilySettings(**words | {"pretraining": pretraining, "finetuning": finetuning})


def _training(words: dict[str, Any]) -> TrainingSettings:
    """Returns the settings with tuples where JSON has lists."""
    with_tuples: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value for name, value in words.items()
    }
    return TrainingSettings(**with_tuples)
