"""Streams: kernels whose output units are numbered together, and which of these units may change places.

A residual stream is written to by many kernels, the halves of a fused kernel belong to one attention, a depthwise
kernel has the units of the kernel before it. Such kernels are one test, since one order of units decides them all.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np

from lineage_jax.leaves import Weights, layout
from lineage_jax.symmetry import Axis, Family, Groups

Units = dict[str, np.ndarray]
"""Units that may change places: by path of a kernel their places among its outputs, [units, places of a unit]."""

PARTS = {
    re.compile(r"qkv|in_proj|c_attn|query_key_value", re.IGNORECASE): 3,
    re.compile(r"(^|[/_])(lstm|gates)", re.IGNORECASE): 4,
    re.compile(r"(^|[/_])gru", re.IGNORECASE): 3,
}
"""Names of kernels that hold several parts side by side, and how many: queries, keys and values; gates."""

PINNED = "the program keeps its outputs in their places"
TURNING = "its inputs and outputs are one stream: they change places together"


@dataclass(frozen=True, kw_only=True)
class Stream:
    """Kernels that are judged together.

    Attributes:
        paths: of the kernels.
        sets: of units, each with an order of its own.
    """

    paths: tuple[str, ...]
    sets: tuple[Units, ...]

    @property
    def units(self) -> int:
        """How many may change places."""
        return sum(len(next(iter(units.values()))) for units in self.sets)


def streams_apart(kernels: Weights) -> list[Stream]:
    """Takes every kernel for itself, where there is no program to say which of them belong together."""
    return [
        Stream(paths=(path,), sets=({path: np.arange(kernel.shape[-1]).reshape(parts_of(path, kernel.shape), -1).T},))
        for path, kernel in kernels.items()
    ]


def parts_of(path: str, shape: tuple[int, ...]) -> int:
    """Guesses by name how many parts a kernel holds side by side."""
    return next((parts for name, parts in PARTS.items() if name.search(path) and shape[-1] % parts == 0), 1)


def streams_of(groups: Groups, kernels: Iterable[str]) -> tuple[list[Stream], dict[str, str]]:
    """Reads off a network's groups which kernels belong together, and which of their units may change places.

    Where units form blocks, such as heads, they change places inside of them alone: blocks are few.

    Args:
        groups: of the network.
        kernels: paths as `weights_of` has them.

    Returns:
        Streams, and of kernels that are in none of them why.
    """
    owner = np.full(groups.slots, -1)
    for number, family in sorted(enumerate(groups.families), key=lambda each: -each[1].slots.size):
        owner[family.slots] = number  # inner ones come later
    axes = _axes(groups, kernels)
    turning = {path for path, (outputs, *inputs) in axes.items() if _meet(owner, outputs, inputs)}
    places = {
        slot: (path, place)
        for path, (outputs, *_) in axes.items()
        if path not in turning
        for place, slot in enumerate(outputs.slots.tolist())
    }
    sets = [_units(family, owner == number, places) for number, family in enumerate(groups.families)]
    streams = [_in_order(kernels, sets) for sets in _joined([units for units in sets if units])]
    left_out = dict.fromkeys(set(kernels) - set(chain.from_iterable(stream.paths for stream in streams)), PINNED)
    return streams, left_out | dict.fromkeys(turning, TURNING)


def _in_order(kernels: Iterable[str], sets: Sequence[Units]) -> Stream:
    mine = set(chain.from_iterable(sets))
    return Stream(paths=tuple(path for path in kernels if path in mine), sets=tuple(sets))


def _axes(groups: Groups, kernels: Iterable[str]) -> dict[str, tuple[Axis, ...]]:
    """Returns axes of kernels of several outputs, that of the outputs first."""
    wanted, found = frozenset(kernels), dict[str, tuple[Axis, ...]]()
    for axis in groups.axes:
        path, _ = layout(axis.path, groups.shapes[axis.path])
        if path in wanted:
            others = found.get(path, ())
            found[path] = (axis, *others) if _is_last(axis, groups) else (*others, axis)
    return {path: axes for path, axes in found.items() if _is_last(axes[0], groups)}


def _is_last(axis: Axis, groups: Groups) -> bool:
    return layout(axis.path, groups.shapes[axis.path])[1][-1] == axis.axis


def _meet(owner: np.ndarray, outputs: Axis, inputs: Sequence[Axis]) -> bool:
    mine = np.setdiff1d(owner[outputs.slots], [-1])
    return any(np.isin(owner[axis.slots], mine).any() for axis in inputs)


def _units(family: Family, mine: np.ndarray, places: Mapping[int, tuple[str, int]]) -> Units:
    found: dict[str, list[list[int]]] = {}
    for column in family.slots.T.tolist():
        if mine[column[0]] and column[0] in places:
            found.setdefault(places[column[0]][0], []).append([places[slot][1] for slot in column])
    return {path: np.asarray(columns).T for path, columns in found.items()}


def _joined(sets: list[Units]) -> list[list[Units]]:
    """Puts sets of units together that share a kernel."""
    found: dict[str, list[Units]] = {}
    for units in sets:
        together = [units]
        for others in {id(found[path]): found[path] for path in units if path in found}.values():
            together = others + together
        for path in chain.from_iterable(together):
            found[path] = together
    return list({id(sets): sets for sets in found.values()}.values())
