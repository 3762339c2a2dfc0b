"""How well the names and shapes of a state_dict fit one entry."""

import dataclasses
import functools
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from typing import Any

from converters._entry import Entry, Image, Shapes
from converters._index import names_of
from converters._layouts import Shape
from converters._zoo import ENTRIES

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
        prefix: the modules around the network, with a dot, as in `model.`; what lies under it was compared.
        ignored: names of the file that the network has no place for: buffers, other heads, what lies beside it.
        headless: whether the network was compared up to its head, which is missing or another one; it then has none.
    """

    entry: Entry
    settings: Mapping[str, Any] | None
    input_shape: Image | None
    share: float
    same: int
    differences: tuple[str, ...]
    prefix: str = ""
    ignored: tuple[str, ...] = ()
    headless: bool = False

    @property
    def fits(self) -> bool:
        """Says whether the state_dict is one of this network."""
        return not self.differences and self.settings is not None and self.input_shape is not None

    def select(self, arrays: Mapping[str, Any]) -> dict[str, Any]:
        """Returns the network's own arrays of a file, by the names that the entry knows."""
        return {
            name.removeprefix(self.prefix): array
            for name, array in arrays.items()
            if name.startswith(self.prefix) and name not in self.ignored
        }


def compare_paths(
    shapes: Shapes, found: Mapping[LeafPath, Named], entry: Entry, *, free: Collection[str] = ()
) -> Match:
    """Compares a state_dict, also given by path, with an entry.

    Args:
        shapes: name to shape.
        found: the same by path.
        entry: the entry.
        free: names whose shapes are not compared.
    """
    reader = Reader(shapes)
    sizes, input_shape = tried(entry.sizes, reader), tried(entry.input_shape_of, reader)
    wanted, usual = expected(entry.name)
    grown = list(_grown(usual or {}, sizes or {}))
    deeper = sizes is not None and usual is not None and _depth(sizes) != _depth(usual)
    if deeper:
        wanted = _of_depth(wanted, found)
    if (sizes or {}).get("bias") and not (usual or {}).get("bias"):
        wanted = {**_biases(wanted, found), **wanted}
    differences, same = [], 0
    for path in found.keys() | wanted.keys():
        name, ours = found.get(path, ("", None))
        other, theirs = wanted.get(path, ("", None))
        if ours == theirs:
            same += 1
        elif (
            ours is None
            or theirs is None
            or not _agree(ours, theirs, deeper or name in reader.read or name in free, grown)
        ):
            differences.append(f"'{name or other}': {_shape_text(ours)}, expected {_shape_text(theirs)}")
    return Match(
        entry=entry,
        settings=None if sizes is None else {**entry.settings, **sizes},
        input_shape=input_shape,
        share=1 - len(differences) / max(len(found.keys() | wanted.keys()), 1),
        same=same,
        differences=tuple(sorted(differences)),
    )


@functools.cache
def expected(name: str) -> tuple[dict[LeafPath, Named], dict[str, Any] | None]:
    """Returns what the index holds of an entry by path, and the sizes that it tells."""
    return by_path(names_of(name), ENTRIES[name]), tried(ENTRIES[name].sizes, names_of(name))


def by_path(shapes: Shapes, entry: Entry) -> dict[LeafPath, Named]:
    """Returns names and shapes by the path that an entry makes of each name."""
    return {entry.path(name): (name, shape) for name, shape in shapes.items() if not entry.ignores(name)}


def _depth(sizes: Mapping[str, Any]) -> int:
    """Counts the layers whose sizes are listed one by one, as the widths of a fully connected network are."""
    return sum(len(value) for value in sizes.values() if isinstance(value, tuple))


def _of_depth(wanted: Mapping[LeafPath, Named], found: Iterable[LeafPath]) -> dict[LeafPath, Named]:
    """Repeats what is wanted of a layer for the layers found, told by their paths without numbers."""
    kinds = {_kind(path): layer for path, layer in wanted.items()}
    return {path: kinds[_kind(path)] for path in found if _kind(path) in kinds}


def _biases(wanted: Iterable[LeafPath], found: Mapping[LeafPath, Named]) -> dict[LeafPath, Named]:
    """Returns a bias for each kernel found, of a network that may have them where the index's has none."""
    kernels = {path: found[path] for path in wanted if path[1] == "weight" and path in found}
    return {
        (module, "bias"): (name.removesuffix("weight") + "bias", shape[:1])
        for (module, _), (name, shape) in kernels.items()
        if len(shape) > 1 and (module, "bias") in found
    }


def _kind(path: LeafPath) -> LeafPath:
    module, leaf = path
    return re.sub(r"\d+", "#", module), leaf


class Reader(Mapping[str, Shape]):
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


def tried(read: Callable[[Shapes], Any], shapes: Shapes) -> Any:
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


def _shape_text(shape: Shape | None) -> str:
    return "nothing" if shape is None else str(shape)
