"""Which network is it? From the names and shapes of a state_dict alone."""

import dataclasses
import functools
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from converters._entry import Entry, Image, Shapes
from converters._index import index, names_of
from converters._layouts import Shape
from converters._zoo import ENTRIES

NEAREST = 3
"""How many entries are named where none fits."""

LeafPath = tuple[str, str]
"""A module of the Flax network, and an array's name in it."""

Named = tuple[str, Shape]
"""An array's own name, and its shape."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Match:
    """How well an entry's network fits a state_dict.

    Attributes:
        entry: the entry.
        settings: what the network is built with, sizes read off the shapes included; None where they tell none.
        input_shape: one image `(h, w, c)` of the network with these shapes; None where they tell none.
        share: names whose shapes agree up to those sizes, of all names of either; 1 is a fit.
        same: names whose shapes are the index's own, which decides between entries that fit.
        differences: every name that does not agree, with both shapes.
    """

    entry: Entry
    settings: Mapping[str, Any] | None
    input_shape: Image | None
    share: float
    same: int
    differences: tuple[str, ...]

    @property
    def fits(self) -> bool:
        """Says whether the state_dict is one of this network."""
        return not self.differences and self.settings is not None and self.input_shape is not None


@dataclasses.dataclass(frozen=True, kw_only=True)
class Recognition:
    """What a state_dict may be.

    Attributes:
        fits: the entries that fit equally well, in the order of `ENTRIES`; empty where none does.
        nearest: the entries that come nearest, best first, where none fits; those of which nothing agrees left out.
    """

    fits: tuple[Match, ...]
    nearest: tuple[Match, ...]

    @property
    def others(self) -> tuple[Match, ...]:
        """Returns the fits that compute something else than the first: sources whose weights do not tell them apart."""
        own = [(match.entry.architecture, match.settings) for match in self.fits]
        return tuple(match for match, network in zip(self.fits, own, strict=True) if network != own[0])


def recognise(shapes: Shapes) -> Recognition:
    """Finds the networks of the zoo that a state_dict may belong to.

    Names must agree, and shapes up to the sizes that an entry reads off them: in an array that it reads they are free,
    elsewhere they must have grown as one of those sizes has (all convolutions with the width, the rows of the head with
    the number of classes). A network whose sizes list more or fewer layers than the index's has them under the same
    names but for their numbers. `to_flax` then has the last word, since only the built network knows every shape.

    Args:
        shapes: name to shape, in any order, with or without counters of batches.

    Examples:
        >>> from converters import names_of
        >>> shapes = {**names_of("torchvision/resnet18"), "fc.weight": (100, 512), "fc.bias": (100,)}
        >>> found = recognise(shapes)
        >>> found.fits[0].entry.name, found.fits[0].settings, found.others
        ('torchvision/resnet18', {'num_classes': 100}, ())
        >>> del shapes["fc.bias"]
        >>> recognise(shapes).nearest[0].differences
        ("'fc.bias': nothing, expected (7,)",)
    """
    readings: dict[Any, dict[LeafPath, Named]] = {}  # many entries share their renames
    matches = []
    for entry in (ENTRIES[name] for name in index() if name in ENTRIES):
        key = entry.renames, entry.ignored
        readings[key] = readings.get(key) or _by_path(shapes, entry)
        matches.append(_compare(shapes, readings[key], entry))
    order = list(ENTRIES)
    fitting = [match for match in matches if match.fits]
    most = max((match.same for match in fitting), default=0)
    best = sorted((m for m in fitting if m.same == most), key=lambda match: order.index(match.entry.name))
    nearest = [] if best else sorted((m for m in matches if m.share), key=lambda match: -match.share)[:NEAREST]
    return Recognition(fits=tuple(best), nearest=tuple(nearest))


def compare(shapes: Shapes, entry: Entry) -> Match:
    """Compares a state_dict with the one that the index holds of an entry.

    Names are compared as the paths that the entry makes of them, so that a name of old and one of today agree.
    """
    return _compare(shapes, _by_path(shapes, entry), entry)


def _compare(shapes: Shapes, found: Mapping[LeafPath, Named], entry: Entry) -> Match:
    reader = _Reader(shapes)
    sizes, input_shape = _tried(entry.sizes, reader), _tried(entry.input_shape_of, reader)
    wanted, usual = _expected(entry.name)
    grown = list(_grown(usual or {}, sizes or {}))
    deeper = sizes is not None and usual is not None and _depth(sizes) != _depth(usual)
    if deeper:
        wanted = _of_depth(wanted, found)
    differences, same = [], 0
    for path in found.keys() | wanted.keys():
        name, ours = found.get(path, ("", None))
        other, theirs = wanted.get(path, ("", None))
        if ours == theirs:
            same += 1
        elif ours is None or theirs is None or not _agree(ours, theirs, deeper or name in reader.read, grown):
            differences.append(f"'{name or other}': {_said(ours)}, expected {_said(theirs)}")
    return Match(
        entry=entry,
        settings=None if sizes is None else {**entry.settings, **sizes},
        input_shape=input_shape,
        share=1 - len(differences) / max(len(found.keys() | wanted.keys()), 1),
        same=same,
        differences=tuple(sorted(differences)),
    )


@functools.cache
def _expected(name: str) -> tuple[dict[LeafPath, Named], dict[str, Any] | None]:
    """Returns what the index holds of an entry by path, and the sizes that it tells."""
    return _by_path(names_of(name), ENTRIES[name]), _tried(ENTRIES[name].sizes, names_of(name))


def _by_path(shapes: Shapes, entry: Entry) -> dict[LeafPath, Named]:
    return {entry.path(name): (name, shape) for name, shape in shapes.items() if not entry.ignores(name)}


def _depth(sizes: Mapping[str, Any]) -> int:
    """Counts the layers whose sizes are listed one by one, as the widths of a fully connected network are."""
    return sum(len(value) for value in sizes.values() if isinstance(value, tuple))


def _of_depth(wanted: Mapping[LeafPath, Named], found: Iterable[LeafPath]) -> dict[LeafPath, Named]:
    """Repeats what is wanted of a layer for the layers found, told by their paths without numbers."""
    kinds = {_kind(path): layer for path, layer in wanted.items()}
    return {path: kinds[_kind(path)] for path in found if _kind(path) in kinds}


def _kind(path: LeafPath) -> LeafPath:
    module, leaf = path
    return re.sub(r"\d+", "#", module), leaf


class _Reader(Mapping[str, Shape]):
    """Shapes that remember which of them were asked for."""

    def __init__(self, shapes: Shapes) -> None:
        self.shapes = shapes
        self.read: set[str] = set()

    def __getitem__(self, name: str) -> Shape:
        self.read.add(name)
        return self.shapes[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.shapes)

    def __len__(self) -> int:
        return len(self.shapes)


def _tried(read: Callable[[Shapes], Any], shapes: Shapes) -> Any:
    """Returns what is read off the shapes, or None where those of another network do not tell it."""
    try:
        return read(shapes)
    except (LookupError, ValueError, ArithmeticError):
        return None


def _grown(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[tuple[int, int]]:
    """Yields the sizes that differ, those in tuples one by one."""
    for name in before.keys() & after.keys():
        pair = before[name], after[name]
        values = zip(*pair, strict=False) if isinstance(pair[0], tuple | list) else [pair]
        yield from ((old, new) for old, new in values if old != new)


def _agree(ours: Shape, theirs: Shape, read: bool, grown: list[tuple[int, int]]) -> bool:
    """Says whether a shape differs from the index's only as the sizes do."""
    return len(ours) == len(theirs) and all(
        found == wanted or read or any(found * old == wanted * new for old, new in grown)
        for found, wanted in zip(ours, theirs, strict=True)
    )


def _said(shape: Shape | None) -> str:
    return "nothing" if shape is None else str(shape)
