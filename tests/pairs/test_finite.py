"""Weights that are not numbers are refused, wherever they lie."""

import flax.linen as nn
import jax.numpy as jnp
import ml_dtypes
import numpy as np
import pytest

from lineage_jax.pairs import _finite
from lineage_jax.pairs._finite import check_finite
from lineage_jax.typing import Networks


def network(value=1.0, *, dtype=np.float32):
    return {"params": {"fc": {"kernel": np.array([[1.0, value]], dtype), "bias": np.zeros(2, dtype)}}}


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, ml_dtypes.bfloat16, np.complex64])
def test_the_message_says_whose_where_and_how_many(value, dtype):
    check_finite(network(dtype=dtype), "parent 'a'")
    with pytest.raises(
        ValueError, match=r"of parent 'a' 1 of 2 values of 'params/fc/kernel' is NaN or infinite: .* another checkpoint"
    ):
        check_finite(network(value, dtype=dtype), "parent 'a'")


def test_eight_bit_floats_are_looked_at():
    with pytest.raises(ValueError, match="1 of 2 values"):
        check_finite(network(np.nan, dtype=ml_dtypes.float8_e4m3fn), "parent 'a'")


def test_all_leaves_are_looked_at_and_those_that_are_alike_are_counted():
    broken = network(np.nan)
    broken["params"]["fc"]["bias"][:] = np.inf
    with pytest.raises(
        ValueError, match=r"2 of 2 values of 'params/fc/bias' are NaN or infinite \(1 more tensor alike\)"
    ):
        check_finite(broken, "child 'c'")


def test_jax_arrays_boxes_and_scalars_are_looked_at():
    for leaf in (jnp.array([jnp.nan]), nn.Partitioned(jnp.array([jnp.inf]), names=("a",)), float("nan")):
        with pytest.raises(ValueError, match="1 of 1 values of 'w"):
            check_finite({"w": leaf}, "child 'c'")


def test_of_stacked_networks_the_one_is_named():
    stacked = Networks.stack({"a": network(), "b": network(np.nan), "c": network()})
    with pytest.raises(ValueError, match="of parent 'b' 1 of 2 values"):
        check_finite(stacked, "parent")
    check_finite(stacked.select(("a", "c")), "parent")


def test_integers_booleans_and_held_leaves_are_passed_over():
    check_finite({"steps": np.arange(3), "mask": np.ones(2, bool), "empty": np.zeros(0)}, "child 'c'")
    check_finite({"batch_stats": {"mean": np.array([np.nan])}}, "child 'c'", held=("batch_stats",))


@pytest.mark.parametrize("place", [0, 7, 8, 20])
def test_large_leaves_are_looked_at_to_the_end_whatever_their_layout(monkeypatch, place):
    monkeypatch.setattr(_finite, "AT_A_TIME", 8)
    leaf = np.zeros(21)
    leaf[place] = np.nan
    for view in (leaf, leaf.reshape(3, 7).T, np.stack([leaf, leaf])[:, ::2] if place % 2 == 0 else leaf):
        with pytest.raises(ValueError, match="NaN or infinite"):
            check_finite({"w": view}, "child 'c'")


def test_what_lies_on_an_accelerator_is_looked_at_there(monkeypatch):
    monkeypatch.setattr(_finite, "_is_away", lambda leaf: True)
    check_finite({"a": jnp.ones(2), "b": jnp.ones((2, 3))}, "child 'c'")
    with pytest.raises(ValueError, match="1 of 2 values of 'b'"):
        check_finite({"a": jnp.ones(2), "b": jnp.array([0.0, jnp.nan])}, "child 'c'")
