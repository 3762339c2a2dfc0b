"""Working memory is estimated from shapes, and children are cut up to fit."""

import jax
import jax.numpy as jnp
import pytest

from lineage_jax.pairs._memory import cut, nbytes, working_bytes

VECTOR = jax.ShapeDtypeStruct((100,), jnp.float32)


def test_only_what_is_alive_at_once_counts():
    chain = lambda x: jnp.sin(jnp.sin(jnp.sin(jnp.sin(x))))
    assert working_bytes(chain, VECTOR) == 2 * 400


def test_what_is_used_later_stays_alive():
    keep = lambda x: jnp.sin(x) + jnp.sum(jnp.cos(jnp.exp(x)))
    assert working_bytes(keep, VECTOR) >= 3 * 400


def test_inner_programs_count():
    nested = jax.jit(lambda x: jnp.sum(x[:, None] * x[None, :]))
    assert working_bytes(lambda x: nested(x), VECTOR) >= 40_000


def test_arguments_do_not_count():
    assert working_bytes(lambda x: x[0] + 1, VECTOR) < 400


def test_bytes_of_a_tree():
    assert nbytes({"a": VECTOR, "b": jax.ShapeDtypeStruct((3,), jnp.int8)}) == 403


@pytest.mark.parametrize("children", [1, 7, 20, 100, 101])
@pytest.mark.parametrize("memory", [1, 100, 1_000, 10_000])
def test_blocks_hold_all_children_in_whole_chunks(children, memory):
    pieces = cut(children, held_bytes=10, working_bytes=30, memory=memory)
    assert pieces.block % pieces.chunk == 0
    assert 1 <= pieces.chunk <= max(1, memory // 4 // 30)
    blocks = -(-children // pieces.block)
    assert blocks * pieces.block - children < pieces.block  # padding never makes a whole block
