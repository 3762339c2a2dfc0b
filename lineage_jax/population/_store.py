"""Families on disk."""

import dataclasses
import os
from typing import Any

import jax
import jax.numpy as jnp

from lineage_jax import io, models
from lineage_jax.population._family import Family
from lineage_jax.population._settings import FamilySettings, TrainingSettings
from lineage_jax.population._trained import Trained


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
