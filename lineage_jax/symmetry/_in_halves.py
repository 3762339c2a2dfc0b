"""Matching twice: by one half of what units read, and by the other; relatives agree, strangers do not."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from lineage_jax.symmetry._assign import Parts, Signs, arranged, flipped, places_of, regions, signs_of
from lineage_jax.symmetry._axes import Axis
from lineage_jax.symmetry._element import Element
from lineage_jax.symmetry._groups import Groups
from lineage_jax.symmetry._match import MOST_NUMBERS, on_host
from lineage_jax.symmetry._orient import settled_signs
from lineage_jax.symmetry._readings import Reading, halves_of, readings_of
from lineage_jax.symmetry._slices import Leaves, move, slices
from lineage_jax.symmetry._tasks import Task, tasks_of
from lineage_jax.typing import Params

TURNS = 10
"""Turns of scaling rows and columns to one size; what is left changes no cosine by a hundredth."""

ANCHOR = 2
"""Number of what is said neither by one half nor by the other."""


@dataclass(frozen=True, kw_only=True)
class Halves:
    """How alike the units of two networks are, once by each half of what they read.

    Attributes:
        paths: of the kernels that say it.
        numbers: of these kernels, all together.
        units: of the family, in each network.
        parts: pairs of matrices [units, units] of inner products, which add up: cosines of units, one pair a kernel.
        signless: of each pair whether the sign of a unit's numbers is free, so that only absolute values count.
        anchors: paths of kernels that helped to align and say nothing, since they read colours or places.
    """

    paths: tuple[str, ...]
    numbers: int
    units: int
    parts: tuple[tuple[np.ndarray, np.ndarray], ...]
    signless: tuple[bool, ...]
    anchors: tuple[str, ...]

    def alike(self, half: int) -> np.ndarray:
        """Returns how alike units are by one half, [units, units], whatever free signs are."""
        total = np.zeros((self.units,) * 2, np.float32)
        for pair, free in zip(self.parts, self.signless, strict=True):
            total += np.abs(pair[half]) if free else pair[half]
        return total


def match_in_halves(a: Params, b: Params, groups: Groups, *, without: Sequence[str] = ()) -> Iterator[Halves]:
    """Matches units once by each half of what they read, so that one half can be judged by the other.

    Goes once through the kernels as the program uses them. What a kernel reads is aligned by all that came before, and
    the kernel itself has taken no part in that; the units that it tells apart are then compared by every second unit of
    those read, and by the others. Kernels that write one residual stream say it together, once the last one has
    spoken. A kernel that reads colours, pixels or places, or fewer than 8 units, helps to align and says nothing:
    strangers are alike there too.

    Rows and columns of every half are first scaled to one size, again and again, which undoes any scale of units; where
    signs are fixed too, means over units are taken off.

    Works in float32 on the host; memory is that of both networks and of the matrices [units, units] of the families
    that are under way.

    Args:
        a: the network that stays.
        b: the one that is brought to it.
        groups: of `b`.
        without: prefixes of leaves that are not compared, such as those of heads; only there may `a` have others.

    Yields:
        One for each family, and for each family inside of blocks such as heads, in the order in which they are done.

    Raises:
        ValueError: As `match`.
    """
    stays, comes = (on_host(tree, groups, name, without) for tree, name in ((a, "a"), (b, "b")))
    tasks = tasks_of(groups)
    axes: dict[str, list[Axis]] = {}
    for axis in groups.axes:
        axes.setdefault(axis.path, []).append(axis)
    signs = signs_of(groups)
    settled, *flips = settled_signs(stays, comes, groups, signs)
    for leaves, flip in zip((stays, comes), flips, strict=True):
        move(leaves, groups.axes, Element(order=np.arange(groups.slots), factor=flipped(groups, flip)))
    pair = _Pair(
        a=stays,
        b=comes,
        groups=groups,
        axes=axes,
        signs=tuple(free - settled if free else free for free in signs),
        halves=halves_of(groups, tasks),
        order=np.arange(groups.slots),
        flips={},
    )
    return _run(pair, tasks, [reading for reading in readings_of(groups, tasks) if reading.outputs.path in stays])


@dataclass(frozen=True, kw_only=True)
class _Pair:
    """Two networks on the host, and what is known of the second one's units: `order`, and free signs to be flipped."""

    a: Leaves
    b: Leaves
    groups: Groups
    axes: dict[str, list[Axis]]
    signs: Signs
    halves: np.ndarray
    order: np.ndarray
    flips: dict[int, set[int]]


@dataclass(frozen=True, kw_only=True)
class _Told:
    """What kernels have said of a region: inner products by half, units of `b` in their own order."""

    slots: np.ndarray
    numbers: dict[str, int] = field(default_factory=dict)
    anchors: list[str] = field(default_factory=list)
    alike: tuple[dict[frozenset[int], np.ndarray], ...] = field(default_factory=lambda: ({}, {}, {}))

    @property
    def parts(self) -> Parts:
        """Everything together."""
        none = {frozenset[int](): np.zeros((len(self.slots),) * 2, np.float32)}
        free = dict.fromkeys(free for third in self.alike for free in third)
        return {key: np.sum([third[key] for third in self.alike if key in third], axis=0) for key in free} or none


