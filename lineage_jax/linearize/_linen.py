"""Feature functions of Flax Linen modules: taps are the paths of sub-modules."""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import flax.errors
import flax.linen as nn
import jax
import jax.numpy as jnp
from jaxtyping import Array

from lineage_jax.typing import Inputs, Params

Path = tuple[str, ...]


@dataclasses.dataclass(frozen=True)
class LinenFeatures:
    """The outputs of named sub-modules of a Linen network, as a pure function.

    Two equal networks with equal layers are equal here too, so compiled programs are found again.

    Attributes:
        network: the module, in evaluation mode when called as `network.apply(variables, inputs)`.
        layers: paths of sub-modules such as `"layer3"` or `"layer1/0/conv1"`.
    """

    network: nn.Module
    layers: tuple[str, ...]

    def __call__(self, variables: Params, inputs: Inputs) -> dict[str, Array]:
        """Returns `{layer: [n, ...]}`."""
        return self.taps(variables, inputs, replaced={})

    def taps(self, variables: Params, inputs: Inputs, *, replaced: Mapping[Path, Array]) -> dict[str, Array]:
        """Returns `{layer: [n, ...]}`, with given outputs in place of those that some sub-modules would compute."""
        outputs: dict[str, Array] = {}

        def tap(call: Callable, args: tuple, kwargs: dict[str, Any], context: nn.module.InterceptorContext) -> Any:
            path = context.module.path
            if context.method_name != "__call__":
                return call(*args, **kwargs)
            output = replaced[path] if path in replaced else call(*args, **kwargs)
            outputs["/".join(path)] = output
            return output

        with nn.intercept_methods(tap):
            try:
                self.network.apply(variables, inputs)
            except flax.errors.ScopeParamShapeError as error:
                name = type(self.network).__name__
                raise ValueError(f"{name} does not fit its variables on inputs {jnp.shape(inputs)}: {error}") from error
        missing = [layer for layer in self.layers if layer not in outputs]
        if missing:
            known = ", ".join(name for name in outputs if name)
            raise ValueError(f"layer '{missing[0]}' is not called by {type(self.network).__name__}; it calls: {known}")
        return {layer: outputs[layer] for layer in self.layers}


@dataclasses.dataclass(frozen=True)
class OutputAt:
    """The output of one sub-module; equal for equal networks and paths."""

    features: LinenFeatures
    path: Path

    def __call__(self, variables: Params, inputs: Inputs) -> Array:
        name = "/".join(self.path)
        return LinenFeatures(self.features.network, (name,))(variables, inputs)[name]


@dataclasses.dataclass(frozen=True)
class ContinuedFrom:
    """The features as a function of the output of one sub-module, which is then not computed."""

    features: LinenFeatures
    path: Path

    def __call__(self, variables: Params, inputs: Inputs, output: Array) -> dict[str, Array]:
        return self.features.taps(variables, inputs, replaced={self.path: output})


def features_of(network: nn.Module, layers: Sequence[str]) -> LinenFeatures:
    """Makes a feature function from a Linen module.

    Args:
        network: the module; `network.apply(variables, inputs)` is its evaluation mode.
        layers: paths of the sub-modules whose outputs are the features.

    Returns:
        The function `(variables, inputs) -> {layer: [n, ...]}`; a layer the network does not call raises a ValueError
        that lists those it does.

    Examples:
        >>> network = nn.Sequential([nn.Dense(4), nn.relu, nn.Dense(2)])
        >>> variables = network.init(jax.random.key(0), jnp.ones((1, 3)))
        >>> features_of(network, ("layers_0",))(variables, jnp.ones((5, 3)))["layers_0"].shape
        (5, 4)
    """
    if isinstance(layers, str):
        raise TypeError(f"expected a tuple of layer names, got the string '{layers}'; write ('{layers}',)")
    return LinenFeatures(network, tuple(layers))


def find_stem(feature_fn: LinenFeatures, variables: Params, inputs: Inputs | jax.ShapeDtypeStruct) -> Path | None:
    """Returns the path of the first layer, if it is affine in its weights and fed by the inputs alone.

    The first module that owns arrays decides: whatever ran before it owns none, so its input depends on the inputs
    only. It must be a float32 (or wider) `Dense` or `Conv`, called once. Only shapes are traced.
    """
    owners: list[nn.Module] = []

    def watch(call: Callable, args: tuple, kwargs: dict[str, Any], context: nn.module.InterceptorContext) -> Any:
        if _owns_arrays(context.module):
            owners.append(context.module)
        return call(*args, **kwargs)

    def run(variables: Params, inputs: Inputs) -> Any:
        with nn.intercept_methods(watch):
            return feature_fn.network.apply(variables, inputs)

    jax.eval_shape(run, variables, inputs)
    if not owners or type(owners[0]) not in (nn.Dense, nn.Conv):
        return None
    path = owners[0].path
    called_once = sum(module.path == path for module in owners) == 1
    z = jax.eval_shape(OutputAt(feature_fn, path), variables, inputs) if called_once else None
    wide = z is not None and jnp.finfo(z.dtype).bits >= 32
    return path if wide else None


def _owns_arrays(module: nn.Module) -> bool:
    collections = module.variables.values()
    return any(not isinstance(entry, Mapping) for collection in collections for entry in collection.values())
