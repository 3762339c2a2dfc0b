"""Which kernel tells whose units apart, in the order in which a program uses them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lineage_jax.symmetry._assign import regions
from lineage_jax.symmetry._axes import Axis
from lineage_jax.symmetry._groups import Groups
from lineage_jax.symmetry._tasks import Task

FEWEST_INPUTS = 8
"""Units that a kernel must read to be cut in halves; fewer tell nothing twice."""


@dataclass(frozen=True, kw_only=True)
class Reading:
    """A kernel that tells units apart by what they read.

    Attributes:
        outputs: the axis along which these units stand.
        tasks: numbers of those that move them.
        inputs: the axis of the units that they read, which are matched before; None where they read none, or few, but
            colours, pixels or places: such kernels are alike in strangers too.
    """

    outputs: Axis
    tasks: tuple[int, ...]
    inputs: Axis | None


def readings_of(groups: Groups, tasks: Sequence[Task]) -> list[Reading]:
    """Returns the readings of a program in order.

    A kernel reads what is known by then and tells apart what is not. Where all is known, as of a kernel that adds to a
    stream, its last axis are outputs, as everywhere in Flax.
    """
    owner = np.full(groups.slots, -1)
    for number, task in enumerate(tasks):
        owner[task.slots.ravel()] = number
    by_path: dict[str, list[Axis]] = {}
    for axis in groups.axes:
        if axis.floating:
            by_path.setdefault(axis.path, []).append(axis)
    known = np.zeros(len(tasks) + 1, bool)
    found = []
    for path in groups.order:
        axes = by_path.get(path, [])
        if len(axes) < 2:
            continue
        owned = {axis.name: np.unique(owner[axis.slots]) for axis in axes}
        unknown = [axis for axis in axes if (~known[owned[axis.name]] & (owned[axis.name] >= 0)).any()]
        outputs = axes[-1] if not unknown else unknown[0]
        numbers = [int(number) for number in owned[outputs.name] if number >= 0]
        if len(unknown) < 2 and numbers:
            found.append(_reading(outputs, numbers, axes, owner))
            known[numbers] = True
    return found


def _reading(outputs: Axis, tasks: list[int], axes: Sequence[Axis], owner: np.ndarray) -> Reading:
    others = [(int((owner[axis.slots] >= 0).sum()), axis) for axis in axes if axis != outputs]
    count, inputs = max(others, key=lambda pair: pair[0])
    read = count >= FEWEST_INPUTS and outputs.groups == 1
    return Reading(outputs=outputs, tasks=tuple(tasks), inputs=inputs if read else None)


def halves_of(groups: Groups, tasks: Sequence[Task]) -> np.ndarray:
    """Divides the members of every family into two halves: of every slot 0 or 1, or -1 of those that never move."""
    found = np.full(groups.slots, -1)
    for task in tasks:
        for slots in regions(task):
            found[slots] = np.arange(len(slots))[:, None] % 2
    return found
