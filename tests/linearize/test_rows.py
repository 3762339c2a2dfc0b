"""Features have a row for every probe, and a name for every array."""

import typing

import jax
import jax.numpy as jnp
import pytest
from flax.core import FrozenDict

from lineage_jax import linearize

W = jnp.ones((3, 4))


class Pair(typing.NamedTuple):
    first: jax.Array
    second: jax.Array


def test_every_array_of_any_container_is_a_layer_in_the_order_returned():
    one = jnp.ones((2, 3))
    assert list(linearize.by_layer(FrozenDict({"z": one, "a": {"b": one}}))) == ["z", "a/b"]
    assert list(linearize.by_layer((one, [one, None], Pair(one, one)))) == ["0", "1/0", "2/first", "2/second"]


def test_two_layers_of_one_name_are_refused():
    with pytest.raises(ValueError, match="two named 'a/b'"):
        linearize.by_layer({"a/b": jnp.ones((2, 3)), "a": {"b": jnp.ones((2, 3))}})
    with pytest.raises(ValueError, match="expected features, got None"):
        linearize.by_layer(None)


@pytest.mark.parametrize("n", [1, 4, 5])  # 4 is also the number of features, 1 that of a leading axis
@pytest.mark.parametrize(
    ("features", "advice"),
    [
        (lambda w, x: (x @ w).T, "axis 1 counts the probes: move it to the front"),
        (lambda w, x: (x @ w)[None], "axis 1 counts the probes: move it to the front"),
        (lambda w, x: (x @ w).mean(0, keepdims=True), "no axis grows with the probes"),
        (lambda w, x: (x @ w).reshape(-1, 2), "first axis counts more than the probes"),
        (lambda w, x: {"fine": x @ w, "wrong": (x @ w).mean(0)}, "at layer 'wrong'"),
    ],
)
def test_rows_that_are_not_the_probes_are_refused(features, advice, n):
    with pytest.raises(ValueError, match=rf"a row for each of {n} probes.*{advice}"):
        linearize.check_rows(features, W, jnp.ones((n, 3)))


def test_a_row_for_every_probe_is_accepted():
    linearize.check_rows(lambda w, x: {"a": x @ w, "b": jnp.ones((len(x), 2, 2))}, W, jnp.ones((4, 3)))
    linearize.check_rows(lambda w, x: x @ w, W, jax.ShapeDtypeStruct((1, 3), jnp.float32))
    linearize.check_rows(lambda w, x: x.reshape(4, 3) @ w, W, jnp.ones((4, 3)))  # made for four probes
