"""What two networks' units read from streams and write to them, as vectors whose inner products mean something."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from lineage_jax.kinship._hidden import Heads, Hidden, Side

MOST_UNITS = 256
"""Units of a layer of `a` that are matched, evenly spaced: the time grows with their square, and more tell no more."""


@dataclass(frozen=True, kw_only=True)
class Part:
    """What units read from a stream or write to it.

    Attributes:
        stream: number of its family.
        one: of the first network, [..., units, stream].
        two: of the second one.
    """

    stream: int
    one: np.ndarray
    two: np.ndarray


Pair = tuple[Part, Part]


@dataclass(frozen=True, kw_only=True)
class Units:
    """A hidden layer of two networks.

    Attributes:
        parts: one for each kernel; several where units are packed.
        rows: numbers of the first network's units that are matched; those of zeros are not.
        columns: of the second one's.
        signless: whether a unit may be flipped.
    """

    parts: tuple[Part, ...]
    rows: np.ndarray
    columns: np.ndarray
    signless: bool

    @property
    def streams(self) -> set[int]:
        """Those that the units read or write."""
        return {part.stream for part in self.parts}


Read = Callable[[Side], Part]


def reader(a: Mapping[str, Any], b: Mapping[str, Any]) -> Read:
    """Returns what reads a kernel of both networks, each once."""
    return cache(lambda side: Part(stream=side.stream, one=vectors(a, side), two=vectors(b, side)))


def vectors(tree: Mapping[str, Any], side: Side) -> np.ndarray:
    """Returns what `folded` does, the squares of all numbers adding up to one."""
    return at_unit_length(folded(tree, side), axis=None)


def folded(tree: Mapping[str, Any], side: Side) -> np.ndarray:
    """Returns what is read or written at each place of a kernel's other axes, [n, stream].

    Scales are taken in, since whoever turns a stream must do so too; means over the stream are taken off, since a
    normalisation does not see them.

    Raises:
        ValueError: If a weight is not finite.
    """
    kernel, *scales = (np.asarray(tree[path], np.float32) for path in (side.path, side.scale) if path is not None)
    for path, leaf in zip((side.path, side.scale), (kernel, *scales), strict=False):
        if not np.isfinite(leaf).all():
            raise ValueError(f"expected finite weights, got NaN or infinity at '{path}'")
    kernel = np.moveaxis(kernel, side.axis.axis, -1).reshape(-1, side.axis.size)
    for scale in scales:
        kernel = kernel * scale.ravel()
    return kernel - kernel.mean(1, keepdims=True)


def at_unit_length(values: np.ndarray, *, axis: int | tuple[int, ...] | None) -> np.ndarray:
    """Divides by the root of the sum of squares along some axes; zeros stay so."""
    lengths = np.sqrt(np.square(values).sum(axis, keepdims=True))
    return values / np.maximum(lengths, np.finfo(np.float32).tiny)


def units_of(hidden: Hidden, read: Read) -> Units:
    """Returns a hidden layer of both networks."""
    parts = tuple(_parts(hidden, read))
    rows, columns = (np.flatnonzero(np.any([side.any(1) for side in sides], axis=0)) for sides in _sides(parts))
    return Units(parts=parts, rows=rows[:: -(-len(rows) // MOST_UNITS) or 1], columns=columns, signless=hidden.signless)


def pairs_of(heads: Heads, read: Read) -> list[Pair]:
    """Returns what is multiplied inside of heads, such as queries and keys: pairs of [heads, units, stream].

    Mixing inside of a head changes both, and not the sum over units of their products; of each head its squares add up
    to one.
    """
    found = []
    for same in zip(*heads, strict=True):
        left, right = (_stacked(parts) for parts in zip(*(_parts(hidden, read) for hidden in same), strict=True))
        found.append((_scaled(left, right), right))
    return found


def _parts(hidden: Hidden, read: Read) -> list[Part]:
    return [
        Part(stream=side.stream, one=whole.one[column], two=whole.two[column])
        for side in hidden.sides
        for whole in (read(side),)
        for column in hidden.places[side.path].T
    ]


def _sides(parts: Sequence[Part]) -> tuple[list[np.ndarray], list[np.ndarray]]:
    return [part.one for part in parts], [part.two for part in parts]


def _stacked(parts: Sequence[Part]) -> Part:
    one, two = map(np.stack, _sides(parts))
    return Part(stream=parts[0].stream, one=one, two=two)


def _scaled(left: Part, right: Part) -> Part:
    one, two = (
        mine / np.maximum(_length(mine, other), np.finfo(np.float32).tiny)
        for mine, other in ((left.one, right.one), (left.two, right.two))
    )
    return Part(stream=left.stream, one=one, two=two)


def _length(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Returns the Frobenius norms of sums of products over units, [heads, 1, 1]."""
    squared = np.einsum("hud,hvd->huv", left, left) * np.einsum("hud,hvd->huv", right, right)
    return np.sqrt(np.maximum(squared.sum((1, 2), keepdims=True), 0))
