"""The protocol of every comparison, and the driver that runs one in memory."""

import abc
import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from lineage_jax import linearize
from lineage_jax.pairs._population import check_wrapped, population_of
from lineage_jax.pairs._reading import Reading, UnknownKindError, first_look, full_look
from lineage_jax.typing import Population

if TYPE_CHECKING:
    import xarray

Progress = Callable[[int, int], None]


class AtATime(NamedTuple):
    """How many networks of either side are held at a time."""

    parents: int
    children: int


class Comparison(abc.ABC):
    """A way to compare networks whose kinds are known: each is prepared, then pairs are compared."""

    @property
    @abc.abstractmethod
    def at_a_time(self) -> AtATime:
        """How many parents and how many children are prepared together and held."""

    @property
    @abc.abstractmethod
    def labels(self) -> Mapping[str, Sequence[Any]]:
        """By dimension the labels of the numbers that a pair gives: `{"layer": [...], "measure": [...]}`."""

    @property
    @abc.abstractmethod
    def not_shared(self) -> Sequence[str]:
        """Paths of leaves that some network lacks or has in another shape; they take no part."""

    @abc.abstractmethod
    def prepare(self, role: str, names: Sequence[str]) -> Any:
        """Reads networks of one side, "parent" or "child", and computes what depends on each of them alone."""

    @abc.abstractmethod
    def compare(self, parents: Any, children: Any) -> np.ndarray:
        """Compares every prepared parent with every prepared child: `[p, m, ...]`, further axes as in `labels`."""


class Tile(NamedTuple):
    """The scores of a block of pairs, and where among all parents and children it lies.

    Attributes:
        parents: places of its parents.
        children: places of its children.
        values: `[p, m, ...]`, further axes as in `Comparison.labels`.
    """

    parents: slice
    children: slice
    values: np.ndarray


def tiles(comparison: Comparison, parents: Sequence[str], children: Sequence[str]) -> Iterator[Tile]:
    """Yields blocks of pairs until all are compared, the parents of a block of children one after another.

    Each child is prepared once; each parent once where all are held at a time, else once for each block of children.
    """
    sides = [_places(len(names), most) for names, most in zip((parents, children), comparison.at_a_time, strict=True)]
    resident = comparison.prepare("parent", parents) if len(sides[0]) == 1 else None
    for of_children in sides[1]:
        ready = comparison.prepare("child", children[of_children])
        for of_parents in sides[0]:
            others = comparison.prepare("parent", parents[of_parents]) if resident is None else resident
            values = comparison.compare(others, ready)
            del others  # before the next ones are read
            yield Tile(of_parents, of_children, values)
        del ready


def compare_all(
    comparison_of: Callable[[Reading], Comparison],
    parents: Population,
    children: Population,
    *,
    held: Sequence[str],
    progress: Progress | None = None,
) -> "xarray.DataArray":
    """Compares every parent with every child, in memory.

    Args:
        comparison_of: makes the comparison from what is known of the networks; called again, with all of them known,
            if one turns up that is of another kind than those before it.
        parents: candidate parents, `{name: variables}` or `Networks`.
        children: children, `{name: variables}` or `Networks`.
        held: path prefixes that are held.
        progress: called with (pairs done, pairs in all) after each block of children.

    Returns:
        `xarray.DataArray` with dimensions parent, child and those of `Comparison.labels`. Its attribute `not_shared`
        lists the paths that some network lacks or has in another shape.

    Raises:
        ValueError: As `population_of`, `read` and the comparison.
        TypeError: The same, or if `held` is a string.
    """
    linearize.check_held(held)
    held = tuple(held)
    parents, children = population_of(parents, "parent", held=held), population_of(children, "child", held=held)
    check_wrapped(parents, children)
    reading = first_look(parents, children, held=held)
    with contextlib.suppress(UnknownKindError):  # once suppressed it holds nothing of what was read
        return _filled(comparison_of(reading), reading, progress)
    reading = full_look(parents, children, held=held)
    return _filled(comparison_of(reading), reading, progress)


def _filled(comparison: Comparison, reading: Reading, progress: Progress | None) -> "xarray.DataArray":
    import xarray

    parents, children = reading.names("parent"), reading.names("child")
    values = np.empty(0)
    for tile in tiles(comparison, parents, children):
        if not values.size:
            values = np.empty((len(parents), len(children), *tile.values.shape[2:]), tile.values.dtype)
        values[tile.parents, tile.children] = tile.values
        if progress and tile.parents.stop == len(parents):
            progress(len(parents) * tile.children.stop, len(parents) * len(children))
    labels = {"parent": parents, "child": children, **comparison.labels}
    coords = {dim: list(of_dim) for dim, of_dim in labels.items()}
    attrs = {"not_shared": list(comparison.not_shared)}
    return xarray.DataArray(values, dims=tuple(coords), coords=coords, name="score", attrs=attrs)


def _places(count: int, most: int) -> list[slice]:
    return [slice(start, min(start + most, count)) for start in range(0, count, most)]
