"""Matching: the symmetry that brings one network nearest to another."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lineage_jax.leaves import check_shapes, is_under, leaf_paths, leaf_shapes
from lineage_jax.symmetry._assign import Parts, Signs, arranged, flipped, places_of, regions, signs_of
from lineage_jax.symmetry._axes import Axis
from lineage_jax.symmetry._element import Element
from lineage_jax.symmetry._groups import Groups
from lineage_jax.symmetry._scales import factors_to, sizes_of, squares_of
from lineage_jax.symmetry._slices import Leaves, move, slices
from lineage_jax.symmetry._tasks import Task, tasks_of
from lineage_jax.typing import Params

MOST_PASSES = 20
"""Passes over all families; relatives are done after two or three."""
MOST_NUMBERS = 8192
"""Numbers of a leaf by which a unit is compared; more cost time and tell no more."""


@dataclass(frozen=True, kw_only=True)
class _Pair:
    """Two networks on the host, the second one under way to the first; arrays of the dictionaries are replaced."""

    a: Leaves
    b: Leaves
    groups: Groups
    signs: Signs
    order: np.ndarray
    factor: np.ndarray


def match(a: Params, b: Params, groups: Groups, *, without: Sequence[str] = ()) -> Element:
    """Finds the element that brings network `b` as near to network `a` as it can be.

    Both networks are first scaled alike, so that factors do not matter. Then families are taken in the order in which
    the program uses them; members are assigned to each other by the inner products of their numbers, at first only of
    those whose other axes are matched already. Then all are taken again with all their numbers, until nothing
    changes. Blocks, such as heads, are compared by their best inner assignment. Networks that are no relatives are
    matched too: what comes out is then the best of chance.

    Works in float32 on the host.

    Args:
        a: the network that stays.
        b: the one that is brought to it.
        groups: of `b`.
        without: prefixes of leaves that are not compared, such as those of heads; only there may `a` have others.

    Returns:
        An element; `apply(b, groups, match(a, b, groups))` compares with `a`.

    Raises:
        ValueError: If a network's leaves are not those of `groups`, or hold NaN or infinity; names the first. If there
            is no leaf to compare.

    References:
        Ainsworth, Hayase and Srinivasa, "Git Re-Basin: Merging Models modulo Permutation Symmetries", ICLR 2023,
        section 3.2.
    """
    stays, comes = on_host(a, groups, "a", without), on_host(b, groups, "b", without)
    pair = _Pair(
        a=dict(stays),
        b=dict(comes),
        groups=groups,
        signs=signs_of(groups),
        order=np.arange(groups.slots),
        factor=np.ones(groups.slots),
    )
    squares = [squares_of(leaves, groups) for leaves in (stays, comes)]
    level = np.zeros(groups.slots)
    scales = [factors_to(network, groups, level) for network in squares]
    for leaves, scale in zip((pair.a, pair.b), scales, strict=True):
        move(leaves, groups.axes, Element(order=pair.order, factor=np.exp(scale)))
        leaves.update({path: _of_unit_size(leaf) for path, leaf in leaves.items()})
    _run(pair, tasks_of(groups))
    move(comes, groups.axes, Element(order=pair.order, factor=pair.factor))
    target = sizes_of(squares[0], level)
    return Element(order=pair.order, factor=pair.factor * np.exp(factors_to(squares_of(comes, groups), groups, target)))


def on_host(tree: Params, groups: Groups, name: str, without: Sequence[str]) -> Leaves:
    found, expected = (
        {path: shape for path, shape in shapes.items() if not is_under(path, without)}
        for shapes in (leaf_shapes(tree), groups.shapes)
    )
    if not expected:
        raise ValueError(f"expected a leaf that is compared, got none without {', '.join(without)}")
    check_shapes(found, expected, variables=f"network {name} with the leaves that groups were read off")
    leaves = {path: np.asarray(leaf) for path, leaf in leaf_paths(tree).items() if path in expected}
    for path, leaf in leaves.items():
        leaves[path] = leaf if leaf.dtype.kind in "biu" else leaf.astype(np.float32, copy=False)
        if not np.isfinite(leaves[path]).all():
            raise ValueError(f"expected finite weights in network {name}, got NaN or infinity at '{path}'")
    return leaves


def _of_unit_size(leaf: np.ndarray) -> np.ndarray:
    size = np.sqrt(np.mean(np.square(leaf, dtype=np.float32))) if leaf.size else 0.0
    return leaf if size == 0 else (leaf / size).astype(np.float32)


def _run(pair: _Pair, tasks: Sequence[Task]) -> None:
    """Matches family after family, then again and again those of which a neighbour has changed."""
    reads = {
        axis.path: [number for number, task in enumerate(tasks) if any(other.path == axis.path for other in task.axes)]
        for axis in pair.groups.axes
    }
    waiting = set(range(len(tasks)))
    matched: set[int] = set()
    for number in range(MOST_PASSES):
        for index, task in enumerate(tasks):
            if index not in waiting:
                continue
            compared = [axis for axis in task.axes if axis.path in pair.a]
            ready = [axis for axis in compared if number or _is_ready(axis, pair, tasks, matched)]
            changed = _match_family(pair, task, ready)
            matched.add(index)
            if len(ready) == len(compared):
                waiting.discard(index)
            if changed:
                waiting |= {other for axis in task.axes for other in reads[axis.path]} - {index}
        if not waiting:
            break


def _is_ready(axis: Axis, pair: _Pair, tasks: Sequence[Task], matched: set[int]) -> bool:
    """Tells whether all other axes of a leaf are matched or stay in their places."""
    others = [other for other in pair.groups.axes if other.path == axis.path and other != axis]
    return all(n in matched for other in others for n, task in enumerate(tasks) if other in task.axes)


def _match_family(pair: _Pair, task: Task, axes: Sequence[Axis]) -> bool:
    """Assigns the members of a family, and of those inside of it; tells whether anything moved."""
    alike = [_similarities(pair, slots, axes) for slots in regions(task)]
    targets, sources, flips = arranged(task, alike, pair.signs)
    order = np.arange(pair.groups.slots)
    order[targets] = sources
    return _moved(pair, order, flips)


def _moved(pair: _Pair, order: np.ndarray, flips: set[int]) -> bool:
    factor = flipped(pair.groups, flips)
    touched = (order != np.arange(len(order))) | (factor < 0)
    if not touched.any():
        return False
    axes = [axis for axis in pair.groups.axes if touched[axis.start : axis.slots[-1] + 1].any()]
    move(pair.b, axes, Element(order=order, factor=factor))
    pair.order[:], pair.factor[:] = pair.order[order], pair.factor[order] * factor
    return True


def _similarities(pair: _Pair, slots: np.ndarray, axes: Sequence[Axis]) -> Parts:
    """Returns inner products of members of both networks."""
    found: dict[frozenset[int], np.ndarray] = {}
    for axis in axes:
        for free, places in places_of(slots, axis, pair.signs).items():
            one, two = (_numbers(leaves[axis.path], axis, places) for leaves in (pair.a, pair.b))
            found[free] = found.get(free, 0.0) + one @ two.T
    return found or {frozenset(): np.zeros((len(slots), len(slots)), np.float32)}


def _numbers(leaf: np.ndarray, axis: Axis, places: np.ndarray) -> np.ndarray:
    """Returns the numbers of each member; of very many an evenly spaced part."""
    cut = slices(leaf, axis)
    step = max(1, cut.shape[1] * places.shape[1] // MOST_NUMBERS)
    return cut[:, ::step][places].reshape(len(places), -1)
