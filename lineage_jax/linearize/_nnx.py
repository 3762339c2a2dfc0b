"""Feature functions of Flax NNX modules: the module is split into a static graph and its arrays."""

import dataclasses
import functools
from collections.abc import Hashable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
from flax import nnx
from jaxtyping import Array

from lineage_jax.linearize._calls import Calls, base_of, pick
from lineage_jax.linearize._identity import identity_of
from lineage_jax.typing import Inputs, Params


@dataclasses.dataclass(frozen=True, eq=False)
class NNXFeatures:
    """The outputs of named sub-modules of an NNX network, as a pure function.

    Attributes:
        graph: the static part of the module, in evaluation mode.
        layers: attribute paths of sub-modules such as `"conv1"` or `"blocks/0/conv1"`; where one is called more than
            once, `"conv:0"` is the first call.
    """

    graph: nnx.GraphDef
    layers: tuple[str, ...]

    def __call__(self, variables: Params, inputs: Inputs) -> dict[str, Array]:
        """Returns `{layer: [n, ...]}`."""
        found = self._outputs(variables, inputs)
        picked = {layer: pick(layer, found, jnp.shape(inputs)[0]) for layer in self.layers}
        taken = {layer: output for layer, output in picked.items() if output is not None}
        missing = [layer for layer in self.layers if layer not in taken]
        if missing:
            known = ", ".join(name for name in found if name)
            raise ValueError(f"layer '{missing[0]}' is not called by the network; it calls: {known}")
        return taken

    def _outputs(self, variables: Params, inputs: Inputs) -> dict[str, Calls]:
        n = jnp.shape(inputs)[0]
        captured = self._captured(variables, inputs)
        numbered = {base_of(layer) for layer in self.layers} - set(self.layers)
        if any(arrays and arrays[0].shape[:1] == (n,) for base in numbered for arrays in captured.get(base, ())):
            # as many rows as probes: with one probe more, those of a scan stay as many as it has steps
            more = jax.ShapeDtypeStruct((n + 1, *jnp.shape(inputs)[1:]), jnp.result_type(inputs))
            grown = jax.eval_shape(self._captured, variables, more)
        else:
            grown = {}
        return {layer: Calls(calls, stacked=_in_scan(calls, grown.get(layer), n)) for layer, calls in captured.items()}

    def _captured(self, variables: Params, inputs: Inputs) -> dict[str, tuple[tuple[Array, ...], ...]]:
        """Returns the arrays of every call, by the path of the module."""
        model = nnx.merge(self.graph, variables["params"], variables["batch_stats"])
        _, captured = nnx.capture(model, nnx.Intermediate, method_outputs=nnx.Intermediate)(inputs)
        return {
            "/".join(str(step) for step in path[:-1]): tuple(map(_arrays, variable.get_value()))
            for path, variable in nnx.to_flat_state(captured)
            if path[-1] == "__call__"
        }

    @functools.cached_property
    def _identity(self) -> Hashable:
        return identity_of(self.graph), self.layers

    def __eq__(self, other: object) -> bool:
        return isinstance(other, NNXFeatures) and other._identity == self._identity

    def __hash__(self) -> int:
        return hash(self._identity)


def nnx_features(model: nnx.Module, layers: Sequence[str]) -> tuple[NNXFeatures, Params]:
    """Makes a feature function from an NNX module, and takes out the module's arrays.

    Args:
        model: the module; it is copied, and the copy put in evaluation mode.
        layers: attribute paths of the sub-modules whose outputs are the features; `"conv:1"` is the second call of
            `conv`, or its second step in a scan.

    Returns:
        The function `(variables, inputs) -> {layer: [n, ...]}` and the variables: `params` holds every `nnx.Param`,
        `batch_stats` all other state. The function raises a ValueError where the network does not call a layer, and
        where a layer is called more than once and the name does not say which call is meant.

    Raises:
        TypeError: If `layers` is a single string.

    Examples:
        >>> model = nnx.Linear(3, 2, rngs=nnx.Rngs(0))
        >>> features, variables = nnx_features(nnx.Sequential(model), ("layers/0",))
        >>> import jax.numpy as jnp
        >>> features(variables, jnp.ones((5, 3)))["layers/0"].shape
        (5, 2)
    """
    if isinstance(layers, str):
        raise TypeError(f"expected a tuple of layer names, got the string '{layers}'; write ('{layers}',)")
    graph, state = nnx.split(model)
    copy = nnx.merge(graph, state)
    copy.eval()
    graph, params, rest = nnx.split(copy, nnx.Param, ...)  # type: ignore[misc]
    variables = {"params": nnx.to_pure_dict(params), "batch_stats": nnx.to_pure_dict(rest)}
    return NNXFeatures(graph, tuple(layers)), variables


def _arrays(output: Any) -> tuple[Array, ...]:
    return tuple(leaf for leaf in jax.tree.leaves(output) if hasattr(leaf, "shape"))


def _in_scan(calls: tuple[tuple[Array, ...], ...], grown: Any, n: int) -> bool:
    """Tells whether the first axis counts the steps of a scan, and not the probes."""
    first = [arrays[0].shape[:1] for arrays in calls if arrays]
    if not first or first[0] == ():
        return False
    return first[0] != (n,) or (grown is not None and grown[0][0].shape[:1] == (n,))
