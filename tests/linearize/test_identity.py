"""When two functions are the same to a compiled program, and that a key of one keeps no plain function alive."""

import dataclasses
import functools
import gc
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from lineage_jax import linearize, similarity
from lineage_jax.linearize import identity_of


@dataclasses.dataclass
class Setting:
    """A dataclass that cannot be hashed."""

    widths: list[int]
    name: str = dataclasses.field(default="", compare=False)


class Scaled:
    """An object with a method, and nothing that makes two of them equal."""

    def apply(self, x):
        return x


@pytest.mark.parametrize(
    "make",
    [
        lambda: nn.Dense(4, kernel_init=jnp.tanh),
        lambda: nn.Sequential([nn.Dense(4), nn.relu]),
        lambda: {"b": 1, "a": {2, 3}},
        lambda: np.arange(3.0),
        lambda: jnp.arange(3.0),
        lambda: functools.partial(jnp.sum, axis=np.arange(2)),
        lambda: jax.tree_util.Partial(jnp.sum, axis=1),
        lambda: Setting([1, 2]),
        lambda: similarity.RSA(distance=similarity.cosine_distance, ranked=False),
        lambda: linearize.features_of(nn.Sequential([nn.Dense(4)]), ("layers_0",)),
        lambda: nnx.split(nnx.Linear(2, 3, rngs=nnx.Rngs(0)))[0],
        lambda: [Setting([1], name="one"), None, ...],
    ],
)
def test_what_is_made_of_equal_values_is_the_same_and_can_be_hashed(make):
    assert identity_of(make()) == identity_of(make())
    assert hash(identity_of(make())) == hash(identity_of(make()))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (nn.Dense(4), nn.Dense(5)),
        (1, 1.0),
        (1, True),
        ((1, 2), [1, 2]),
        (np.zeros(2), np.zeros((2, 1))),
        (np.zeros(2), np.zeros(2, np.float32)),
        (functools.partial(max, 1), functools.partial(max, 2)),
        (functools.partial(max, 1), functools.partial(min, 1)),
        (Setting([1, 2]), Setting([2, 1])),
        (Scaled(), Scaled()),
        (Scaled().apply, Scaled().apply),
        (lambda x: x, lambda x: x),
    ],
)
def test_what_differs_in_a_part_is_another(one, other):
    assert identity_of(one) != identity_of(other)
    assert identity_of(one) == identity_of(one)


def test_a_dictionary_is_the_same_in_any_order_and_fields_that_do_not_compare_do_not_count():
    assert identity_of({"a": 1, "b": 2}) == identity_of({"b": 2, "a": 1})
    assert identity_of(Setting([1], name="one")) == identity_of(Setting([1], name="other"))


def test_a_key_keeps_no_function_alive_and_says_when_one_is_gone():
    gone: list[Any] = []
    function = lambda x: x
    key = identity_of({"network": [nn.Dense(2), function]})
    assert key == identity_of({"network": [nn.Dense(2), function]})
    watchers = linearize.watch(key, lambda: gone.append(key))
    assert len(watchers) >= 1
    assert not gone
    del function
    gc.collect()
    assert gone == [key]
    assert key != identity_of({"network": [nn.Dense(2), lambda x: x]})
