"""Features by layer, and the rule that they have a row for every probe."""

from collections.abc import Iterator, Mapping
from typing import Any

import jax
import jax.numpy as jnp

from lineage_jax.linearize._calls import SeveralOutputsError
from lineage_jax.typing import FeatureFn, Features, Inputs, Params

OUTPUT = "output"
"""The layer name of a function that returns one array."""


def by_layer(features: Features) -> dict[str, Any]:
    """Names the arrays of features by their path, in the order in which they were returned.

    Dictionaries, tuples, lists, named tuples and what is nested of them have a layer for each array.

    Raises:
        ValueError: If there is no array, or two have one name (a key `a/b` beside a key `a` with `b` inside).

    Examples:
        >>> list(by_layer({"conv": jnp.ones((2, 3)), "blocks": (jnp.ones((2, 3)), jnp.ones((2, 3)))}))
        ['conv', 'blocks/0', 'blocks/1']
        >>> list(by_layer(jnp.ones((2, 3))))
        ['output']
    """
    found: dict[str, Any] = {}
    for path, leaf in _walk(features, ()):
        name = "/".join(path) or OUTPUT
        if name in found:
            raise ValueError(f"expected one array for each layer, got two named '{name}'; rename a key with a slash")
        found[name] = leaf
    if not found:
        raise ValueError(f"expected features, got {features!r}; return an array, or arrays by layer")
    return found


def check_rows(feature_fn: FeatureFn, variables: Params, inputs: Inputs | jax.ShapeDtypeStruct) -> None:
    """Refuses features whose rows are not the probes; only shapes are traced.

    The function is looked at with one more probe too: the axis that grows must be the first. Where it takes no other
    number of probes, the first axis must be as long as there are probes.

    Args:
        feature_fn: pure function `(params, inputs) -> [n, ...]` or such arrays by layer.
        variables: of one network, arrays or shapes.
        inputs: probes, arrays or shapes.

    Raises:
        ValueError: If a layer has not one row for every probe along its first axis.

    Examples:
        >>> check_rows(lambda w, x: (x @ w).T, jnp.ones((3, 4)), jnp.ones((5, 3)))  # doctest: +ELLIPSIS
        Traceback (most recent call last):
        ...
        ValueError: expected features [n, ...] with a row for each of 5 probes, got (4, 5) at layer 'output'; ...
    """
    if not hasattr(inputs, "shape"):
        return  # probes of another form, such as token ids with a mask, have no one first axis to compare with
    n = inputs.shape[0]
    shapes = _shapes(feature_fn, variables, inputs, n)
    try:
        more = _shapes(feature_fn, variables, inputs, n + 1)
    except SeveralOutputsError:
        raise  # as many steps of a scan as there are probes
    except (TypeError, ValueError):
        more = shapes  # it is made for this many probes, so that the growing axis cannot be seen
    for layer, shape in shapes.items():
        grown = [axis for axis, size in enumerate(shape) if more.get(layer, shape)[axis : axis + 1] != (size,)]
        if shape[:1] == (n,) and grown in ([], [0]) and (grown or more is shapes):
            continue
        raise ValueError(
            f"expected features [n, ...] with a row for each of {n} probes, got {shape} at layer '{layer}'; "
            f"{_advice(grown)}"
        )


def _shapes(feature_fn: FeatureFn, variables: Params, inputs: Any, n: int) -> dict[str, tuple[int, ...]]:
    shapes: dict[str, tuple[int, ...]] = {}

    def trace(variables: Params, inputs: Inputs) -> None:
        shapes.update((layer, jnp.shape(leaf)) for layer, leaf in by_layer(feature_fn(variables, inputs)).items())

    jax.eval_shape(trace, variables, jax.ShapeDtypeStruct((n, *inputs.shape[1:]), inputs.dtype))
    return shapes


def _advice(grown: list[int]) -> str:
    if not grown:
        return "no axis grows with the probes: return features of each probe, no mean over them"
    if grown == [0]:
        return "its first axis counts more than the probes: bring what belongs to one probe into the other axes"
    return f"its axis {grown[0]} counts the probes: move it to the front"


def _walk(features: Features, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:
    if features is None:
        return
    if hasattr(features, "shape"):
        yield path, features
    elif isinstance(features, Mapping):
        for key, entry in features.items():
            yield from _walk(entry, (*path, str(key)))
    elif isinstance(features, tuple | list):
        keys = getattr(features, "_fields", range(len(features)))
        for key, entry in zip(keys, features, strict=True):
            yield from _walk(entry, (*path, str(key)))
    else:
        for keys, leaf in jax.tree_util.tree_flatten_with_path(features)[0]:
            yield (*path, *((jax.tree_util.keystr(keys, simple=True, separator="/"),) if keys else ())), leaf
