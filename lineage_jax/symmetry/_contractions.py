"""Rules of primitives that add up: products of matrices, convolutions, reductions, windows."""

from collections.abc import Sequence
from dataclasses import replace

from jax.extend.core import JaxprEqn

from lineage_jax.symmetry._arithmetic import refuse_factors
from lineage_jax.symmetry._reshapes import reshaped
from lineage_jax.symmetry._value import (
    Ledger,
    Value,
    apart,
    forgotten,
    no_factor,
    opaque,
    product,
    rearranged,
    settled,
    shape_of,
    summed,
    together,
    touching,
)


def dot_general(ledger: Ledger, eqn: JaxprEqn, values: list[Value]) -> list[Value]:
    """Units along contracted axes are the same on both sides, and then forgotten."""
    lhs, rhs = values
    (left, right), (left_batch, right_batch) = eqn.params["dimension_numbers"]
    left_free = [axis for axis in range(len(lhs.shape)) if axis not in (*left, *left_batch)]
    right_free = [axis for axis in range(len(rhs.shape)) if axis not in (*right, *right_batch)]
    one, two = [*left_batch, *left, *left_free], [*right_batch, *right]
    shape = [*(lhs.shape[axis] for axis in one), *(rhs.shape[axis] for axis in right_free)]
    lhs = rearranged(lhs, [*one, *(None for _ in right_free)], shape)
    rhs = rearranged(rhs, [*two, *(None for _ in left_free), *right_free], shape)
    first = len(left_batch)
    return [_contracted(ledger, lhs, rhs, range(first, first + len(left)))]


def _contracted(ledger: Ledger, lhs: Value, rhs: Value, axes: Sequence[int]) -> Value:
    out = together(ledger, [lhs, rhs])
    inside = settled(ledger, replace(out, units=touching(out.units, axes))).units  # before what ties them is forgotten
    out = replace(out, units=(*apart(out.units, axes), *inside))
    sizes = product(ledger.sizes, lhs.sizes, rhs.sizes)
    signs = product(ledger.signs, lhs.signs, rhs.signs)
    out = settled(ledger, summed(ledger, replace(out, sizes=sizes, signs=signs), axes))
    kept = [axis for axis in range(len(out.shape)) if axis not in axes]
    return rearranged(out, kept, [out.shape[axis] for axis in kept])


