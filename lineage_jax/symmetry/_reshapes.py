"""Rules of primitives that divide numbers among axes anew: reshapes and gathers."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import jax.numpy as jnp
import numpy as np
from jax.extend.core import JaxprEqn

from lineage_jax.symmetry._value import (
    Ledger,
    Value,
    apart,
    axes_of,
    compact,
    forgotten,
    over_layers,
    pinned,
    product,
    rearranged,
    shape_of,
    touching,
)


def reshape(ledger: Ledger, eqn: JaxprEqn, values: list[Value]) -> list[Value]:
    """Other axes for the same order of numbers."""
    return [reshaped(ledger, values[0], shape_of(eqn.outvars[0]))]


def reshaped(ledger: Ledger, value: Value, shape: Sequence[int]) -> Value:
    """Gives a value another shape.

    Where an axis of units is merged with another axis, a new unit stands at every position; it goes where the unit
    goes, and keeps its coordinate on the other axis.
    """
    shape = tuple(shape)
    groups = _merged_axes(value.shape, shape)

    def layer_in(layer: np.ndarray) -> np.ndarray:
        wide = list(layer.shape)
        new = [1] * len(shape)
        for old_axes, new_axes in groups:
            if any(layer.shape[axis] > 1 for axis in old_axes):
                wide = [value.shape[axis] if axis in old_axes else size for axis, size in enumerate(wide)]
                new = [shape[axis] if axis in new_axes else size for axis, size in enumerate(new)]
        return compact(np.broadcast_to(layer, wide).reshape(new))

    mixed = {axis for layer in value.units if layer_in(layer).size > layer.size for axis in _reach(layer, groups)}
    while True:  # layers that share a group of merged axes with a mixed one are mixed too
        wider = mixed.union(*(_reach(layer, groups) for layer in touching(value.units, mixed)))
        if wider == mixed:
            break
        mixed = wider
    units = [*apart(value.units, mixed), *([_mixed(ledger, value, mixed)] if mixed else [])]
    parts: dict[str, Any] = {"sizes": (), "signs": ()}
    for kind in parts:
        for layer in getattr(value, kind):
            parts[kind] = product(getattr(ledger, kind), parts[kind], (layer_in(layer),))
    uniform = [True] * len(shape)
    for old_axes, new_axes in groups:
        for axis in new_axes:
            uniform[axis] = all(value.uniform[old] for old in old_axes)
    return Value(shape=shape, uniform=tuple(uniform), units=tuple(layer_in(layer) for layer in units), **parts)


def _reach(layer: np.ndarray, groups: list[tuple[list[int], list[int]]]) -> set[int]:
    """Returns all axes that are merged or split with one on which a layer depends."""
    return {axis for old, _ in groups if axes_of(layer) & set(old) for axis in old}


def _mixed(ledger: Ledger, value: Value, axes: set[int]) -> np.ndarray:
    """Returns one layer in place of all that depend on some axes, and of the coordinates on the rest of them."""
    layers = [ledger.units.filled(layer) for layer in touching(value.units, axes)]
    covered = frozenset().union(*(axes_of(layer) for layer in layers))
    shape = [size if axis in axes | covered else 1 for axis, size in enumerate(value.shape)]
    placed = {axis for axis in axes - covered if not value.uniform[axis]}  # along others any order is as good
    rest = [size if axis in placed else 1 for axis, size in enumerate(value.shape)]
    new = ledger.units.fresh(tuple(shape))
    for layer in layers:
        ledger.units.relate(new, layer, np.arange(int(np.prod(rest))).reshape(rest))
    return new


def _merged_axes(old: tuple[int, ...], new: tuple[int, ...]) -> list[tuple[list[int], list[int]]]:
    """Divides axes of more than one position into the smallest runs, old and new, that hold the same numbers."""
    before = [axis for axis, size in enumerate(old) if size > 1]
    after = [axis for axis, size in enumerate(new) if size > 1]
    groups = []
    while before:
        left, right = [before.pop(0)], [after.pop(0)]
        a, b = old[left[0]], new[right[0]]
        while a != b:
            if a < b:
                left.append(before.pop(0))
                a *= old[left[-1]]
            else:
                right.append(after.pop(0))
                b *= new[right[-1]]
        groups.append((left, right))
    return groups


def gather(ledger: Ledger, eqn: JaxprEqn, values: list[Value]) -> list[Value]:
    """Slices at given places: whole axes keep their units; others if places are known and none is taken twice."""
    operand, indices = values
    numbers = eqn.params["dimension_numbers"]
    sizes, shape = eqn.params["slice_sizes"], shape_of(eqn.outvars[0])
    gone = {*numbers.collapsed_slice_dims, *numbers.operand_batching_dims}
    some = {axis for axis, size in enumerate(operand.shape) if sizes[axis] < size or (axis in gone and size > 1)}
    if indices.known is not None and touching(operand.units, some) and int(np.prod(operand.shape)) < MOST_PLACES:
        return [_picked(ledger, eqn, operand, indices.known)]
    pinned(ledger, [indices])
    operand = forgotten(ledger, operand, some)
    kept = [axis for axis in range(len(operand.shape)) if axis not in gone]
    sources: list[int | None] = [None] * len(shape)
    for axis, source in zip(numbers.offset_dims, kept, strict=True):
        sources[axis] = source
    whole = replace(operand, shape=tuple(1 if axis in some else size for axis, size in enumerate(operand.shape)))
    found = rearranged(whole, sources, shape)
    moved = [source is None or source in some for source in sources]
    return [replace(found, uniform=tuple(f and not m for f, m in zip(found.uniform, moved, strict=True)))]


MOST_PLACES = 1 << 24
"""A gather of more is not followed place by place."""


def _picked(ledger: Ledger, eqn: JaxprEqn, operand: Value, indices: np.ndarray) -> Value:
    places = jnp.arange(int(np.prod(operand.shape)), dtype=jnp.int32).reshape(operand.shape)
    params = eqn.params | {"fill_value": -1}
    source = np.asarray(eqn.primitive.bind(places, jnp.asarray(indices), **params))

    def of(layer: np.ndarray) -> np.ndarray:
        found = np.broadcast_to(layer, operand.shape).ravel()[source]
        return compact(np.where(source < 0, -1, found))

    found = over_layers(operand, of)
    units = []
    for before, after in zip(operand.units, found["units"], strict=True):
        if len(np.unique(after)) < after.size or (after < 0).any():
            ledger.units.pin(before)
        else:
            ledger.units.mark(after)
            units.append(after)
    kinds: dict[str, Any] = {"sizes": (), "signs": ()}
    for kind in kinds:
        for layer in found[kind]:
            kinds[kind] = product(getattr(ledger, kind), kinds[kind], (layer,))
    return Value(shape=source.shape, uniform=(False,) * source.ndim, units=tuple(units), **kinds)


RESHAPES = {
    "reshape": reshape,
    "gather": gather,
}
