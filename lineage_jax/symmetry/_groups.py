"""Groups: what of a network may be permuted, rescaled and flipped without any change of what it computes."""

import functools
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import jax
import numpy as np
from jax.extend import core

from lineage_jax.leaves import leaf_paths
from lineage_jax.symmetry._axes import (
    Axis,
    abstract,
    axes_of_leaves,
    grouped_kernels,
    in_order_of_use,
    values_of_leaves,
)
from lineage_jax.symmetry._contractions import refuse_factors
from lineage_jax.symmetry._factors import Factors
from lineage_jax.symmetry._families import families_of
from lineage_jax.symmetry._value import Ledger, opaque, pinned
from lineage_jax.symmetry._walk import RULES, inlined, walk
from lineage_jax.typing import Params


@dataclass(frozen=True, kw_only=True)
class Family:
    """Units, or blocks of units such as heads, that may be put into any order.

    Attributes:
        slots: [members, slots of a member]: which positions of which axes move with each member; columns are alike.
        axes: the axes that take part, such as `params/fc1/kernel[1]`.
    """

    slots: np.ndarray
    axes: tuple[str, ...]

    @property
    def size(self) -> int:
        """Number of members."""
        return len(self.slots)


@dataclass(frozen=True, kw_only=True)
class Span:
    """Free factors: every slot's factor is a product of powers of them, so its logarithm is `powers @ logarithms`.

    Attributes:
        count: number of free factors.
        slots, free, powers: entries of the sparse matrix [slots, free factors].
    """

    count: int
    slots: np.ndarray
    free: np.ndarray
    powers: np.ndarray


@dataclass(frozen=True, kw_only=True)
class Groups:
    """What may be done to a network's variables.

    Attributes:
        shapes: of the leaves, by path.
        axes: all axes of leaves, with the slots of their positions.
        families: what may be permuted; families inside of others' members come first.
        sizes: positive factors.
        signs: factors 1 and -1.
        unknown: how often each primitive without a rule occurs; what it touches is pinned.
        order: paths of leaves as the program first reads them; a leaf that it never reads is pinned.
        by_order: whether this was guessed from sizes and the order of leaves, without a program.
    """

    shapes: Mapping[str, tuple[int, ...]]
    axes: tuple[Axis, ...]
    families: tuple[Family, ...]
    sizes: Span
    signs: Span
    unknown: Mapping[str, int]
    order: tuple[str, ...]
    by_order: bool = False

    @functools.cached_property
    def slots(self) -> int:
        """Number of positions of all axes."""
        return sum(axis.groups * axis.size for axis in self.axes)


def groups(fn: Callable[[Any, Any], Any], variables: Params, inputs: Any, *, factors: bool = True) -> Groups:
    """Reads off a program which hidden units of a network may be permuted, rescaled or flipped.

    No values are needed: variables and inputs may be shapes alone. Only positions of the variables' axes move; inputs
    and outputs keep their places. A primitive without a rule pins what it touches, so that there may be more symmetry
    than is found, never less: `check` shows it.

    Args:
        fn: `(variables, inputs) -> outputs`, any tree of arrays.
        variables: a tree of arrays, or of `jax.ShapeDtypeStruct`.
        inputs: the same; sizes do not matter for what is found.
        factors: whether to ask how units may be rescaled and flipped, which takes most of the time; without it only how
            they may be permuted.

    Raises:
        ValueError: If two leaves have one path.

    Examples:
        >>> import jax.numpy as jnp
        >>> f = lambda p, x: jax.nn.relu(x @ p["a"]) @ p["b"]
        >>> found = groups(f, {"a": jnp.ones((2, 5)), "b": jnp.ones((5, 3))}, jnp.ones((1, 2)))
        >>> [(family.size, family.axes) for family in found.families], found.sizes.count, found.signs.count
        ([(5, ('a[1]', 'b[0]'))], 5, 0)
    """
    leaves = {path: abstract(leaf) for path, leaf in leaf_paths(variables).items()}
    treedef = jax.tree.structure(variables)
    closed = jax.make_jaxpr(fn)(jax.tree.unflatten(treedef, leaves.values()), jax.tree.map(abstract, inputs))
    program = closed.jaxpr
    numbers = dict(zip(program.invars, range(len(leaves)), strict=False))
    grouped, used = grouped_kernels(program, numbers), in_order_of_use(program, numbers)
    axes = axes_of_leaves(leaves, grouped)
    ledger = Ledger()
    arguments = values_of_leaves(ledger, leaves, axes, factors=factors)
    kinds = np.concatenate([np.zeros(0, np.int64), *(np.full(len(axis.slots), n) for n, axis in enumerate(axes))])
    rest = [opaque(var.aval.shape) for var in program.invars[len(leaves) :]]
    outputs = walk(ledger, program, closed.consts, [*arguments, *rest])
    ends = [*outputs, *(argument for number, argument in enumerate(arguments) if number not in used)]
    pinned(ledger, ends)
    refuse_factors(ledger, ends)
    found = families_of(ledger.units, kinds)
    return Groups(
        shapes={path: leaf.shape for path, leaf in leaves.items()},
        axes=tuple(axes),
        families=tuple(_family(units, axes, kinds) for units in found if (units[0] < len(kinds)).any()),
        sizes=_span(ledger.sizes, axes if factors else []),
        signs=_span(ledger.signs, axes if factors else []),
        unknown=_unknown(program),
        order=tuple(list(leaves)[number] for number in used),
    )


def _family(units: np.ndarray, axes: list[Axis], kinds: np.ndarray) -> Family:
    slots = units[:, units[0] < len(kinds)]
    return Family(slots=slots, axes=tuple(dict.fromkeys(axes[kind].name for kind in np.sort(kinds[slots[0]]))))


def _span(factors: Factors, axes: list[Axis]) -> Span:
    entries = [
        (slot, free, power)
        for axis in axes
        if axis.floating
        for slot in axis.slots.tolist()
        for free, power in factors.normal_of(slot)
    ]
    slots, unknowns, powers = (np.asarray(part) for part in zip(*entries, strict=True)) if entries else ((),) * 3
    found, free = np.unique(np.asarray(unknowns, np.int64), return_inverse=True)
    return Span(count=len(found), slots=np.asarray(slots, np.int64), free=free, powers=np.asarray(powers, np.float64))


def _unknown(jaxpr: core.Jaxpr) -> dict[str, int]:
    """Counts primitives without a rule."""
    found: Counter[str] = Counter()
    for eqn in jaxpr.eqns:
        inner = inlined(eqn)
        if inner is not None:
            found.update(_unknown(inner.jaxpr))
        elif eqn.primitive.name == "scan":
            found.update(_unknown(eqn.params["jaxpr"].jaxpr))
        elif eqn.primitive.name not in RULES:
            found[eqn.primitive.name] += 1
    return dict(found)
