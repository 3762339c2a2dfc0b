"""Hidden layers and heads between streams, read off a program's groups: what a transformer is made of."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from lineage_jax.symmetry import Axis, Family, Groups, Span


@dataclass(frozen=True, kw_only=True)
class Side:
    """A kernel that reads a stream or writes to it.

    Attributes:
        path: of the kernel.
        axis: along this one stands the stream.
        stream: number of its family.
        scale: path of the vector by which the stream is multiplied here, such as the scale of the normalisation before
            the kernel, and which may be taken into the kernel; None where there is none.
    """

    path: str
    axis: Axis
    stream: int
    scale: str | None


@dataclass(frozen=True, kw_only=True)
class Hidden:
    """A hidden layer, or what queries and keys, or values and outputs, share inside of a head.

    Attributes:
        family: its units.
        reads: kernels by which the units read streams.
        writes: kernels by which they write to streams.
        places: by path of these kernels where the units stand, [units, places]; several where they are packed.
        signless: whether a unit may be flipped.
    """

    family: Family
    reads: tuple[Side, ...]
    writes: tuple[Side, ...]
    places: Mapping[str, np.ndarray]
    signless: bool

    @property
    def sides(self) -> tuple[Side, ...]:
        """All of its kernels."""
        return (*self.reads, *self.writes)

    @property
    def paths(self) -> tuple[str, ...]:
        """Of its kernels."""
        return tuple(side.path for side in self.sides)


Heads = tuple[tuple[Hidden, ...], ...]
"""The heads of an attention, which may stand in any order; of each what may be mixed inside, such as its queries with
its keys, always two kernels' units."""


@dataclass(frozen=True, kw_only=True)
class Layout:
    """What a program does with streams.

    Attributes:
        hidden: layers in the order in which the program uses them.
        heads: of each attention.
        anchors: kernels all of whose axes but the stream's keep their places, such as that of patches and the table of
            positions.
    """

    hidden: tuple[Hidden, ...]
    heads: tuple[Heads, ...]
    anchors: tuple[Side, ...]


@dataclass(frozen=True, kw_only=True)
class _Program:
    """Groups, by what is asked of them: axes by path, families by axis, powers of free factors by slot.

    Families are nested where the members of one are blocks of members of another, such as heads.
    """

    groups: Groups
    axes: Mapping[str, list[Axis]]
    owners: Mapping[str, int]
    powers: Mapping[int, Mapping[int, float]]
    nested: frozenset[int]
    streams: frozenset[int]


def layout_of(groups: Groups) -> Layout:
    """Finds hidden layers and heads, and what ties streams to places that never move.

    A hidden layer is a family all of whose kernels are matrices, some from streams and some to them; a stream is a
    family that at least two kernels write. The later axis of a kernel are its outputs. Where units may be multiplied by
    any number, negative ones too, they are what they are multiplied by and nothing happens to them on their way: then
    they may be mixed as well, and are no hidden layer but a head, or inside of one.

    Args:
        groups: of a program.
    """
    program = _program(groups)
    found = {number: each for number in range(len(groups.families)) if (each := _hidden(program, number)) is not None}
    mixed = {number: each for number, each in found.items() if number in program.nested or _linear(program, each)}
    hidden = [each for number, each in found.items() if number not in mixed and each.reads and each.writes]
    rank = {path: number for number, path in enumerate(groups.order)}
    return Layout(
        hidden=tuple(sorted(hidden, key=lambda layer: rank[layer.reads[0].path])),
        heads=_heads(program, mixed),
        anchors=tuple(_anchors(program)),
    )


def _program(groups: Groups) -> _Program:
    axes: dict[str, list[Axis]] = {}
    for axis in groups.axes:
        if axis.floating and axis.path in set(groups.order):
            axes.setdefault(axis.path, []).append(axis)
    owners = {name: number for number, family in enumerate(groups.families) for name in family.axes}
    written = [owners.get(mine[-1].name) for mine in axes.values() if len(mine) > 1]
    moved = np.bincount(np.concatenate([np.zeros(0, np.int64), *(f.slots.ravel() for f in groups.families)]))
    nested = frozenset(number for number, family in enumerate(groups.families) if (moved[family.slots] > 1).any())
    return _Program(
        groups=groups,
        axes=axes,
        owners=owners,
        powers=_powers(groups.sizes),
        nested=nested,
        streams=frozenset(number for number in owners.values() if written.count(number) > 1) - nested,
    )


