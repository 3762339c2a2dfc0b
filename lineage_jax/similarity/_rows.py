"""Work on n x n matrices a block of rows at a time, so that none of them need ever exist whole."""

import math
from collections.abc import Callable
from typing import TypeVar

import jax
import jax.numpy as jnp

Rows = TypeVar("Rows")
Carry = TypeVar("Carry")

DENSE = 4096
"""Up to this many examples an n x n matrix is kept whole (64 MiB in float32)."""

TILE = 2**22
"""Entries of the blocks that are worked on above `DENSE` (16 MiB in float32)."""


def map_rows(function: Callable[[jax.Array | int, int], Rows], n: int) -> Rows:
    """Applies `function(start, size)` to blocks of rows and joins what it returns along the first axis.

    Up to `DENSE` rows this is one call. Above, blocks of equal size go one after the other; the last one starts early
    enough to be full, and only its new rows are kept. Blocks are computed again in reverse mode instead of being kept.

    Examples:
        >>> map_rows(lambda start, size: start + jnp.arange(size), 5).tolist()
        [0, 1, 2, 3, 4]
    """
    if n <= DENSE:
        return function(0, n)
    starts, size = _blocks(n)
    results = jax.lax.map(jax.checkpoint(lambda start: function(start, size)), starts)
    kept = n - (len(starts) - 1) * size

    def join(blocks: jax.Array) -> jax.Array:
        full = blocks[:-1].reshape(-1, *blocks.shape[2:])
        return jnp.concatenate([full, blocks[-1, size - kept :]])

    return jax.tree.map(join, results)


def fold_rows(function: Callable[[Carry, jax.Array | int, jax.Array], Carry], initial: Carry, n: int) -> Carry:
    """Carries a state through the blocks of `map_rows`: `function(state, start, new)`, for what does not keep rows.

    `new` marks the rows of a block that no block before has had: bool `[size]`.

    Examples:
        >>> fold_rows(lambda total, start, new: total + new.sum(), 0, 5).item()
        5
    """
    if n <= DENSE:
        return function(initial, 0, jnp.ones(n, bool))
    starts, size = _blocks(n)

    def step(carry: tuple, block: jax.Array) -> tuple:
        state, done = carry
        return (function(state, block, block + jnp.arange(size) >= done), block + size), None

    (state, _), _ = jax.lax.scan(step, (initial, jnp.zeros_like(starts[0])), starts)
    return state


def own(start: jax.Array | int, size: int, n: int) -> jax.Array:
    """Marks the diagonal in rows `start` to `start + size` of an n x n matrix: bool `[size, n]`."""
    return (start + jnp.arange(size))[:, None] == jnp.arange(n)[None, :]


def _blocks(n: int) -> tuple[jax.Array, int]:
    """Returns where the blocks start, and their common size."""
    size = math.ceil(n / math.ceil(n * n / TILE))
    return jnp.minimum(jnp.arange(math.ceil(n / size)) * size, n - size), size
