"""Children for training, validation and test."""

import dataclasses
from collections.abc import Iterator, Sequence

import numpy as np
from jaxtyping import Int

from lineage_jax.detector._examples import Examples


@dataclasses.dataclass(frozen=True, kw_only=True)
class Split:
    """Every child of every family in one of three parts; the candidates are the same in all of them."""

    train: tuple[Examples, ...]
    validation: tuple[Examples, ...]
    test: tuple[Examples, ...]


def split(families: Sequence[Examples], *, seed: int, shares: tuple[float, float, float] = (0.7, 0.1, 0.2)) -> Split:
    """Splits every family at random, each parent's children in the same proportions.

    Args:
        families: what to split.
        seed: of the draw.
        shares: of training, validation and test; the published ones are 350, 50 and 100 of 500.

    Raises:
        ValueError: If the shares do not add up to one, a part would be empty or a parent has no child to learn from.
    """
    if min(shares) <= 0 or not np.isclose(sum(shares), 1):
        raise ValueError(f"expected three positive shares that add up to 1, got {shares}")
    numbers = np.random.default_rng(seed)
    parts = []
    for family in families:
        order = _mixed_order(family.labels, numbers)
        cuts = np.round(np.cumsum(shares[:2]) * len(order)).astype(int)
        parts.append(np.split(order, cuts))
    return _checked(families, parts)


def folds(families: Sequence[Examples], count: int = 5, *, seed: int, validation: float = 0.125) -> Iterator[Split]:
    """Yields `count` splits; every child is in the test part of exactly one of them.

    Args:
        families: what to split.
        count: number of folds; the published one is 5.
        seed: of the draw.
        validation: share of the rest that is for validation; an eighth of 400 is the published 50.

    Raises:
        ValueError: As `split`, or if there are fewer than two folds.
    """
    if count < 2:
        raise ValueError(f"expected at least 2 folds, got {count}")
    numbers = np.random.default_rng(seed)
    orders = [_mixed_order(family.labels, numbers) for family in families]
    for fold in range(count):
        parts = []
        for order in orders:
            cuts = np.round(np.linspace(0, len(order), count + 1)).astype(int)
            test = order[cuts[fold] : cuts[fold + 1]]
            rest = np.roll(order, -cuts[fold + 1])[: len(order) - len(test)]
            kept = round(len(rest) * (1 - validation))
            parts.append([rest[:kept], rest[kept:], test])
        yield _checked(families, parts)


def _mixed_order(labels: Int[np.ndarray, " m"], numbers: np.random.Generator) -> Int[np.ndarray, " m"]:
    """Returns a random order of which every stretch holds the classes in proportion, to within one child each."""
    place = np.empty(len(labels))
    for label in np.unique(labels):
        members = numbers.permutation(np.flatnonzero(labels == label))
        place[members] = (np.arange(len(members)) + numbers.random()) / len(members)
    return np.argsort(place)


def _checked(families: Sequence[Examples], parts: list[list[Int[np.ndarray, " _"]]]) -> Split:
    if not families:
        raise ValueError("expected at least one family, got none")
    for family, (train, *others) in zip(families, parts, strict=True):
        for name, part in zip(("train", "validation", "test"), (train, *others), strict=True):
            if len(part) == 0:
                raise ValueError(f"expected children in every part, got none for {name} of {len(family)}: add children")
        childless = set(range(len(family.parent_names))) - set(family.labels[train].tolist())
        if childless:
            name = family.parent_names[min(childless)]
            raise ValueError(f"expected a child of every parent to learn from, got none of '{name}': add children")
    chosen = zip(
        *([family.select(part) for part in row] for family, row in zip(families, parts, strict=True)), strict=True
    )
    return Split(**dict(zip(("train", "validation", "test"), chosen, strict=True)))
