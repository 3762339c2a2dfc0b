"""Families of every kind: parents, children, whose each is; made, and in a folder for whoever wants to read them.

    for family in load(folder):                       # `$LINEAGE_NETWORKS`, or a folder of it
        features = linearize.features_of(family.network, (family.layer,))
        lineage.score(features, family.parents, family.children, family.probes, ...)

Nobody has a head: what networks learned last tells nothing of whom they descend from.
"""

import dataclasses
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
import ml_collections
import numpy as np

from experiments.lab.pretraining import pretrain
from experiments.variety import networks, tasks
from lineage_jax import io, models, population
from lineage_jax.typing import Inputs, Networks

FOLDER = "LINEAGE_NETWORKS"
"""The variable that names the folder, where families lie as `KIND/COLUMN/SEED`; without it they are not kept."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Family:
    """Networks of one kind without heads, and what is known of them.

    Attributes:
        kind: what networks these are and what they do, a name in the configuration.
        column: how the parents came about, and whether children were tuned for longer; a name in the configuration.
        seed: of all random numbers.
        network: the module of all of them, with one class.
        layer: the natural one to compare, the last of the body or the narrowest.
        parents: the candidates.
        children: fine-tuned networks.
        truth: by child the name of its parent.
        validation: the children by which settings are chosen; the others are the test.
        probes: inputs of the features, which no network has learned from.
        quality: of `parents` and of `children` how well each does what it learned, from 0 to 1.
    """

    kind: str
    column: str
    seed: int
    network: nn.Module
    layer: str
    parents: Networks
    children: Networks
    truth: dict[str, str]
    validation: tuple[str, ...]
    probes: Inputs
    quality: dict[str, list[float]]

    @property
    def test(self) -> tuple[str, ...]:
        """Returns the children by which nothing is chosen."""
        return tuple(name for name in self.children.names if name not in self.validation)


def load(folder: str | os.PathLike) -> list[Family]:
    """Reads all families below a folder.

    Raises:
        FileNotFoundError: If there is none.
    """
    places = sorted(path.parent for path in Path(folder).rglob(io.SUMS))
    if not places:
        raise FileNotFoundError(f"expected families below {folder}, found none")
    return [read(place) for place in places]


def remembered(kind: str, column: str, seed: int, config: ml_collections.ConfigDict) -> Family:
    """Returns the family that lies in `$LINEAGE_NETWORKS`, or makes it.

    Raises:
        ValueError: If one that was made with other settings lies there.
    """
    if FOLDER not in os.environ:
        return make(kind, column, seed, config)
    place, settings = Path(os.environ[FOLDER], kind, column, str(seed)), settings_of(kind, column, config)
    if not place.exists():
        write(place, make(kind, column, seed, config), settings)
    elif io.load(place)[1]["settings"] != settings:
        raise ValueError(f"expected the settings of {kind} at {place}, got others: remove it, or name another folder")
    return read(place)


def settings_of(kind: str, column: str, config: ml_collections.ConfigDict) -> dict[str, Any]:
    """Returns what decides what a family is, as JSON reads it."""
    words = {name: value for name, value in config.kinds[kind].items() if name != "columns"}
    words |= {"column": config.columns[column]}
    return json.loads(json.dumps(words, default=dict))


def make(kind: str, column: str, seed: int, config: ml_collections.ConfigDict) -> Family:
    """Trains parents on one task and their children on another."""
    settings, counts = config.kinds[kind], config.columns[column]
    longer = {"steps": counts.longer * settings.finetune.steps}
    source, target = (tasks.load(settings[role].to_dict()) for role in ("parents", "children"))
    network = networks.build(settings.network.to_dict(), num_classes=target.train.num_classes)
    parents = pretrain(
        counts.start,
        network,
        source.train,
        count=counts.skip + counts.parents,
        seed=seed,
        training=population.TrainingSettings(**settings.pretrain.to_dict()),
        objective=source.objective,
    )
    parents = parents.select(parents.names[counts.skip :])
    children, truth = population.finetune(
        parents,
        network,
        target.train,
        children_per_parent=counts.children,
        seed=seed,
        training=population.TrainingSettings(**settings.finetune.to_dict() | longer),
        objective=target.objective,
    )
    of_parents = network.clone(num_classes=source.train.num_classes)
    return Family(
        kind=kind,
        column=column,
        seed=seed,
        network=network.clone(num_classes=1),
        layer=settings.layer,
        parents=without_head(network, parents, source.train),
        children=without_head(network, children, source.train),
        truth=truth,
        validation=children.names[:: counts.children],  # one of each parent
        probes=_probes([source.unseen, target.unseen], settings.probes, seed=seed),
        quality={
            "parents": tasks.qualities(of_parents, parents, source),
            "children": tasks.qualities(network, children, target),
        },
    )


def without_head(network: nn.Module, networks: Networks, images: tasks.Learned) -> Networks:
    """Gives all networks the same empty head of one class."""
    one = network.clone(num_classes=1)
    shapes = jax.eval_shape(lambda: models.init(one, jax.random.key(0), images.images.shape[1:]))
    empty = jax.tree.map(lambda leaf: jnp.zeros((len(networks), *leaf.shape)), shapes["params"][network.head])
    body = networks.variables | {"params": networks.variables["params"] | {network.head: empty}}
    return Networks(names=networks.names, variables=body)


def write(folder: Path, family: Family, settings: Mapping[str, Any]) -> None:
    """Writes a family as one checkpoint folder, with the settings it was made by."""
    words = ("kind", "column", "seed", "layer", "truth", "validation", "quality")
    description = {name: getattr(family, name) for name in words} | {
        "parents": family.parents.names,
        "children": family.children.names,
        "settings": settings,
    }
    tree = {"parents": family.parents.variables, "children": family.children.variables, "probes": family.probes}
    io.save(folder, tree, description=description)


def read(folder: Path) -> Family:
    """Reads what `write` wrote."""
    tree, words = io.load(folder)
    settings = words.pop("settings")
    sides: dict[str, Any] = {
        side: Networks(names=tuple(words.pop(side)), variables=jax.tree.map(jnp.asarray, tree[side]))
        for side in ("parents", "children")
    }
    network = networks.build(settings["network"], num_classes=1)
    validation = tuple(words.pop("validation"))
    return Family(network=network, validation=validation, probes=jnp.asarray(tree["probes"]), **sides, **words)


def _probes(unseen: list[tasks.Learned], count: int, *, seed: int) -> Inputs:
    """Draws probes, as many from the unseen images of both tasks; where both see the same pictures, other ones."""
    rng = np.random.default_rng(seed)
    drawn = [images.images[rng.permutation(len(images))[: count // len(unseen)]] for images in unseen]
    return jnp.concatenate(drawn)
