"""What is known of an array in a program: which units stand along its axes, and by which factors it is multiplied."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from lineage_jax.symmetry._factors import ANY, ONE, Factors
from lineage_jax.symmetry._facts import Facts

Layers = tuple[np.ndarray, ...]
"""Arrays of the value's rank; along axes on which they do not depend they have size 1."""


@dataclass(frozen=True, kw_only=True)
class Ledger:
    """All facts that a walk collects: of units, of factors' sizes and of their signs."""

    units: Facts = field(default_factory=Facts)
    sizes: Factors = field(default_factory=lambda: Factors(binary=False))
    signs: Factors = field(default_factory=lambda: Factors(binary=True))


@dataclass(frozen=True, kw_only=True)
class Value:
    """An array under a symmetry g: it holds at a position what it held at the position of the moved units, times
    factors.

    Layers depend on axes that no other layer depends on, and have no unit twice, so that units name a position. Along
    other axes every position keeps its coordinate.

    Attributes:
        shape: of the array.
        uniform: of each axis whether the array is constant along it.
        units: layers of units; -1 where the array is a constant, which fits any unit.
        sizes: layers of factors (logarithms of absolute values); the array is multiplied by their product.
        signs: the same of signs.
        known: the array itself where it is known and small.
    """

    shape: tuple[int, ...]
    uniform: tuple[bool, ...]
    units: Layers = ()
    sizes: Layers = ()
    signs: Layers = ()
    known: np.ndarray | None = None


def shape_of(atom: Any) -> tuple[int, ...]:
    """Returns the shape of a variable or literal of a jaxpr."""
    return tuple(atom.aval.shape)


def opaque(shape: Sequence[int]) -> Value:
    """Returns a value of which nothing is known but that every position keeps its place."""
    return Value(shape=tuple(shape), uniform=tuple(size == 1 for size in shape))


def constant(array: np.ndarray) -> Value:
    """Returns the value of a known array."""
    uniform = tuple(_is_uniform(array, axis) for axis in range(array.ndim))
    zero = (np.full((1,) * array.ndim, ANY),) if array.size and array.dtype.kind in "fiub" and not array.any() else ()
    return Value(shape=array.shape, uniform=uniform, sizes=zero, signs=zero, known=array)


def _is_uniform(array: np.ndarray, axis: int) -> bool:
    first = array.take([0], axis) if array.size else array
    return bool(((array == first) | ((array != array) & (first != first))).all())  # NaN is constant too


def axes_of(layer: np.ndarray) -> frozenset[int]:
    """Returns the axes on which a layer depends."""
    return frozenset(axis for axis, size in enumerate(layer.shape) if size > 1)


def touching(layers: Layers, axes: Iterable[int]) -> Layers:
    """Returns the layers that depend on one of the axes."""
    return tuple(layer for layer in layers if axes_of(layer) & set(axes))


def apart(layers: Layers, axes: Iterable[int]) -> Layers:
    """Returns the layers that depend on none of the axes."""
    return tuple(layer for layer in layers if not axes_of(layer) & set(axes))


def compact(layer: np.ndarray) -> np.ndarray:
    """Cuts a layer to size 1 along every axis on which it does not depend."""
    for axis, size in enumerate(layer.shape):
        first = layer.take([0], axis) if size > 1 else layer
        if size > 1 and (layer == first).all():
            layer = first
    return layer


def stretched(value: Value, shape: tuple[int, ...]) -> Value:
    """Broadcasts a scalar, or axes of size 1."""
    if value.shape == shape:
        return value
    if not value.shape:
        value = rearranged(value, (None,) * len(shape), (1,) * len(shape))
    uniform = tuple(flag or old < new for flag, old, new in zip(value.uniform, value.shape, shape, strict=True))
    return replace(value, shape=shape, uniform=uniform, known=None)


def rearranged(value: Value, sources: Sequence[int | None], shape: Sequence[int]) -> Value:
    """Puts axes into another order; one without a source is new and uniform, one of size 1 may be left out."""
    kept = [source for source in sources if source is not None]
    new = [axis for axis, source in enumerate(sources) if source is None]

    def moved(layer: np.ndarray) -> np.ndarray:
        gone = tuple(axis for axis in range(layer.ndim) if axis not in kept)
        order = [axis for axis in kept]
        return np.expand_dims(layer.transpose(*order, *gone).reshape([layer.shape[axis] for axis in order]), tuple(new))

    uniform = tuple(
        source is None or value.uniform[source] or value.shape[source] < size
        for source, size in zip(sources, shape, strict=True)
    )
    return Value(shape=tuple(shape), uniform=uniform, **over_layers(value, moved))


def over_layers(value: Value, moved: Callable[[np.ndarray], np.ndarray]) -> dict[str, Any]:
    """Applies a function of one layer to the three kinds of layers."""
    return {name: tuple(moved(layer) for layer in getattr(value, name)) for name in ("units", "sizes", "signs")}


