"""Axes of leaves: what of a network's parameters can be moved, and where each position of each axis is kept."""

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.extend import core

from lineage_jax.symmetry._value import Ledger, Value, shape_of
from lineage_jax.symmetry._walk import inlined


@dataclass(frozen=True, kw_only=True)
class Axis:
    """An axis of a leaf, with a slot for each of its positions.

    The input channels of a grouped convolution are other ones in each group although the kernel has one axis for all:
    such an axis has slots `[group, channel]`, and the group is read off the output channel.

    Attributes:
        path: of the leaf.
        axis: of the leaf.
        start: number of its first slot.
        size: positions of the axis.
        groups: of a grouped convolution; otherwise 1.
        outputs: the axis of output channels; used only where there are groups.
        floating: whether the leaf may be multiplied.
    """

    path: str
    axis: int
    start: int
    size: int
    groups: int
    outputs: int
    floating: bool

    @functools.cached_property
    def slots(self) -> np.ndarray:
        """Numbers of its slots, [groups * size]."""
        return np.arange(self.start, self.start + self.groups * self.size)

    @property
    def name(self) -> str:
        """Path and axis, such as `params/fc1/kernel[1]`."""
        return f"{self.path}[{self.axis}]"

    def spread(self, values: Any, shape: tuple[int, ...]) -> Any:
        """Lays one value a slot out over a leaf: of the leaf's rank, of size 1 along axes without influence."""
        if self.groups == 1:
            return values.reshape([self.size if axis == self.axis else 1 for axis in range(len(shape))])
        of_output = np.arange(shape[self.outputs]) // (shape[self.outputs] // self.groups)
        table = values.reshape(self.groups, self.size)[of_output]
        table = table if self.outputs < self.axis else table.T
        kept = (self.axis, self.outputs)
        return table.reshape([size if axis in kept else 1 for axis, size in enumerate(shape)])


def axes_of_leaves(leaves: Mapping[str, Any], grouped: Mapping[int, tuple[int, int, int]]) -> list[Axis]:
    """Returns all axes of more than one position.

    Args:
        leaves: by path something with a shape and a type.
        grouped: by number of a leaf the axes of input and output channels, and groups, of a grouped convolution.
    """
    axes: list[Axis] = []
    start = 0
    for number, (path, leaf) in enumerate(leaves.items()):
        inputs, outputs, groups = grouped.get(number, (-1, -1, 1))
        for axis, size in enumerate(leaf.shape):
            if size > 1:
                found = Axis(
                    path=path,
                    axis=axis,
                    start=start,
                    size=size,
                    groups=groups if axis == inputs else 1,
                    outputs=outputs,
                    floating=bool(jnp.issubdtype(leaf.dtype, jnp.inexact)),
                )
                axes.append(found)
                start += found.groups * size
    return axes


def values_of_leaves(ledger: Ledger, leaves: Mapping[str, Any], axes: list[Axis], *, factors: bool) -> list[Value]:
    """Returns the leaves as values: every slot is a unit and has a factor of its own, or 1 where none are asked."""
    units: dict[str, list[np.ndarray]] = {path: [] for path in leaves}
    sizes: dict[str, list[np.ndarray]] = {path: [] for path in leaves}
    signs: dict[str, list[np.ndarray]] = {path: [] for path in leaves}
    for axis in axes:
        shape, count = leaves[axis.path].shape, axis.groups * axis.size
        units[axis.path].append(axis.spread(ledger.units.fresh((count,)), shape))
        if axis.floating and factors:
            sizes[axis.path].append(axis.spread(ledger.sizes.unknowns(axis.start, count), shape))
            signs[axis.path].append(axis.spread(ledger.signs.unknowns(axis.start, count), shape))
    return [
        Value(
            shape=leaf.shape,
            uniform=tuple(size == 1 for size in leaf.shape),
            units=tuple(units[path]),
            sizes=tuple(sizes[path]),
            signs=tuple(signs[path]),
        )
        for path, leaf in leaves.items()
    ]


def grouped_kernels(jaxpr: core.Jaxpr, leaves: Mapping[core.Var, int]) -> dict[int, tuple[int, int, int]]:
    """Finds leaves that are kernels of grouped convolutions and nothing else: axes of inputs, outputs; groups."""
    uses = _uses(jaxpr, leaves)
    return {leaf: use for leaf, (use, *others) in uses.items() if use is not None and not set(others) - {use}}


def _uses(jaxpr: core.Jaxpr, leaves: Mapping[core.Var, int]) -> dict[int, list[tuple[int, int, int] | None]]:
    """Returns how each leaf is read, as it is or merely converted; None where not by a grouped convolution."""
    known, found = dict(leaves), dict[int, list[tuple[int, int, int] | None]]()
    for eqn in jaxpr.eqns:
        origins = [known.get(atom) if isinstance(atom, core.Var) else None for atom in eqn.invars]
        inner = inlined(eqn)
        if inner is not None:
            pairs = zip(inner.jaxpr.invars, origins, strict=True)
            inside = {var: leaf for var, leaf in pairs if leaf is not None}
            for leaf, uses in _uses(inner.jaxpr, inside).items():
                found.setdefault(leaf, []).extend(uses)
            for var in inner.jaxpr.outvars:  # handed back as it is: who reads it then is not known
                if isinstance(var, core.Var) and var in inside:
                    found.setdefault(inside[var], []).append(None)
        elif eqn.primitive.name == "convert_element_type" and origins[0] is not None:
            known[eqn.outvars[0]] = origins[0]
        else:
            for place, origin in enumerate(origins):
                if origin is not None:
                    found.setdefault(origin, []).append(_grouped(eqn) if place == 1 else None)
    return found


def _grouped(eqn: core.JaxprEqn) -> tuple[int, int, int] | None:
    if eqn.primitive.name != "conv_general_dilated" or eqn.params["batch_group_count"] != 1:
        return None
    outputs, inputs = eqn.params["dimension_numbers"].rhs_spec[:2]
    groups = eqn.params["feature_group_count"]
    return (inputs, outputs, groups) if groups > 1 and shape_of(eqn.invars[1])[inputs] > 1 else None


def in_order_of_use(jaxpr: core.Jaxpr, leaves: Mapping[core.Var, int]) -> list[int]:
    """Returns the numbers of leaves in the order in which a program first reads them; unread ones are not in it."""
    found: dict[int, None] = {}
    known = dict(leaves)
    for eqn in jaxpr.eqns:
        origins = [known.get(atom) if isinstance(atom, core.Var) else None for atom in eqn.invars]
        inner = inlined(eqn)
        if inner is not None:
            pairs = zip(inner.jaxpr.invars, origins, strict=True)
            found |= dict.fromkeys(in_order_of_use(inner.jaxpr, {var: leaf for var, leaf in pairs if leaf is not None}))
        elif eqn.primitive.name == "convert_element_type" and origins[0] is not None:
            known[eqn.outvars[0]] = origins[0]
        else:
            found |= dict.fromkeys(leaf for leaf in origins if leaf is not None)
    last = [known.get(atom) for atom in jaxpr.outvars if isinstance(atom, core.Var)]
    return list(found | dict.fromkeys(leaf for leaf in last if leaf is not None))


def abstract(leaf: Any) -> jax.ShapeDtypeStruct:
    """Returns shape and type of a leaf, without its values."""
    return jax.ShapeDtypeStruct(jnp.shape(leaf), jnp.result_type(leaf))
