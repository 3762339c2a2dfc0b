"""Who is who: members of a family are assigned to each other by how alike they are, those inside of blocks too."""

from collections.abc import Collection, Mapping, Sequence

import numpy as np
from scipy.optimize import linear_sum_assignment

from lineage_jax.symmetry._axes import Axis
from lineage_jax.symmetry._element import along
from lineage_jax.symmetry._groups import Groups
from lineage_jax.symmetry._tasks import Task

NOISE = 1e-6
"""Share of the largest similarity that is added at random: units that are all zero are not matched as they stand."""

Signs = tuple[frozenset[int], ...]
"""Of each slot the free signs that flip it."""

Parts = Mapping[frozenset[int], np.ndarray]
"""Inner products of members of both networks, [members, members], apart for slots that flip together."""


def signs_of(groups: Groups) -> Signs:
    """Returns the free signs of each slot."""
    found = [frozenset[int]()] * groups.slots
    for slot, free in zip(groups.signs.slots.tolist(), groups.signs.free.tolist(), strict=True):
        found[slot] |= {free}
    return tuple(found)


def regions(task: Task) -> list[np.ndarray]:
    """Returns slots [members, slots of a member]: of the family alone, then of each inside, blocks one by one."""
    inside = [task.slots[:, columns] for columns in task.inner]
    return [task.slots[:, task.rest], *(slots.reshape(-1, slots.shape[2]) for slots in inside)]


def places_of(slots: np.ndarray, axis: Axis, signs: Signs) -> dict[frozenset[int], np.ndarray]:
    """Returns which places on an axis are those of each member, [members, places], apart for slots that flip together.

    Args:
        slots: of a region.
        axis: of a leaf.
        signs: of each slot.
    """
    if not len(slots):
        return {}
    columns: dict[frozenset[int], list[int]] = {}
    for column in np.flatnonzero((slots[0] >= axis.start) & (slots[0] <= axis.slots[-1])).tolist():
        columns.setdefault(signs[slots[0, column]], []).append(column)
    return {free: slots[:, here] - axis.start for free, here in columns.items()}


def arranged(task: Task, alike: Sequence[Parts], signs: Signs) -> tuple[np.ndarray, np.ndarray, set[int]]:
    """Assigns the members of a family, and of those inside of it.

    Args:
        task: the family.
        alike: of each of its regions how alike members are.
        signs: of each slot.

    Returns:
        Slots, for each of them the slot whose numbers it gets, and the free signs to be flipped.
    """
    outside, *inside = regions(task)
    members, total = len(task.slots), signless(alike[0])
    chosen = []
    for columns, parts in zip(task.inner, alike[1:], strict=True):
        size = len(columns)
        blocks = signless(parts).reshape(members, size, members, size).transpose(0, 2, 1, 3)
        orders = np.stack([[assigned(block) for block in row] for row in blocks])
        total = total + np.take_along_axis(blocks, orders[..., None], 3).sum((2, 3))
        chosen.append(orders)
    outer = assigned(total)
    targets, sources = [outside], [outside[outer]]
    flips = _flips(outside, alike[0], outer, signs)
    for slots, parts, orders in zip(inside, alike[1:], chosen, strict=True):
        inner = orders[np.arange(members), outer]
        order = (outer[:, None] * inner.shape[1] + inner).ravel()
        targets.append(slots)
        sources.append(slots[order])
        flips |= _flips(slots, parts, order, signs)
    return np.concatenate([s.ravel() for s in targets]), np.concatenate([s.ravel() for s in sources]), flips


def signless(parts: Parts) -> np.ndarray:
    """Adds parts up, each without its sign if that is free."""
    return sum(np.abs(part) if signs else part for signs, part in parts.items())  # type: ignore[return-value]


def assigned(similarity: np.ndarray) -> np.ndarray:
    """Returns for each member of the first network that of the second one."""
    noise = np.random.default_rng(0).random(similarity.shape, np.float32)
    largest = float(np.abs(similarity).max(initial=0.0))
    if largest == 0:
        return np.arange(len(similarity))
    return linear_sum_assignment(similarity + NOISE * largest * noise, maximize=True)[1]


def flipped(groups: Groups, flips: Collection[int]) -> np.ndarray:
    """Returns every slot's factor, 1 or -1, where some free signs are flipped."""
    if not flips:
        return np.ones(groups.slots)
    odd = np.zeros(groups.signs.count)
    odd[list(flips)] = 1.0
    return np.where(along(groups.signs, odd, groups.slots) % 2 > 0.5, -1.0, 1.0)


def _flips(slots: np.ndarray, parts: Parts, order: np.ndarray, signs: Signs) -> set[int]:
    """Returns the free signs that turn negative similarities of assigned members positive, the strongest first."""
    columns = {free: next(c for c, slot in enumerate(slots[0]) if signs[slot] == free) for free in parts if free}
    rows = np.arange(len(slots))
    chosen = {free: part[rows, order] for free, part in parts.items() if free}
    decided: dict[int, bool] = {}
    for free in sorted(chosen, key=lambda free: -np.abs(chosen[free]).sum()):
        for row, value in enumerate(chosen[free]):
            mine = sorted(signs[slots[row, columns[free]]])
            new = [sign for sign in mine if sign not in decided]
            if not new or value == 0:
                continue
            decided |= dict.fromkeys(new, False)
            decided[new[0]] = (value < 0) != (sum(decided[sign] for sign in mine) % 2 == 1)
    return {sign for sign, flip in decided.items() if flip}