def _hidden(program: _Program, number: int) -> Hidden | None:
    family = program.groups.families[number]
    reads: list[Side] = []
    writes: list[Side] = []
    places: dict[str, np.ndarray] = {}
    for path in dict.fromkeys(name.rpartition("[")[0] for name in family.axes):
        axes = program.axes.get(path, [])
        if len(axes) < 2:
            continue
        if len(axes) > 2 or any(axis.groups > 1 for axis in axes):
            return None
        units, other = reversed(axes) if axes[1].name in family.axes else axes
        stream = program.owners.get(other.name)
        if other.name in family.axes or stream is None or stream not in program.streams:
            return None
        (reads if units.axis > other.axis else writes).append(_side(program, other, stream))
        slots = family.slots
        here = slots[:, (slots[0] >= units.start) & (slots[0] <= units.slots[-1])] - units.start
        places[path] = here[:, np.argsort(here[0])]
    signless = bool(np.isin(family.slots[0], program.groups.signs.slots).any())
    return Hidden(family=family, reads=tuple(reads), writes=tuple(writes), places=places, signless=signless)


def _linear(program: _Program, hidden: Hidden) -> bool:
    slots = hidden.family.slots[0]
    return bool(np.isin(slots, program.groups.signs.slots).all()) and all(map(program.powers.get, slots.tolist()))


def _heads(program: _Program, mixed: Mapping[int, Hidden]) -> tuple[Heads, ...]:
    """Puts what may be mixed into heads, and heads into attentions; families inside of others come first."""
    families = program.groups.families
    outside = {
        slot: (number, member)
        for number in sorted(program.nested)
        for member, slots in enumerate(families[number].slots)
        for slot in slots.tolist()
    }
    found: dict[object, dict[int, list[Hidden]]] = {}
    for number, each in mixed.items():
        if sum(places.shape[1] for places in each.places.values()) == 2:
            attention, head = outside.get(int(each.family.slots[0, 0]), (each.paths[0], 0))
            if attention != number:
                found.setdefault(attention, {}).setdefault(head, []).append(each)
    return tuple(
        tuple(tuple(sorted(inside, key=lambda each: each.family.axes)) for _, inside in sorted(heads.items()))
        for heads in found.values()
        if len(set(map(len, heads.values()))) == 1
    )


def _anchors(program: _Program) -> list[Side]:
    found = []
    for axes in program.axes.values():
        owned = [axis for axis in axes if axis.name in program.owners]
        if len(axes) > 1 and len(owned) == 1 and program.owners[owned[0].name] in program.streams:
            found.append(_side(program, owned[0], program.owners[owned[0].name]))
    return found


def _side(program: _Program, axis: Axis, stream: int) -> Side:
    return Side(path=axis.path, axis=axis, stream=stream, scale=_scale(program, axis, stream))


def _scale(program: _Program, axis: Axis, stream: int) -> str | None:
    """Returns the first vector along a stream that may be divided by what a kernel is multiplied by.

    What is added to it, such as a shift, may be divided too, but is read later.
    """
    family = program.groups.families[stream]
    mine = _powers_of(program, family, axis)
    for path in program.groups.order:
        axes = program.axes.get(path, [])
        if len(axes) == 1 and axes[0].name in family.axes and axes[0].size == axis.size:
            others = _powers_of(program, family, axes[0])
            if sum(power * others.get(free, 0.0) for free, power in mine.items()) < 0:
                return path
    return None


def _powers_of(program: _Program, family: Family, axis: Axis) -> Mapping[int, float]:
    first = next(slot for slot in family.slots[0].tolist() if axis.start <= slot <= axis.slots[-1])
    return program.powers.get(first, {})


def _powers(span: Span) -> dict[int, dict[int, float]]:
    found: dict[int, dict[int, float]] = {}
    for slot, free, power in zip(span.slots.tolist(), span.free.tolist(), span.powers.tolist(), strict=True):
        found.setdefault(slot, {})[free] = power
    return found
