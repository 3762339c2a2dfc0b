"""What is matched in one go: a family, with the families inside of its members."""

from dataclasses import dataclass

import numpy as np

from lineage_jax.symmetry._axes import Axis
from lineage_jax.symmetry._groups import Family, Groups


@dataclass(frozen=True, kw_only=True)
class Task:
    """A family and those inside of its members.

    Attributes:
        slots: of the family, [members, slots of a member].
        inner: of each family inside the columns of its slots, [inner members, columns].
        rest: columns that no family inside moves.
        axes: that take part.
    """

    slots: np.ndarray
    inner: tuple[np.ndarray, ...]
    rest: np.ndarray
    axes: tuple[Axis, ...]


def tasks_of(groups: Groups) -> list[Task]:
    """Returns tasks in the order in which the program uses their leaves; families deep inside are tasks too."""
    rank = {path: number for number, path in enumerate(groups.order)}
    owner = np.full(groups.slots, -1)
    families = sorted(groups.families, key=lambda family: -family.slots.size)
    around: list[int] = []
    children: dict[int, list[Family]] = {}
    tops: list[int] = []
    deep: list[int] = []
    for number, family in enumerate(families):
        outer = int(owner[family.slots[0, 0]])
        around.append(outer)
        children.setdefault(outer, []).append(family)
        (tops if outer < 0 else deep if around[outer] >= 0 else []).append(number)
        owner[family.slots.ravel()] = number
    tasks = [_task(families[number], children.get(number, []), groups) for number in (*tops, *deep)]
    return sorted(tasks, key=lambda task: min(rank.get(axis.path, len(rank)) for axis in task.axes))


def _task(family: Family, children: list[Family], groups: Groups) -> Task:
    column = {slot: index for index, slot in enumerate(family.slots[0].tolist())}
    inner = tuple(
        np.asarray([[column[slot] for slot in member] for member in child.slots.tolist()])
        for child in children
        if int(child.slots[0, 0]) in column
    )
    moved = np.concatenate([np.zeros(0, np.int64), *(columns.ravel() for columns in inner)])
    names = set(family.axes)
    return Task(
        slots=family.slots,
        inner=inner,
        rest=np.setdiff1d(np.arange(family.slots.shape[1]), moved),
        axes=tuple(axis for axis in groups.axes if axis.name in names),
    )
