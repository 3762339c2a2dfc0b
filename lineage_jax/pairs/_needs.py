"""Which parameters a layer depends on, read off the jaxpr: no values are needed, and none can hide it."""

from collections.abc import Iterable

import jax
from jax.extend import core

from lineage_jax.leaves import leaf_paths
from lineage_jax.linearize import by_layer
from lineage_jax.typing import FeatureFn, Inputs, Params

LOOPS = ("scan", "while", "cond")
"""Whatever goes into one of these counts for all that comes out."""


def layers_and_needs(
    feature_fn: FeatureFn, template: Params, probes: jax.ShapeDtypeStruct
) -> tuple[dict[str, jax.ShapeDtypeStruct], dict[str, frozenset[str]]]:
    """Returns the layers with the shapes of their features, and the paths of the leaves that each depends on.

    Layers are in the feature function's own order.

    Examples:
        >>> import jax.numpy as jnp
        >>> probes = jax.ShapeDtypeStruct((1, 2), jnp.float32)
        >>> f = lambda p, x: {"first": x @ p["a"], "second": x @ p["a"] @ p["b"]}
        >>> _, needs = layers_and_needs(f, {"a": jnp.ones((2, 2)), "b": jnp.ones((2, 2))}, probes)
        >>> {layer: sorted(paths) for layer, paths in needs.items()}
        {'first': ['a'], 'second': ['a', 'b']}
    """
    layers: dict[str, jax.ShapeDtypeStruct] = {}

    def trace(variables: Params, inputs: Inputs) -> list[jax.Array]:
        features = {layer: jax.numpy.asarray(leaf) for layer, leaf in by_layer(feature_fn(variables, inputs)).items()}
        layers.update({layer: jax.ShapeDtypeStruct(leaf.shape, leaf.dtype) for layer, leaf in features.items()})
        return list(features.values())  # a list keeps the order; a dictionary would come back sorted

    jaxpr = jax.make_jaxpr(trace)(template, probes).jaxpr
    paths = list(leaf_paths(template))
    reached = _reached(jaxpr, [*(1 << index for index in range(len(paths))), 0])
    of_layer = {
        layer: frozenset(path for index, path in enumerate(paths) if mask >> index & 1)
        for layer, mask in zip(layers, reached, strict=True)
    }
    return layers, of_layer


def _reached(jaxpr: core.Jaxpr, sources: Iterable[int]) -> list[int]:
    """Returns for each output a mask of the sources that it depends on, given those of each input."""
    masks = dict(zip(jaxpr.invars, sources, strict=True))

    def of(atoms: list) -> list[int]:
        return [masks.get(atom, 0) if isinstance(atom, core.Var) else 0 for atom in atoms]

    for eqn in jaxpr.eqns:
        masks |= dict(zip(eqn.outvars, _through(eqn, of(eqn.invars)), strict=True))
    return of(jaxpr.outvars)


def _through(eqn: core.JaxprEqn, incoming: list[int]) -> list[int]:
    params = [param for param in eqn.params.values() if isinstance(param, core.Jaxpr | core.ClosedJaxpr)]
    inner = [param.jaxpr if isinstance(param, core.ClosedJaxpr) else param for param in params]
    if len(inner) == 1 and eqn.primitive.name not in LOOPS:
        called = inner[0]
        if (len(called.invars), len(called.outvars)) == (len(eqn.invars), len(eqn.outvars)):
            return _reached(called, incoming)
    whole = 0
    for mask in incoming:
        whole |= mask
    return [whole] * len(eqn.outvars)
