"""Matching: the symmetry that brings one network nearest to another."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import linear_sum_assignment

from lineage_jax.leaves import check_shapes, is_under, leaf_paths, leaf_shapes
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
NOISE = 1e-6
"""Share of the largest similarity that is added at random: units that are all zero are not matched as they stand."""

Signs = tuple[frozenset[int], ...]
"""Of each slot the free signs that flip it."""


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
    stays, comes = _on_host(a, groups, "a", without), _on_host(b, groups, "b", without)
    pair = _Pair(
        a=dict(stays),
        b=dict(comes),
        groups=groups,
        signs=_signs_of(groups),
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


def _on_host(tree: Params, groups: Groups, name: str, without: Sequence[str]) -> Leaves:
    found, expected = (
        {path: shape for path, shape in shapes.items() if not is_under(path, without)}
        for shapes in (leaf_shapes(tree), groups.shapes)
    )
    if not expected:
        raise ValueError(f"expected a leaf that is compared, got none without {', '.join(without)}")
    check_shapes(found, expected, variables=f"network {name} with the leaves that groups were read off")
    leaves = {path: np.asarray(leaf) for path, leaf in leaf_paths(tree).items() if path in expected}
    for path, leaf in leaves.items():
        leaves[path] = leaf if leaf.dtype.kind in "biu" else leaf.astype(np.float32)
        if not np.isfinite(leaves[path]).all():
            raise ValueError(f"expected finite weights in network {name}, got NaN or infinity at '{path}'")
    return leaves


def _of_unit_size(leaf: np.ndarray) -> np.ndarray:
    size = np.sqrt(np.mean(np.square(leaf, dtype=np.float32))) if leaf.size else 0.0
    return leaf if size == 0 else (leaf / size).astype(np.float32)


def _signs_of(groups: Groups) -> Signs:
    found: list[set[int]] = [set() for _ in range(groups.slots)]
    for slot, free in zip(groups.signs.slots.tolist(), groups.signs.free.tolist(), strict=True):
        found[slot].add(free)
    return tuple(frozenset(signs) for signs in found)


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
    members, similarity = len(task.slots), _similarities(pair, task.slots[:, task.rest], axes)
    total = _total(similarity)
    inside = []
    for columns in task.inner:
        slots = task.slots[:, columns]
        between = _similarities(pair, slots.reshape(-1, slots.shape[2]), axes)
        size = len(columns)
        blocks = _total(between).reshape(members, size, members, size).transpose(0, 2, 1, 3)
        orders = np.stack([[_assigned(block) for block in row] for row in blocks])
        total = total + np.take_along_axis(blocks, orders[..., None], 3).sum((2, 3))
        inside.append((slots, between, orders))
    outer = _assigned(total)
    order = np.arange(pair.groups.slots)
    order[task.slots] = task.slots[outer]
    flips = _flips(pair, task.slots[:, task.rest], similarity, outer)
    for slots, between, orders in inside:
        size = slots.shape[1]
        chosen = orders[np.arange(members), outer]
        order[slots] = slots[outer[:, None], chosen]
        flips |= _flips(pair, slots.reshape(-1, slots.shape[2]), between, (outer[:, None] * size + chosen).ravel())
    return _moved(pair, task, order, flips)


def _moved(pair: _Pair, task: Task, order: np.ndarray, flips: set[int]) -> bool:
    factor = np.ones(pair.groups.slots)
    for slot in np.flatnonzero([bool(signs & flips) for signs in pair.signs]) if flips else ():
        factor[slot] = (-1.0) ** len(pair.signs[slot] & flips)
    if not flips and (order == np.arange(len(order))).all():
        return False
    touched = np.flatnonzero((order != np.arange(len(order))) | (factor < 0))
    axes = [axis for axis in pair.groups.axes if np.isin(axis.slots, touched).any()]
    move(pair.b, axes, Element(order=order, factor=factor))
    pair.order[:], pair.factor[:] = pair.order[order], pair.factor[order] * factor
    return True


def _similarities(pair: _Pair, slots: np.ndarray, axes: Sequence[Axis]) -> Mapping[frozenset[int], np.ndarray]:
    """Returns inner products of members of both networks, [members, members], apart for slots that flip together."""
    found: dict[frozenset[int], np.ndarray] = {}
    for axis in axes:
        here = (
            [column for column, slot in enumerate(slots[0]) if axis.start <= slot <= axis.slots[-1]]
            if len(slots)
            else []
        )
        for signs in {pair.signs[slots[0, column]] for column in here}:
            columns = [column for column in here if pair.signs[slots[0, column]] == signs]
            places = slots[:, columns] - axis.start
            one, two = (_numbers(leaves[axis.path], axis, places) for leaves in (pair.a, pair.b))
            found[signs] = found.get(signs, 0.0) + one @ two.T
    return found or {frozenset(): np.zeros((len(slots), len(slots)), np.float32)}


def _numbers(leaf: np.ndarray, axis: Axis, places: np.ndarray) -> np.ndarray:
    """Returns the numbers of each member; of very many an evenly spaced part."""
    cut = slices(leaf, axis)
    step = max(1, cut.shape[1] * places.shape[1] // MOST_NUMBERS)
    return cut[:, ::step][places].reshape(len(places), -1)


def _total(similarities: Mapping[frozenset[int], np.ndarray]) -> np.ndarray:
    return sum(np.abs(part) if signs else part for signs, part in similarities.items())  # type: ignore[return-value]


def _assigned(similarity: np.ndarray) -> np.ndarray:
    """Returns for each member of the first network that of the second one."""
    noise = np.random.default_rng(0).random(similarity.shape)
    largest = float(np.abs(similarity).max(initial=0.0))
    if largest == 0:
        return np.arange(len(similarity))
    return linear_sum_assignment(similarity + NOISE * largest * noise, maximize=True)[1]


def _flips(
    pair: _Pair, slots: np.ndarray, similarities: Mapping[frozenset[int], np.ndarray], order: np.ndarray
) -> set[int]:
    """Returns the free signs that turn negative similarities of assigned members positive, the strongest first."""
    columns = {
        signs: next(c for c, slot in enumerate(slots[0]) if pair.signs[slot] == signs)
        for signs in similarities
        if signs
    }
    rows = np.arange(len(slots))
    chosen = {signs: part[rows, order] for signs, part in similarities.items() if signs}
    decided: dict[int, bool] = {}
    for signs in sorted(chosen, key=lambda signs: -np.abs(chosen[signs]).sum()):
        for row, value in enumerate(chosen[signs]):
            mine = sorted(pair.signs[slots[row, columns[signs]]])
            new = [sign for sign in mine if sign not in decided]
            if not new or value == 0:
                continue
            decided |= dict.fromkeys(new, False)
            decided[new[0]] = (value < 0) != (sum(decided[sign] for sign in mine) % 2 == 1)
    return {sign for sign, flip in decided.items() if flip}
