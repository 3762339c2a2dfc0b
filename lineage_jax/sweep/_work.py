"""What a program does, counted from its jaxpr: operations, and the bytes that its products cannot avoid to move.

XLA's own analysis counts the body of a loop once, whatever its number of turns, and only what has been lowered; here
loops count as often as they turn, and counting takes a walk over the jaxpr. Products count two operations a multiplied
pair, those with zeros around an image too; anything else that computes floating-point numbers counts one for each of
them, and moves none. Decompositions (singular values, QR, eigenvalues) are single equations, and come out as next to
nothing.
"""

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax.extend import core

PRODUCTS = ("dot_general", "conv_general_dilated")
"""What reads and writes main memory in any case; element-wise work around them is fused into them at best."""

MOVES = frozenset(
    {"reshape", "squeeze", "expand_dims", "transpose", "broadcast_in_dim", "slice", "dynamic_slice", "rev", "split"}
    | {"dynamic_update_slice", "concatenate", "pad", "gather", "copy", "copy_p", "convert_element_type", "iota"}
)
"""What computes nothing."""

LOOPS = ("scan", "while")
"""What goes round in one of these counts as used; a `while` turns once, as nobody knows how often."""


class Work(NamedTuple):
    """What a program, or one network's part in it, takes.

    Attributes:
        operations: floating-point operations.
        traffic: bytes between main memory and the processor, at least.
    """

    operations: float
    traffic: float

    def minus(self, other: "Work") -> "Work":
        """Returns what this does beyond the other."""
        return self.plus(other.times(-1))

    def times(self, count: float | int) -> "Work":
        """Returns this as often as said."""
        return Work(count * self.operations, count * self.traffic)

    def plus(self, other: "Work") -> "Work":
        """Returns both."""
        return Work(self.operations + other.operations, self.traffic + other.traffic)


def work_of(program: core.ClosedJaxpr) -> Work:
    """Counts a program that need not be able to run here.

    Examples:
        >>> import jax.numpy as jnp
        >>> squared = lambda w: jax.lax.fori_loop(0, 5, lambda _, x: x @ x, w)
        >>> work_of(jax.make_jaxpr(squared)(jnp.ones((10, 10)))).operations >= 5 * 2 * 10**3
        True
    """
    return Work(_operations(program.jaxpr), _traffic(program.jaxpr) + sum(map(_nbytes, program.in_avals)))


def _operations(jaxpr: core.Jaxpr, wanted: Sequence[bool] | None = None) -> float:
    """Adds up what equations compute whose results are used; of branches counts the one that computes most.

    Args:
        jaxpr: of a program, or of what an equation calls.
        wanted: which of its results are used; by default all.
    """
    asked = [atom for place, atom in enumerate(jaxpr.outvars) if wanted is None or wanted[place]]
    used = {atom for atom in asked if isinstance(atom, core.Var)}
    total = 0.0
    for eqn in reversed(jaxpr.eqns):
        results = [var in used for var in eqn.outvars]
        if any(results):
            used |= {atom for atom in eqn.invars if isinstance(atom, core.Var)}
            total += _of_one(eqn, results)
    return total


def _of_one(eqn: core.JaxprEqn, results: Sequence[bool]) -> float:
    """Counts an equation: a product by its pairs, a call by what it calls, others by the largest array in or out."""
    name = eqn.primitive.name
    out: Any = eqn.outvars[0].aval
    inner = [] if name.startswith("reduce") else _inner(eqn)
    if inner:
        is_call = name not in LOOPS and all(len(jaxpr.outvars) == len(results) for jaxpr in inner)
        counts = [_operations(jaxpr, results if is_call else None) for jaxpr in inner]
        return max(counts) if name == "cond" else eqn.params.get("length", 1) * sum(counts)
    if name == "dot_general":
        (contracted, _), _ = eqn.params["dimension_numbers"]
        left: Any = eqn.invars[0].aval
        return 2.0 * out.size * math.prod(left.shape[axis] for axis in contracted)
    if name == "conv_general_dilated":
        kernel: Any = eqn.invars[1].aval
        outputs = eqn.params["dimension_numbers"].rhs_spec[0]
        return 2.0 * out.size * kernel.size / kernel.shape[outputs]
    if name in MOVES or not jnp.issubdtype(out.dtype, jnp.inexact):
        return 0.0
    return float(max(var.aval.size for var in (*eqn.invars, *eqn.outvars) if hasattr(var.aval, "size")))


def _traffic(jaxpr: core.Jaxpr) -> float:
    """Adds up what products read and write."""
    total = 0.0
    for eqn in jaxpr.eqns:
        if eqn.primitive.name in PRODUCTS:
            total += sum(_nbytes(var.aval) for var in (*eqn.invars, *eqn.outvars))
        total += eqn.params.get("length", 1) * sum(map(_traffic, _inner(eqn)))
    return total


def _inner(eqn: core.JaxprEqn) -> list[core.Jaxpr]:
    leaves = jax.tree.leaves(list(eqn.params.values()), is_leaf=lambda p: isinstance(p, core.Jaxpr | core.ClosedJaxpr))
    closed = [leaf.jaxpr for leaf in leaves if isinstance(leaf, core.ClosedJaxpr)]
    return closed + [leaf for leaf in leaves if isinstance(leaf, core.Jaxpr)]


def _nbytes(aval: Any) -> int:
    return math.prod(aval.shape) * aval.dtype.itemsize
