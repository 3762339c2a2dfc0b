"""Feature functions of Flax NNX modules: the module is split into a static graph and its arrays."""

import dataclasses
from collections.abc import Sequence

from flax import nnx
from jaxtyping import Array

from lineage_jax.typing import Inputs, Params


@dataclasses.dataclass(frozen=True)
class NNXFeatures:
    """The outputs of named sub-modules of an NNX network, as a pure function.

    Attributes:
        graph: the static part of the module, in evaluation mode.
        layers: attribute paths of sub-modules such as `"conv1"` or `"blocks/0/conv1"`.
    """

    graph: nnx.GraphDef
    layers: tuple[str, ...]

    def __call__(self, variables: Params, inputs: Inputs) -> dict[str, Array]:
        """Returns `{layer: [n, ...]}`."""
        model = nnx.merge(self.graph, variables["params"], variables["batch_stats"])
        _, captured = nnx.capture(model, nnx.Intermediate, method_outputs=nnx.Intermediate)(inputs)
        outputs = {
            "/".join(str(step) for step in path[:-1]): variable.get_value()[-1]
            for path, variable in nnx.to_flat_state(captured)
            if path[-1] == "__call__"
        }
        missing = [layer for layer in self.layers if layer not in outputs]
        if missing:
            known = ", ".join(name for name in outputs if name)
            raise ValueError(f"layer '{missing[0]}' is not called by the network; it calls: {known}")
        return {layer: outputs[layer] for layer in self.layers}


def nnx_features(model: nnx.Module, layers: Sequence[str]) -> tuple[NNXFeatures, Params]:
    """Makes a feature function from an NNX module, and takes out the module's arrays.

    Args:
        model: the module; it is copied, and the copy put in evaluation mode.
        layers: attribute paths of the sub-modules whose outputs are the features.

    Returns:
        The function `(variables, inputs) -> {layer: [n, ...]}` and the variables: `params` holds every `nnx.Param`,
        `batch_stats` all other state.

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
