"""Walks a program primitive by primitive and collects what its rules say of units and factors."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.extend import core

from lineage_jax.symmetry._arithmetic import ARITHMETIC
from lineage_jax.symmetry._contractions import CONTRACTIONS, unknown
from lineage_jax.symmetry._joins import JOINS
from lineage_jax.symmetry._moves import MOVES
from lineage_jax.symmetry._reshapes import RESHAPES
from lineage_jax.symmetry._value import (
    Ledger,
    Value,
    constant,
    equal,
    forgotten,
    opaque,
    pinned,
    rearranged,
    settled,
    shape_of,
    together,
)

RULES = MOVES | JOINS | RESHAPES | ARITHMETIC | CONTRACTIONS
MOST_KNOWN = 1 << 16
"""Larger constants are not computed."""
MOST_TURNS = 4
"""A loop whose carried value has not settled by then is pinned."""


def walk(ledger: Ledger, jaxpr: core.Jaxpr, consts: Sequence[Any], arguments: Sequence[Value]) -> list[Value]:
    """Returns the values of a program's outputs."""
    known: dict[core.Var, Value] = dict(zip(jaxpr.invars, arguments, strict=True))
    known |= {var: _constant(value) for var, value in zip(jaxpr.constvars, consts, strict=True)}

    def of(atom: Any) -> Value:
        return known[atom] if isinstance(atom, core.Var) else _constant(atom.val)

    for eqn in jaxpr.eqns:
        found = step(ledger, eqn, [of(atom) for atom in eqn.invars])
        known |= dict(zip(eqn.outvars, found, strict=True))
    return [of(atom) for atom in jaxpr.outvars]


def step(ledger: Ledger, eqn: core.JaxprEqn, values: list[Value]) -> list[Value]:
    """Returns the values that one primitive makes of others."""
    name = eqn.primitive.name
    inner = inlined(eqn)
    if inner is not None:
        return walk(ledger, inner.jaxpr, inner.consts, values)
    if name == "scan":
        return _scan(ledger, eqn, values)
    if _is_small(eqn) and all(value.known is not None for value in values):
        return _computed(eqn, values)
    if any(0 in value.shape for value in values):
        return unknown(ledger, eqn, values)
    return RULES.get(name, unknown)(ledger, eqn, values)


def inlined(eqn: core.JaxprEqn) -> core.ClosedJaxpr | None:
    """Returns the program that a primitive merely calls, if it is such a one."""
    if eqn.primitive.name in ("scan", "while", "cond", "reduce", "reduce_window", "scatter"):
        return None
    params = [param for param in eqn.params.values() if isinstance(param, core.Jaxpr | core.ClosedJaxpr)]
    inner = [param if isinstance(param, core.ClosedJaxpr) else core.ClosedJaxpr(param, ()) for param in params]
    if len(inner) != 1 or len(inner[0].jaxpr.constvars) != len(inner[0].consts):
        return None
    called = inner[0].jaxpr
    fits = (len(called.invars), len(called.outvars)) == (len(eqn.invars), len(eqn.outvars))
    return inner[0] if fits else None


def _constant(value: Any) -> Value:
    array = np.asarray(value) if not isinstance(value, jax.Array) or not _is_key(value) else None
    if array is None or array.size > MOST_KNOWN:
        return opaque(np.shape(value))
    return constant(array)


def _is_key(value: jax.Array) -> bool:
    return bool(jnp.issubdtype(value.dtype, jax.dtypes.prng_key))


def _is_small(eqn: core.JaxprEqn) -> bool:
    return not eqn.effects and all(int(np.prod(shape_of(var))) <= MOST_KNOWN for var in eqn.outvars)


def _computed(eqn: core.JaxprEqn, values: list[Value]) -> list[Value]:
    avals: list[Any] = [atom.aval for atom in eqn.invars]
    arrays = [jnp.asarray(value.known, dtype=aval.dtype) for value, aval in zip(values, avals, strict=True)]
    found = eqn.primitive.bind(*arrays, **eqn.params)
    return [_constant(array) for array in (found if eqn.primitive.multiple_results else [found])]


def _scan(ledger: Ledger, eqn: core.JaxprEqn, values: list[Value]) -> list[Value]:
    """A loop: what is carried has the same units in every turn; the axis of turns keeps its places."""
    body, consts, carried = eqn.params["jaxpr"], eqn.params["num_consts"], eqn.params["num_carry"]
    fixed, carry, stacked = values[:consts], values[consts : consts + carried], values[consts + carried :]
    slices = [_one_turn(ledger, value) for value in stacked]
    for _ in range(MOST_TURNS):
        carry = [replace(value, known=None) for value in carry]
        out = walk(ledger, body.jaxpr, body.consts, [*fixed, *carry, *slices])
        joined = [_joined(ledger, before, after) for before, after in zip(carry, out[:carried], strict=True)]
        settled_down = all(_looks_like(before, after) for before, after in zip(carry, joined, strict=True))
        carry = joined
        if settled_down:
            return [*carry, *(_all_turns(value, eqn.params["length"]) for value in out[carried:])]
    pinned(ledger, [*values, *carry, *out])
    return [opaque(shape_of(var)) for var in eqn.outvars]


def _one_turn(ledger: Ledger, value: Value) -> Value:
    value = forgotten(ledger, value, [0])
    kept = list(range(1, len(value.shape)))
    return rearranged(replace(value, shape=(1, *value.shape[1:])), kept, value.shape[1:])


def _all_turns(value: Value, length: int) -> Value:
    found = rearranged(value, [None, *range(len(value.shape))], (length, *value.shape))
    return replace(found, uniform=(length == 1, *found.uniform[1:]))


def _joined(ledger: Ledger, before: Value, after: Value) -> Value:
    """Returns a value that is one or the other."""
    out = settled(ledger, together(ledger, [before, after]))
    sizes = equal(ledger.sizes, before.sizes, after.sizes)
    return replace(out, sizes=sizes, signs=equal(ledger.signs, before.signs, after.signs))


def _looks_like(before: Value, after: Value) -> bool:
    return before.uniform == after.uniform and all(
        len(a) == len(b) and all(np.array_equal(x, y) for x, y in zip(a, b, strict=True))
        for a, b in ((before.units, after.units), (before.sizes, after.sizes), (before.signs, after.signs))
    )
