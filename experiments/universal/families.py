"""Many small families of many kinds, every one with recipes of its own: what the detector of evidence learns from."""

import dataclasses
import zlib
from collections.abc import Sequence
from typing import Any

import jax
import numpy as np

from experiments.evidence.images import load
from experiments.universal import networks, training
from experiments.universal.training import Recipe
from lineage_jax import data
from lineage_jax.typing import Params

COLUMNS = ("independent", "shared-init", "checkpoints", "generations", "roots")
"""How the candidates of a family came about; roots are candidates of children two generations later."""

SETS = ("mnist", "fashion_mnist", "cells", "membranes")

IMAGES = 3000
"""Of every set; those with fewer are repeated, so that one program serves all."""


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Family:
    """Children with their candidates, on the host.

    Attributes:
        kind: of network.
        column: how the candidates came about.
        parents: the candidates' variables.
        children: the children's variables.
        truth: by child the place of its parent.
        said: the recipes, for whoever wants to know.
    """

    kind: str
    column: str
    parents: list[Params]
    children: list[Params]
    truth: list[int]
    said: dict[str, Any]


def make(kind: str, column: str, number: int, *, children: int, steps: int) -> Family:
    """Trains a family; `number` decides every random number, among them its recipes.

    Args:
        kind: one of `networks.SIDE`.
        column: one of `COLUMNS`.
        number: of the family.
        children: how many.
        steps: of the longest run.
    """
    numbers = np.random.default_rng([number, zlib.crc32(kind.encode()), COLUMNS.index(column)])
    source, target = numbers.choice(SETS, size=2, replace=numbers.random() < 0.2).tolist()
    maker = _Maker(kind=kind, numbers=numbers, steps=steps)
    parents, said = maker.candidates(column, source)
    truth, places = [], numbers.permutation(np.resize(numbers.permutation(len(parents)), children)).tolist()
    found, recipes = [], []
    for place in places:
        start = parents[place]
        if column == "roots":
            start, _ = maker.child(start, SETS[SETS.index(source) - 1])
        child, recipe = maker.child(start, target)
        found.append(child)
        recipes.append(dataclasses.asdict(recipe))
        truth.append(place)
    words = {"source": source, "target": target, "pretraining": said, "recipes": recipes}
    return Family(kind=kind, column=column, parents=parents, children=found, truth=truth, said=words)


@dataclasses.dataclass(frozen=True, kw_only=True)
class _Maker:
    """Draws and trains the networks of one family."""

    kind: str
    numbers: np.random.Generator
    steps: int

    @property
    def network(self) -> Any:
        return networks.build(self.kind)

    def images(self, name: str) -> data.Images:
        return _images(name, networks.SIDE[self.kind])

    def fresh(self) -> Params:
        side = networks.SIDE[self.kind]
        return training.fresh(self.network, (side, side, 1), seed=int(self.numbers.integers(2**31)))

    def on(self, start: Params, name: str, recipe: Recipe, stops: Sequence[int] = ()) -> list[Params]:
        seed = int(self.numbers.integers(2**31))
        return training.trained(self.network, start, self.images(name), recipe, seed=seed, stops=tuple(stops))

    def candidates(self, column: str, source: str) -> tuple[list[Params], dict[str, Any]]:
        if column in ("checkpoints", "roots") or (column == "generations" and self.numbers.random() < 0.5):
            count = int(self.numbers.integers(4, 7) if column == "generations" else self.numbers.integers(6, 25))
            apart = int(np.clip(np.round(10 ** self.numbers.uniform(0.3, 1.7)), 2, self.steps // count))
            skip = int(self.numbers.integers(2)) * 3 * apart
            stops = [skip + apart * (place + 1) for place in range(count)]
            recipe = self.recipe(stops[-1])
            found, said = self.on(self.fresh(), source, recipe, stops), {"apart": apart, "skip": skip}
        else:
            count = int(self.numbers.integers(3, 9))
            start = self.fresh() if column == "shared-init" else None
            recipe = self.recipe(int(self.numbers.integers(30, 200)))
            found = [self.on(start or self.fresh(), source, recipe)[-1] for _ in range(count)]
            said = {}
        if column == "generations":
            middle = self.numbers.choice([name for name in SETS if name != source])
            found = [*found, *(self.child(found[place % len(found)], str(middle))[0] for place in range(8))]
        return found, said | {"recipe": dataclasses.asdict(recipe)}

    def child(self, start: Params, name: str) -> tuple[Params, Recipe]:
        recipe = self.recipe(int(10 ** self.numbers.uniform(1, np.log10(self.steps / 2))))
        few = int(10 ** self.numbers.uniform(1, 2.7)) if self.numbers.random() < 0.3 else 0
        skew = float(self.numbers.choice([10, 100])) if self.numbers.random() < 0.2 else 1.0
        recipe = dataclasses.replace(recipe, few=few, imbalance=skew)
        start = start if self.numbers.random() < 0.3 else training.with_head(self.network, start, self.fresh())
        return self.on(start, name, recipe)[-1], recipe

    def recipe(self, steps: int) -> Recipe:
        adam = bool(self.numbers.random() < 0.3)
        low, high = (-3.3, -2.3) if adam else (-2.3, -1.1)
        return Recipe(
            steps=steps,
            learning_rate=float(10 ** self.numbers.uniform(low, high)),
            weight_decay=float(self.numbers.choice([0, 0, 1e-4, 5e-4, 5e-3])),
            momentum=float(self.numbers.choice([0.0, 0.9, 0.9])),
            adam=adam,
        )


def _images(name: str, side: int) -> data.Images:
    train, _ = load(name, side=side, count=IMAGES)
    places = np.resize(np.arange(len(train)), IMAGES)
    return dataclasses.replace(train, images=train.images[places], labels=train.labels[places])


def finite(family: Family) -> bool:
    """Says whether no run has diverged."""
    return all(np.isfinite(leaf).all() for net in (*family.parents, *family.children) for leaf in jax.tree.leaves(net))
