"""Rules of primitives that move numbers and change none."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import jax.numpy as jnp
import numpy as np
from jax.extend.core import JaxprEqn

from lineage_jax.symmetry._factors import ANY, ONE, Factors
from lineage_jax.symmetry._value import (
    Layers,
    Ledger,
    Value,
    apart,
    axes_of,
    compact,
    equal,
    forgotten,
    is_zero,
    no_factor,
    over_layers,
    product,
    rearranged,
    shape_of,
    together,
    touching,
)


def transpose(ledger: Ledger, eqn: JaxprEqn, values: list[Value]) -> list[Value]:
    """Axes in another order."""
    order = [int(axis) for axis in eqn.params["permutation"]]
    return [rearranged(values[0], order, [values[0].shape[axis] for axis in order])]


def broadcast_in_dim(ledger: Ledger, eqn: JaxprEqn, values: list[Value]) -> list[Value]:
    """New axes, along which the value is constant."""
    sources: list[int | None] = [None] * len(eqn.params["shape"])
    for source, axis in enumerate(eqn.params["broadcast_dimensions"]):
        sources[axis] = source
    return [rearranged(values[0], sources, eqn.params["shape"])]


def squeeze(ledger: Ledger, eqn: JaxprEqn, values: list[Value]) -> list[Value]:
    """Axes of size 1 left out."""
    kept = [axis for axis in range(len(values[0].shape)) if axis not in eqn.params["dimensions"]]
    return [rearranged(values[0], kept, [values[0].shape[axis] for axis in kept])]


def expand_dims(ledger: Ledger, eqn: JaxprEqn, values: list[Value]) -> list[Value]:
    """Axes of size 1 put in."""
    kept = iter(range(len(values[0].shape)))
    shape = shape_of(eqn.outvars[0])
    sources = [None if axis in eqn.params["dimensions"] else next(kept) for axis in range(len(shape))]
    return [rearranged(values[0], sources, shape)]


def rev(ledger: Ledger, eqn: JaxprEqn, values: list[Value]) -> list[Value]:
    """Axes read backwards."""
    return [replace(values[0], **over_layers(values[0], lambda layer: np.flip(layer, eqn.params["dimensions"])))]


def slice_(ledger: Ledger, eqn: JaxprEqn, values: list[Value]) -> list[Value]:
    """A range of every axis; a range of units is kept as a set."""
    start, limit = eqn.params["start_indices"], eqn.params["limit_indices"]
    strides = eqn.params["strides"] or (1,) * len(start)
    return [cut(ledger, values[0], [slice(*part) for part in zip(start, limit, strides, strict=True)])]


def split(ledger: Ledger, eqn: JaxprEqn, values: list[Value]) -> list[Value]:
    """Consecutive ranges of one axis."""
    axis, ends = eqn.params["axis"], np.cumsum(eqn.params["sizes"]).tolist()
    starts = [0, *ends[:-1]]
    whole = [slice(None)] * len(values[0].shape)
    return [
        cut(ledger, values[0], [*whole[:axis], slice(*ends_), *whole[axis + 1 :]])
        for ends_ in zip(starts, ends, strict=True)
    ]


def dynamic_slice(ledger: Ledger, eqn: JaxprEqn, values: list[Value]) -> list[Value]:
    """A range that starts where a number says: if that is not known, what is cut stays in its place."""
    operand, *starts = values
    sizes = eqn.params["slice_sizes"]
    if all(start.known is not None for start in starts):
        first = [
            int(np.clip(start.known, 0, n - size))  # type: ignore[arg-type]
            for start, n, size in zip(starts, operand.shape, sizes, strict=True)
        ]
        return [cut(ledger, operand, [slice(a, a + size) for a, size in zip(first, sizes, strict=True)])]
    pinned(ledger, starts)
    some = [axis for axis, size in enumerate(sizes) if size < operand.shape[axis]]
    found = forgotten(ledger, operand, some)
    return [replace(found, shape=tuple(sizes))]


def cut(ledger: Ledger, value: Value, ranges: Sequence[slice]) -> Value:
    """Returns a range of every axis."""

    def of(layer: np.ndarray) -> np.ndarray:
        return layer[tuple(r if size > 1 else slice(None) for r, size in zip(ranges, layer.shape, strict=True))]

    shape = tuple(len(range(*r.indices(size))) for r, size in zip(ranges, value.shape, strict=True))
    found = over_layers(value, of)
    for before, after in zip(value.units, found["units"], strict=True):
        if after.size < before.size:
            ledger.units.mark(after)
    uniform = tuple(flag or size == 1 for flag, size in zip(value.uniform, shape, strict=True))
    return Value(shape=shape, uniform=uniform, **found)


def concatenate(ledger: Ledger, eqn: JaxprEqn, values: list[Value]) -> list[Value]:
    """Segments of an axis, each with its own units: one that stands in two segments is there twice."""
    return [_concatenated(ledger, eqn.params["dimension"], values, shape_of(eqn.outvars[0]))]


def stack(ledger: Ledger, eqn: JaxprEqn, values: list[Value]) -> list[Value]:
    """Values side by side along a new axis."""
    axis, shape = eqn.params["axis"], shape_of(eqn.outvars[0])
    sources = [None if out == axis else out - (out > axis) for out in range(len(shape))]
    one = [rearranged(value, sources, _with(shape, axis, 1)) for value in values]
    return [_concatenated(ledger, axis, one, shape)]


def _concatenated(ledger: Ledger, axis: int, values: list[Value], shape: tuple[int, ...]) -> Value:
    values = [value for value in values if value.shape[axis]]
    others = [replace(value, shape=_with(value.shape, axis, 1), units=apart(value.units, (axis,))) for value in values]
    others = [replace(value, uniform=_with(value.uniform, axis, True)) for value in others]
    along = together(ledger, others)
    units = (*along.units, *_segments(ledger, axis, values))
    sizes, signs = (
        _joined(getattr(ledger, kind), axis, [(value.shape[axis], getattr(value, kind)) for value in values])
        for kind in ("sizes", "signs")
    )
    return Value(shape=shape, uniform=_with(along.uniform, axis, False), units=units, sizes=sizes, signs=signs)


def _with(items: tuple, axis: int, item: Any) -> tuple:
    return (*items[:axis], item, *items[axis + 1 :])


def _segments(ledger: Ledger, axis: int, values: list[Value]) -> Layers:
    """Returns the layer along the axis of concatenation, of new units that go where those of the segments go."""
    found = [next(iter(touching(value.units, (axis,))), None) for value in values]
    if all(layer is None for layer in found):
        return ()
    if len({axes_of(layer) for layer in found if layer is not None}) > 1 or (
        any(layer is None for layer in found) and any(len(axes_of(layer)) > 1 for layer in found if layer is not None)
    ):
        for layer in found:
            if layer is not None:
                ledger.units.pin(layer)
        found = [None] * len(values)
    rank = len(values[0].shape)
    full = [
        _fixed(ledger, rank, axis, value.shape[axis]) if layer is None else ledger.units.filled(layer)
        for value, layer in zip(values, found, strict=True)
    ]
    # a segment of size 1 depends on no axis, and has its place all the same
    whole = np.concatenate(full, axis)
    segments = np.concatenate([np.full(layer.shape, index) for index, layer in enumerate(full)], axis)
    new = ledger.units.fresh(whole.shape)
    ledger.units.relate(new, whole, segments)
    return (new,)


def _fixed(ledger: Ledger, rank: int, axis: int, size: int) -> np.ndarray:
    return ledger.units.filled(np.full([size if index == axis else 1 for index in range(rank)], -1))


def _joined(factors: Factors, axis: int, segments: list[tuple[int, Layers]]) -> Layers:
    common: Layers | None = None
    for _, layers in segments:
        rest = apart(layers, (axis,))
        common = rest if common is None else equal(factors, common, rest)
    along: dict[frozenset[int], np.ndarray] = {}
    for key in {axes_of(layer) for _, layers in segments for layer in touching(layers, (axis,))}:
        parts = []
        for size, layers in segments:
            mine = next((layer for layer in layers if axes_of(layer) == key), np.full((1,) * _rank(segments), ONE))
            parts.append(np.broadcast_to(mine, [*mine.shape[:axis], size, *mine.shape[axis + 1 :]]))
        wide = np.broadcast_shapes(*(_with(part.shape, axis, 1) for part in parts))
        along[key] = np.concatenate([np.broadcast_to(p, _with(wide, axis, p.shape[axis])) for p in parts], axis)
    return (*(common or ()), *along.values())


def _rank(segments: list[tuple[int, Layers]]) -> int:
    """Returns the rank of the layers of segments."""
    return next(layer.ndim for _, layers in segments for layer in layers)


def pad(ledger: Ledger, eqn: JaxprEqn, values: list[Value]) -> list[Value]:
    """A constant around: along an axis of units it fits any unit."""
    operand, padding = values
    config = eqn.params["padding_config"]
    changed = [axis for axis, part in enumerate(config) if tuple(part) != (0, 0, 0)]
    negative = [axis for axis in changed if min(config[axis]) < 0]
    operand = forgotten(ledger, operand, negative)
    no_factor(ledger.sizes, () if is_zero(padding.sizes) else padding.sizes)
    no_factor(ledger.signs, () if is_zero(padding.signs) else padding.signs)
    is_nothing = is_zero(padding.sizes)
    if not is_nothing:
        no_factor(ledger.sizes, operand.sizes)
        no_factor(ledger.signs, operand.signs)
        operand = replace(operand, sizes=(), signs=())

    def around(layer: np.ndarray, fill: int) -> np.ndarray:
        for axis in sorted(axes_of(layer) & set(changed)):
            low, high, inner = config[axis]
            size = layer.shape[axis]
            wide = np.full(_with(layer.shape, axis, low + high + size + inner * max(size - 1, 0)), fill)
            wide[(slice(None),) * axis + (slice(low, low + size + inner * max(size - 1, 0), inner + 1),)] = layer
            layer = wide
        return layer

    units = tuple(
        around(ledger.units.filled(layer) if axes_of(layer) & set(changed) else layer, -1) for layer in operand.units
    )
    return [
        Value(
            shape=shape_of(eqn.outvars[0]),
            uniform=tuple(flag and axis not in changed for axis, flag in enumerate(operand.uniform)),
            units=units,
            sizes=tuple(around(layer, ANY) for layer in operand.sizes),
            signs=tuple(around(layer, ANY) for layer in operand.signs),
        )
    ]


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
    rest = [size if axis in axes - covered else 1 for axis, size in enumerate(value.shape)]
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


def pinned(ledger: Ledger, values: Sequence[Value]) -> None:
    """Pins all that values depend on."""
    for value in values:
        forgotten(ledger, value, range(len(value.shape)))


def copy(ledger: Ledger, eqn: JaxprEqn, values: list[Value]) -> list[Value]:
    """The same."""
    return [values[0]]


def iota(ledger: Ledger, eqn: JaxprEqn, values: list[Value]) -> list[Value]:
    """Counts along an axis."""
    return [
        Value(
            shape=eqn.params["shape"],
            uniform=tuple(a != eqn.params["dimension"] for a in range(len(eqn.params["shape"]))),
        )
    ]


MOVES = {
    "transpose": transpose,
    "broadcast_in_dim": broadcast_in_dim,
    "squeeze": squeeze,
    "expand_dims": expand_dims,
    "rev": rev,
    "slice": slice_,
    "split": split,
    "dynamic_slice": dynamic_slice,
    "concatenate": concatenate,
    "stack": stack,
    "pad": pad,
    "reshape": reshape,
    "gather": gather,
    "iota": iota,
    "copy": copy,
    "copy_p": copy,
    "optimization_barrier": lambda ledger, eqn, values: values,
    "stop_gradient": copy,
}
