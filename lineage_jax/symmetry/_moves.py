"""Rules of primitives that take axes and ranges of them."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from jax.extend.core import JaxprEqn

from lineage_jax.symmetry._value import (
    Ledger,
    Value,
    forgotten,
    over_layers,
    pinned,
    rearranged,
    shape_of,
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
    "iota": iota,
    "copy": copy,
    "copy_p": copy,
    "optimization_barrier": lambda ledger, eqn, values: values,
    "stop_gradient": copy,
}
