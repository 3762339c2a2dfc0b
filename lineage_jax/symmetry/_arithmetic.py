"""Rules of primitives that compute number by number: units in one place are one unit; factors follow the function."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import jax.numpy as jnp
from jax.extend.core import JaxprEqn

from lineage_jax.symmetry._value import (
    Ledger,
    Value,
    equal,
    is_zero,
    no_factor,
    product,
    settled,
    shape_of,
    stretched,
    together,
)

Rule = Callable[[Ledger, JaxprEqn, list[Value]], list[Value]]


def _lined_up(ledger: Ledger, eqn: JaxprEqn, values: list[Value]) -> tuple[Value, list[Value]]:
    shape = shape_of(eqn.outvars[0])
    values = [stretched(value, shape) for value in values]
    return settled(ledger, together(ledger, values)), values


def plus(ledger: Ledger, eqn: JaxprEqn, values: list[Value]) -> list[Value]:
    """Sums: all terms have one factor."""
    out, values = _lined_up(ledger, eqn, values)
    return [_of_one_factor(ledger, out, values)]


def _of_one_factor(ledger: Ledger, out: Value, values: list[Value]) -> Value:
    sizes, signs = values[0].sizes, values[0].signs
    for value in values[1:]:
        sizes, signs = equal(ledger.sizes, sizes, value.sizes), equal(ledger.signs, signs, value.signs)
    return replace(out, sizes=sizes, signs=signs)


def _positive(ledger: Ledger, value: Value) -> Value:
    """Allows no change of sign."""
    if is_zero(value.signs):
        return value
    return replace(value, signs=no_factor(ledger.signs, value.signs))


def _same_size(ledger: Ledger, value: Value) -> Value:
    """Allows no change of size."""
    return replace(value, sizes=no_factor(ledger.sizes, value.sizes))


def larger(ledger: Ledger, eqn: JaxprEqn, values: list[Value]) -> list[Value]:
    """The larger or smaller number, as in ReLU: positive factors go through."""
    out, values = _lined_up(ledger, eqn, values)
    return [_of_one_factor(ledger, out, [_positive(ledger, value) for value in values])]


def compare(ledger: Ledger, eqn: JaxprEqn, values: list[Value]) -> list[Value]:
    """Truth of a comparison: one positive factor on both sides changes nothing."""
    (out,) = larger(ledger, eqn, values)
    return [replace(out, sizes=(), signs=())]


def times(ledger: Ledger, eqn: JaxprEqn, values: list[Value]) -> list[Value]:
    """Products."""
    return _multiplied(ledger, eqn, values, 1.0)


def over(ledger: Ledger, eqn: JaxprEqn, values: list[Value]) -> list[Value]:
    """Quotients; a divisor of zeros gives what no factor fits."""
    if is_zero(values[1].sizes):
        return refuse(ledger, eqn, values)
    return _multiplied(ledger, eqn, values, -1.0)


def _multiplied(ledger: Ledger, eqn: JaxprEqn, values: list[Value], power: float) -> list[Value]:
    out, (first, second) = _lined_up(ledger, eqn, values)
    sizes = product(ledger.sizes, first.sizes, second.sizes, power)
    return [replace(out, sizes=sizes, signs=product(ledger.signs, first.signs, second.signs))]


def select(ledger: Ledger, eqn: JaxprEqn, values: list[Value]) -> list[Value]:
    """A choice number by number: the cases have one factor, the choice has none."""
    out, (which, *cases) = _lined_up(ledger, eqn, values)
    refuse_factors(ledger, [which])
    return [_of_one_factor(ledger, out, cases)]


def same(ledger: Ledger, eqn: JaxprEqn, values: list[Value]) -> list[Value]:
    """Functions that commute with every factor."""
    return [replace(values[0], known=None)]


def convert(ledger: Ledger, eqn: JaxprEqn, values: list[Value]) -> list[Value]:
    """Another number type: factors stay where both are floating."""
    both: tuple[Any, ...] = (eqn.invars[0].aval, eqn.outvars[0].aval)
    if all(jnp.issubdtype(aval.dtype, jnp.inexact) for aval in both):
        return [replace(values[0], known=None)]
    return refuse(ledger, eqn, values)


def even(ledger: Ledger, eqn: JaxprEqn, values: list[Value]) -> list[Value]:
    """|x|: signs are gone."""
    return [replace(values[0], signs=(), known=None)]


def odd(ledger: Ledger, eqn: JaxprEqn, values: list[Value]) -> list[Value]:
    """Tanh and the like: f(-x) = -f(x)."""
    return [replace(_same_size(ledger, values[0]), known=None)]


def symmetric(ledger: Ledger, eqn: JaxprEqn, values: list[Value]) -> list[Value]:
    """Cos and the like: f(-x) = f(x)."""
    return [replace(_same_size(ledger, values[0]), signs=(), known=None)]


def power(exponent: Callable[[JaxprEqn], float]) -> Rule:
    """Returns the rule of x ** n; only positive x have a power that is no whole number."""

    def rule(ledger: Ledger, eqn: JaxprEqn, values: list[Value]) -> list[Value]:
        n = exponent(eqn)
        if n <= 0 and is_zero(values[0].sizes):
            return refuse(ledger, eqn, values)
        value = values[0] if n == int(n) else _positive(ledger, values[0])
        sizes = tuple(ledger.sizes.power(layer, n) for layer in value.sizes)
        signs = tuple(ledger.signs.power(layer, n) for layer in value.signs) if n == int(n) else ()
        return [replace(value, sizes=sizes, signs=signs, known=None)]

    return rule


def refuse(ledger: Ledger, eqn: JaxprEqn, values: list[Value]) -> list[Value]:
    """Any other function of each number: units stay lined up, factors are 1."""
    out, values = _lined_up(ledger, eqn, values)
    refuse_factors(ledger, values)
    return [out] * len(eqn.outvars)


def refuse_factors(ledger: Ledger, values: list[Value]) -> list[Value]:
    """Allows no factors."""
    for value in values:
        no_factor(ledger.sizes, value.sizes)
        no_factor(ledger.signs, value.signs)
    return [replace(value, sizes=(), signs=()) for value in values]


ARITHMETIC: dict[str, Rule] = {
    **dict.fromkeys(("add", "sub", "add_any"), plus),
    **dict.fromkeys(("max", "min"), larger),
    **dict.fromkeys(("eq", "ne", "lt", "le", "gt", "ge"), compare),
    "mul": times,
    "div": over,
    "select_n": select,
    **dict.fromkeys(("neg", "real", "reduce_precision"), same),
    "convert_element_type": convert,
    "abs": even,
    **dict.fromkeys(("tanh", "sin", "erf", "asinh", "atan", "sinh", "tan", "erf_inv", "asin", "atanh"), odd),
    **dict.fromkeys(("cos", "cosh"), symmetric),
    "square": power(lambda eqn: 2.0),
    "sqrt": power(lambda eqn: 0.5),
    "rsqrt": power(lambda eqn: -0.5),
    "cbrt": power(lambda eqn: 1 / 3),
    "integer_pow": power(lambda eqn: float(eqn.params["y"])),
    **dict.fromkeys(
        (
            *(
                "exp",
                "exp2",
                "expm1",
                "log",
                "log1p",
                "logistic",
                "erfc",
                "sign",
                "floor",
                "ceil",
                "round",
                "is_finite",
            ),
            *(
                "pow",
                "rem",
                "atan2",
                "nextafter",
                "clamp",
                "and",
                "or",
                "xor",
                "not",
                "lgamma",
                "digamma",
                "acos",
                "acosh",
            ),
            *("shift_left", "shift_right_logical", "shift_right_arithmetic"),
        ),
        refuse,
    ),
}
