"""What a program does, counted from its jaxpr: operations, and the bytes that its products cannot avoid to move.

XLA counts the body of a loop once, whatever its number of turns, so loops are counted here: the body again for every
further turn. What XLA does not see into counts as nothing: decompositions (singular values, QR, eigenvalues) that a
library of the device does.
"""

import math
from collections.abc import Iterator
from typing import Any, NamedTuple

import jax
from jax.extend import core

PRODUCTS = ("dot_general", "conv_general_dilated")
"""What reads and writes main memory in any case; element-wise work around them is fused into them at best."""


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
    return Work(_operations(program), _traffic(program.jaxpr) + sum(map(_nbytes, program.in_avals)))


def _operations(program: core.ClosedJaxpr) -> float:
    beyond = ((turns * _operations(body) - _once(body)) for body, turns in _loops(program.jaxpr))
    return _once(program) + sum(beyond)


def _once(program: core.ClosedJaxpr) -> float:
    """Counts each loop's body once, as XLA does."""
    lowered = jax.jit(core.jaxpr_as_fun(program)).lower(*program.in_avals)
    return (lowered.cost_analysis() or {}).get("flops", 0.0)


def _loops(jaxpr: core.Jaxpr) -> Iterator[tuple[core.ClosedJaxpr, int]]:
    """Yields the outermost loops with their numbers of turns."""
    for eqn in jaxpr.eqns:
        if eqn.primitive.name == "scan":
            yield eqn.params["jaxpr"], eqn.params["length"]
        else:
            for inner in _inner(eqn):
                yield from _loops(inner)


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
