"""Loops that are compiled once for each function, and found again.

The core leaves compilation to its callers, for all that runs operation by operation. A `lax.map` or `lax.scan` does
not: outside of `jit` it is compiled, and again at every call, since its body is a new function each time.
"""

import functools
from collections.abc import Callable, Hashable
from typing import Any

import jax


def compiled(function: Callable, *static: Hashable) -> Callable:
    """Returns `function(*static, ...)` compiled, the same program for equal static arguments.

    A few dozen programs are kept; with one, the functions among its static arguments. Where those cannot be hashed,
    nothing is kept.

    Args:
        function: of static arguments and then of arrays.
        *static: what the program depends on.
    """
    try:
        hash(static)
    except TypeError:
        return functools.partial(function, *static)
    return _program(function, *static)


@functools.lru_cache(maxsize=32)
def _program(function: Callable, *static: Any) -> Callable:
    return jax.jit(functools.partial(function, *static))