def _run(pair: _Pair, tasks: Sequence[Task], readings: Sequence[Reading]) -> Iterator[Halves]:
    last = {number: index for index, reading in enumerate(readings) for number in reading.tasks}
    asked = _last_asked(pair, tasks, readings)
    told = {number: [_Told(slots=slots) for slots in regions(tasks[number])] for number in last}
    for index, reading in enumerate(readings):
        factor = flipped(pair.groups, set().union(*pair.flips.values()))
        cuts = _cuts(pair, reading, factor)
        for number in reading.tasks:
            for region in told[number]:
                _listen(pair, reading, cuts, factor, region)
            if index < asked[number]:
                targets, sources, flips = arranged(tasks[number], [region.parts for region in told[number]], pair.signs)
                pair.order[targets], pair.flips[number] = sources, flips
            if last[number] == index:
                yield from (_summary(region) for region in told.pop(number) if region.numbers or region.anchors)


def _last_asked(pair: _Pair, tasks: Sequence[Task], readings: Sequence[Reading]) -> dict[int, int]:
    """Returns of each task the last reading of a kernel that it moves: later, nobody asks how its units are matched."""
    owner = np.full(pair.groups.slots, -1)
    for number, task in enumerate(tasks):
        owner[task.slots] = number
    return {
        number: index
        for index, reading in enumerate(readings)
        for axis in pair.axes[reading.outputs.path]
        for number in np.unique(owner[axis.slots]).tolist()
    }


def _cuts(pair: _Pair, reading: Reading, factor: np.ndarray) -> list[tuple[int, np.ndarray, np.ndarray]]:
    """Returns numbers [slots, numbers] of both networks for each half of what is read, all aligned."""
    path, outputs, inputs = reading.outputs.path, reading.outputs, reading.inputs
    comes = {path: pair.b[path]}
    move(comes, pair.axes[path], Element(order=pair.order, factor=factor))
    leaves = (pair.a[path], comes[path])
    if inputs is None:
        one, two = (slices(leaf, outputs) for leaf in leaves)
        return [(ANCHOR, one, two)]
    half = pair.halves[inputs.slots].reshape(inputs.groups, inputs.size)
    one, two = (_by_units(leaf, inputs, outputs) for leaf in leaves)
    return [(number, _half(one, half == number), _half(two, half == number)) for number in (0, 1)]


def _by_units(leaf: np.ndarray, inputs: Axis, outputs: Axis) -> np.ndarray:
    """Returns a kernel as [groups, outputs, inputs, numbers]."""
    leaf = np.moveaxis(leaf, (outputs.axis, inputs.axis), (0, 1))
    return leaf.reshape(inputs.groups, -1, inputs.size, int(np.prod(leaf.shape[2:])))


def _half(table: np.ndarray, kept: np.ndarray) -> np.ndarray:
    """Returns what outputs read of some inputs, [outputs, numbers], scaled until no factor of a unit shows."""
    groups, outputs, inputs, numbers = table.shape
    table = table[:, :, kept[0]] if groups == 1 else table * kept[:, None, :, None]
    squares = np.einsum("goin,goin->goi", table, table)
    rows, columns = np.ones((groups, outputs, 1), np.float32), np.ones((groups, 1, squares.shape[2]), np.float32)
    for _ in range(TURNS):
        columns = _to_one_size(np.swapaxes(rows, 1, 2) @ squares)
        rows = _to_one_size(squares @ np.swapaxes(columns, 1, 2))
    found = table * (np.sqrt(rows) * np.sqrt(columns))[..., None]
    step = max(1, inputs * numbers // MOST_NUMBERS)
    return found.reshape(groups * outputs, -1)[:, ::step]


def _to_one_size(totals: np.ndarray) -> np.ndarray:
    """Returns the factors that bring sums of squares to one; what float32 cannot square is nothing and stays it."""
    return np.divide(1, totals, out=np.zeros_like(totals), where=totals > np.finfo(np.float32).tiny)


def _listen(
    pair: _Pair,
    reading: Reading,
    cuts: Sequence[tuple[int, np.ndarray, np.ndarray]],
    factor: np.ndarray,
    region: _Told,
) -> None:
    """Adds what a kernel says of a region."""
    slots, axis = region.slots, reading.outputs
    for free, places in places_of(slots, axis, pair.signs).items():
        first = places[:, 0] + axis.start
        came_from = np.argsort(slots[:, 0])[np.searchsorted(np.sort(slots[:, 0]), pair.order[slots[:, 0]])]
        for third, *numbers in cuts:
            one, two = (_unit_rows(part, places, centred=not free) for part in numbers)
            alike = np.empty((len(slots),) * 2, np.float32)
            alike[:, came_from] = one @ two.T * factor[first].astype(np.float32)
            region.alike[third][free] = region.alike[third].get(free, 0.0) + alike
        if reading.inputs is None:
            region.anchors.append(axis.path)
        else:
            region.numbers[axis.path] = pair.a[axis.path].size


def _unit_rows(numbers: np.ndarray, places: np.ndarray, *, centred: bool) -> np.ndarray:
    """Returns the numbers of each unit, of length one; a unit of zeros stays one."""
    found = numbers[places]
    alive = found.any(2, keepdims=True)
    if centred:
        found = (found - found.sum(0) / np.maximum(alive.sum(0), 1)) * alive
    found = found.reshape(len(places), -1)
    length = np.linalg.norm(found, axis=1, keepdims=True)
    return np.divide(found, length, out=np.zeros_like(found), where=length > 0)


def _summary(region: _Told) -> Halves:
    first, second, _ = region.alike
    return Halves(
        paths=tuple(region.numbers),
        numbers=sum(region.numbers.values()),
        units=len(region.slots),
        parts=tuple((first[free], second[free]) for free in first),
        signless=tuple(bool(free) for free in first),
        anchors=tuple(region.anchors),
    )
