"""Rules of primitives that put values beside each other: segments, stacks and padding."""

from dataclasses import replace
from typing import Any

import numpy as np
from jax.extend.core import JaxprEqn

from lineage_jax.symmetry._factors import ANY, ONE, Factors
from lineage_jax.symmetry._value import (
    Layers,
    Ledger,
    Value,
    apart,
    axes_of,
    equal,
    forgotten,
    is_zero,
    no_factor,
    rearranged,
    shape_of,
    together,
    touching,
)


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


JOINS = {
    "concatenate": concatenate,
    "stack": stack,
    "pad": pad,
}