def together(ledger: Ledger, values: Sequence[Value]) -> Value:
    """Lines values of one shape up: units in one place keep together. Factors are left to the caller.

    Layers may overlap afterwards: see `settled`.
    """
    for value in values:
        for other in values:
            for layer in value.units:
                for axis in axes_of(layer):
                    if not other.uniform[axis] and not touching(other.units, (axis,)):
                        ledger.units.pin(layer, axis)
    found: dict[frozenset[int], np.ndarray] = {}
    for layer in (layer for value in values for layer in value.units):
        same = found.get(axes_of(layer))
        if same is None:
            found[axes_of(layer)] = layer
        else:
            ledger.units.relate(same, layer)
            found[axes_of(layer)] = np.where(same < 0, layer, same)
    uniform = tuple(all(flags) for flags in zip(*(value.uniform for value in values), strict=True))
    return Value(shape=values[0].shape, uniform=uniform, units=tuple(found.values()))


def settled(ledger: Ledger, value: Value) -> Value:
    """Makes layers depend on axes of their own: where units of many axes go, those of some of these axes go along."""
    kept: list[np.ndarray] = []
    for layer in sorted(value.units, key=lambda layer: -len(axes_of(layer))):
        overlapping = [larger for larger in kept if axes_of(larger) & axes_of(layer)]
        for larger in overlapping:
            if axes_of(layer) <= axes_of(larger):
                ledger.units.relate(larger, layer)
            else:
                ledger.units.pin(larger)
                ledger.units.pin(layer)
        if not overlapping:
            kept.append(layer)
    return replace(value, units=tuple(kept))


def summed(ledger: Ledger, value: Value, axes: Sequence[int]) -> Value:
    """Adds up along axes, which then have size 1: the order of terms is forgotten, not which are added up."""
    kept = list(apart(value.units, axes))
    for layer in touching(value.units, axes):
        ledger.units.mark(layer)
        if axes_of(layer) <= set(axes):
            continue
        kept.append(_blocks(ledger, layer, axes))
    for factors, layers in ((ledger.sizes, value.sizes), (ledger.signs, value.signs)):
        no_factor(factors, touching(layers, axes))
    return Value(
        shape=tuple(1 if axis in axes else size for axis, size in enumerate(value.shape)),
        uniform=tuple(axis in axes or flag for axis, flag in enumerate(value.uniform)),
        units=tuple(kept),
        sizes=apart(value.sizes, axes),
        signs=apart(value.signs, axes),
    )


def _blocks(ledger: Ledger, layer: np.ndarray, axes: Sequence[int]) -> np.ndarray:
    """Returns a layer of blocks, each of all units that differ on some axes only."""
    layer = ledger.units.filled(layer)
    blocks = ledger.units.fresh(tuple(1 if axis in axes else size for axis, size in enumerate(layer.shape)))
    ledger.units.relate(layer, blocks)
    return blocks


def forgotten(ledger: Ledger, value: Value, axes: Iterable[int]) -> Value:
    """Keeps coordinates on some axes, and no layer of them; what a layer moves along other axes is a block then."""
    axes = tuple(axes)
    kept = list(apart(value.units, axes))
    for layer in touching(value.units, axes):
        for axis in axes_of(layer) & set(axes):
            ledger.units.pin(layer, axis)
        if not axes_of(layer) <= set(axes):
            kept.append(_blocks(ledger, layer, axes))
    no_factor(ledger.sizes, touching(value.sizes, axes))
    no_factor(ledger.signs, touching(value.signs, axes))
    return replace(
        value,
        units=tuple(kept),
        sizes=apart(value.sizes, axes),
        signs=apart(value.signs, axes),
        known=None,
    )


def pinned(ledger: Ledger, values: Sequence[Value]) -> None:
    """Pins all that values depend on."""
    for value in values:
        forgotten(ledger, value, range(len(value.shape)))


def is_zero(layers: Layers) -> bool:
    """Tells whether factors are those of an array of zeros."""
    return any((layer == ANY).all() for layer in layers)


def no_factor(factors: Factors, layers: Layers) -> Layers:
    """Says that factors are 1."""
    for layer in layers:
        factors.equate(layer, np.asarray(ONE))
    return ()


def equal(factors: Factors, first: Layers, second: Layers) -> Layers:
    """Says that the factors of two arrays are equal; zeros fit any."""
    if is_zero(first) or is_zero(second):
        return second if is_zero(first) else first
    one, two = ({axes_of(layer): layer for layer in layers} for layers in (first, second))
    return tuple(factors.equate(one.get(axes, np.asarray(ONE)), two.get(axes, np.asarray(ONE))) for axes in one | two)


def product(factors: Factors, first: Layers, second: Layers, power: float = 1.0) -> Layers:
    """Returns the factors of first * second ** power."""
    found = {axes_of(layer): layer for layer in first}
    for layer in second:
        before = found.get(axes_of(layer), np.full((1,) * layer.ndim, ONE))
        found[axes_of(layer)] = factors.product(before, layer, power)
    return tuple(found.values())
