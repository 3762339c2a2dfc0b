"""What a walk through a program has found out about units: which keep together, which must not leave a set or a place.

A unit is whatever moves as one: a position of an axis of a leaf, or a block of such positions, such as a head. Units
are numbered as they appear.
"""

from dataclasses import dataclass, field

import numpy as np


@dataclass(kw_only=True)
class Facts:
    """Collects facts; every fact only ever takes symmetry away.

    Attributes:
        count: of units.
        marked: pairs of arrays (units, marks): a unit may only take the place of one with the same marks.
        related: triples of arrays (units, units, marks): where the first of a pair goes, the second goes along.
    """

    count: int = 0
    marked: list[tuple[np.ndarray, np.ndarray]] = field(default_factory=list)
    related: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = field(default_factory=list)
    next_mark: int = 0

    def fresh(self, shape: tuple[int, ...]) -> np.ndarray:
        """Returns new units."""
        units = self.count + np.arange(int(np.prod(shape))).reshape(shape)
        self.count += units.size
        return units

    def mark(self, units: np.ndarray, marks: np.ndarray | int = 0) -> None:
        """Says that a unit only takes the place of one with its mark; marks all alike keep the units as a set."""
        units, marks = np.broadcast_arrays(units, marks)
        real = units >= 0
        self.marked.append((units[real], self._apart(marks[real])))

    def pin(self, units: np.ndarray, axis: int | None = None) -> None:
        """Keeps units at their coordinate along an axis, or in their very place."""
        shape = units.shape if axis is None else tuple(n if i == axis else 1 for i, n in enumerate(units.shape))
        self.mark(units, np.arange(int(np.prod(shape))).reshape(shape))

    def relate(self, units: np.ndarray, others: np.ndarray, marks: np.ndarray | int = 0) -> None:
        """Says that where a unit goes, the one beside it goes along; -1 fits any."""
        units, others, marks = np.broadcast_arrays(units, others, marks)
        real = (units >= 0) & (others >= 0) & (units != others)
        self.related.append((units[real], others[real], self._apart(marks[real])))

    def filled(self, units: np.ndarray) -> np.ndarray:
        """Returns a layer without -1: what fits any unit becomes a unit of its own that stays in its place."""
        empty = units < 0
        if not empty.any():
            return units
        new = self.fresh((int(empty.sum()),))
        self.pin(new)
        units = units.copy()
        units[empty] = new
        return units

    def _apart(self, marks: np.ndarray) -> np.ndarray:
        """Makes marks differ from those of every other call."""
        marks = self.next_mark + marks
        self.next_mark = int(marks.max(initial=self.next_mark)) + 1
        return marks