def conv_general_dilated(ledger: Ledger, eqn: JaxprEqn, values: list[Value]) -> list[Value]:
    """Channels are contracted within their group; places keep their coordinates.

    The operand becomes [n, spatial, group, in, 1] and the kernel [1, 1, group, in, out].
    """
    lhs, rhs = values
    lhs_spec, rhs_spec, out_spec = eqn.params["dimension_numbers"]
    groups, shape = eqn.params["feature_group_count"], shape_of(eqn.outvars[0])
    if eqn.params["batch_group_count"] != 1:
        return unknown(ledger, eqn, values)
    places = [shape[axis] for axis in out_spec[2:]]
    lhs = forgotten(ledger, lhs, lhs_spec[2:])
    rhs = forgotten(ledger, rhs, rhs_spec[2:])
    n, channels = lhs.shape[lhs_spec[0]], lhs.shape[lhs_spec[1]]
    out, inside = rhs.shape[rhs_spec[0]], rhs.shape[rhs_spec[1]]
    lhs = _without(lhs, lhs_spec[2:], lhs_spec[:2])
    rhs = _without(rhs, rhs_spec[2:], (rhs_spec[1], rhs_spec[0]))
    lhs = reshaped(ledger, lhs, (n, groups, channels // groups))
    rhs = reshaped(ledger, rhs, (inside, groups, out // groups))
    new = [None] * len(places)
    whole = (n, *places, groups, inside, out // groups)
    lhs = rearranged(lhs, [0, *new, 1, 2, None], whole)
    lhs = replace(lhs, uniform=(lhs.uniform[0], *(False for _ in places), *lhs.uniform[1 + len(places) :]))
    rhs = rearranged(rhs, [None, *new, 1, 0, 2], whole)
    found = _contracted(ledger, lhs, rhs, [len(places) + 2])
    found = reshaped(ledger, found, (n, *places, out))
    order = sorted(range(len(shape)), key=lambda axis: (out_spec[0], *out_spec[2:], out_spec[1])[axis])
    return [rearranged(found, order, shape)]


def _without(value: Value, gone: Sequence[int], kept: Sequence[int]) -> Value:
    """Leaves out axes of which no layer is kept."""
    one = replace(value, shape=tuple(1 if axis in gone else size for axis, size in enumerate(value.shape)))
    return rearranged(one, list(kept), [one.shape[axis] for axis in kept])


def reduce_linear(ledger: Ledger, eqn: JaxprEqn, values: list[Value]) -> list[Value]:
    """Sums along axes."""
    return [_reduced(ledger, eqn, values[0])]


def reduce_ordered(ledger: Ledger, eqn: JaxprEqn, values: list[Value]) -> list[Value]:
    """Maxima along axes: positive factors of other axes go through."""
    return [_reduced(ledger, eqn, replace(values[0], signs=no_factor(ledger.signs, values[0].signs)))]


def reduce_other(ledger: Ledger, eqn: JaxprEqn, values: list[Value]) -> list[Value]:
    """Products and truths along axes."""
    return [_reduced(ledger, eqn, refuse_factors(ledger, values)[0])]


def reduce_placed(ledger: Ledger, eqn: JaxprEqn, values: list[Value]) -> list[Value]:
    """Places of maxima: what moves along the axis would change them."""
    axes = [int(axis) for axis in eqn.params["axes"]]
    value = forgotten(ledger, refuse_factors(ledger, values)[0], axes)
    return [_without(value, axes, [axis for axis in range(len(value.shape)) if axis not in axes])]


def _reduced(ledger: Ledger, eqn: JaxprEqn, value: Value) -> Value:
    axes = [int(axis) for axis in eqn.params["axes"]]
    out = summed(ledger, value, axes)
    kept = [axis for axis in range(len(out.shape)) if axis not in axes]
    return rearranged(out, kept, [out.shape[axis] for axis in kept])


def window_linear(ledger: Ledger, eqn: JaxprEqn, values: list[Value]) -> list[Value]:
    """Sums in windows: axes with a window keep their places."""
    value, shape = values[0], shape_of(eqn.outvars[0])
    windows = zip(value.shape, shape, eqn.params["window_dimensions"], strict=True)
    changed = [axis for axis, (old, new, window) in enumerate(windows) if window != 1 or old != new]
    return [_in_places(forgotten(ledger, value, changed), changed, shape)]


def window_ordered(ledger: Ledger, eqn: JaxprEqn, values: list[Value]) -> list[Value]:
    """Maxima in windows."""
    return window_linear(ledger, eqn, [replace(values[0], signs=no_factor(ledger.signs, values[0].signs))])


def along_axis(ledger: Ledger, eqn: JaxprEqn, values: list[Value]) -> list[Value]:
    """Running sums: the axis keeps its places."""
    value = replace(values[0], signs=values[0].signs)
    axis = eqn.params["axis"]
    return [_in_places(forgotten(ledger, value, [axis]), [axis], value.shape)]


def _in_places(value: Value, axes: Sequence[int], shape: Sequence[int]) -> Value:
    uniform = tuple(flag and axis not in axes for axis, flag in enumerate(value.uniform))
    return replace(value, shape=tuple(shape), uniform=uniform, known=None)


def unknown(ledger: Ledger, eqn: JaxprEqn, values: list[Value]) -> list[Value]:
    """Pins all that a primitive without a rule touches."""
    for value in values:
        forgotten(ledger, value, range(len(value.shape)))
    refuse_factors(ledger, values)
    return [opaque(shape_of(var)) for var in eqn.outvars]


CONTRACTIONS = {
    "dot_general": dot_general,
    "conv_general_dilated": conv_general_dilated,
    "reduce_sum": reduce_linear,
    **dict.fromkeys(("reduce_max", "reduce_min"), reduce_ordered),
    **dict.fromkeys(("reduce_prod", "reduce_and", "reduce_or", "reduce_xor"), reduce_other),
    **dict.fromkeys(("argmax", "argmin"), reduce_placed),
    "reduce_window_sum": window_linear,
    **dict.fromkeys(("reduce_window_max", "reduce_window_min"), window_ordered),
    "cumsum": along_axis,
}
