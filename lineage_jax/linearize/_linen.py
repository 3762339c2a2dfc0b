"""Feature functions of Flax Linen modules: taps are the paths of sub-modules.

Outputs leave the network as a collection of variables, which Flax carries out of `nn.remat`, `nn.jit` and `nn.scan`; a
tap that merely wrote them down would keep values of an inner trace, or see nothing where `nn.jit` runs a program that
it compiled before.
"""

import contextlib
import dataclasses
import functools
from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any, NamedTuple

import flax.errors
import flax.linen as nn
import jax
import jax.numpy as jnp
from jaxtyping import Array

from lineage_jax.linearize._calls import Calls, base_of, pick
from lineage_jax.linearize._identity import identity_of
from lineage_jax.linearize._precision import has_accurate_products
from lineage_jax.typing import Inputs, Params

Path = tuple[str, ...]

OWN, KEPT = "lineage_jax.taps", ":output"
"""The collection of the taps, and the name of an output there, which no sub-module and no variable has."""


@dataclasses.dataclass(frozen=True, eq=False)
class LinenFeatures:
    """The outputs of named sub-modules of a Linen network, as a pure function.

    Two equal networks with equal layers are equal here too, so compiled programs are found again; a network may have
    fields that cannot be hashed, such as lists.

    Attributes:
        network: the module, in evaluation mode when called as `network.apply(variables, inputs)`.
        layers: paths of sub-modules such as `"layer3"` or `"layer1/0/conv1"`; where one is called more than once,
            `"conv:0"` is the first call.
    """

    network: nn.Module
    layers: tuple[str, ...]

    def __call__(self, variables: Params, inputs: Inputs) -> dict[str, Array]:
        """Returns `{layer: [n, ...]}`."""
        return self.taps(variables, inputs, replaced={})

    def taps(self, variables: Params, inputs: Inputs, *, replaced: Mapping[Path, Array]) -> dict[str, Array]:
        """Returns `{layer: [n, ...]}`, with given outputs in place of those that some sub-modules would compute."""
        taken: dict[str, Array] = {}
        for collections in ((OWN,), (OWN, "intermediates")):  # in a scan, only declared collections are carried out
            found = self._outputs(variables, inputs, replaced, collections)
            picked = {layer: pick(layer, found, jnp.shape(inputs)[0]) for layer in self.layers}
            taken = {layer: output for layer, output in picked.items() if output is not None}
            if len(taken) == len(picked):
                return taken
        missing = next(layer for layer in self.layers if layer not in taken)
        raise ValueError(self._why_missing(missing, variables, inputs))

    def _outputs(
        self, variables: Params, inputs: Inputs, replaced: Mapping[Path, Array], collections: tuple[str, ...]
    ) -> dict[str, Calls]:
        """Returns the outputs that the collections bring out of the network, by the path of the layer."""
        wanted = {*self.layers, *map(base_of, self.layers)}
        outermost: list[Any] = []

        def tap(call: Callable, args: tuple, kwargs: dict[str, Any], context: nn.module.InterceptorContext) -> Any:
            module, scope = context.module, context.module.scope
            if scope is None:
                return call(*args, **kwargs)
            path = module.path
            outermost.append(scope.trace_level)
            # what nn.jit compiled for one module it runs for every equal one, so that taps there go by no path
            kept = "/".join(path) in wanted or scope.trace_level != outermost[0]
            output = replaced[path] if path in replaced else call(*args, **kwargs)
            open_to = [collection for collection in collections if module.is_mutable_collection(collection)]
            if context.method_name == "__call__" and kept and open_to:
                arrays = tuple(leaf for leaf in jax.tree.leaves(output) if hasattr(leaf, "shape"))
                module.sow(open_to[0], KEPT, arrays, init_fn=tuple, reduce_fn=lambda before, new: (*before, new))
            return output

        given = {name: collection for name, collection in variables.items() if name not in collections}
        with nn.intercept_methods(tap):
            _, state = self.apply(given, inputs, mutable=list(collections))
        found: dict[str, Calls] = {}
        for collection in reversed(collections):
            calls = _kept_in(state.get(collection, {}), ())
            found |= {"/".join(path): Calls(each, stacked=collection != OWN) for path, each in calls}
        return found

    def apply(self, variables: Params, inputs: Inputs, **options: Any) -> Any:
        """Runs the network, and says so where it does not fit its variables."""
        try:
            return self.network.apply(variables, inputs, **options)
        except flax.errors.ScopeParamShapeError as error:
            name = type(self.network).__name__
            raise ValueError(f"{name} does not fit its variables on inputs {jnp.shape(inputs)}: {error}") from error

    def _why_missing(self, layer: str, variables: Params, inputs: Inputs) -> str:
        calls = calls_of(self, variables, inputs)
        called = dict.fromkeys("/".join(call.path) for call in calls if call.method == "__call__")
        if {layer, base_of(layer)} & set(called):
            return (
                f"layer '{layer}' runs within a lifted transform, such as nn.scan, that brings no outputs out; add "
                "'intermediates': 0 to its variable_axes, or choose the module around it"
            )
        known = ", ".join(name for name in called if name)
        return f"layer '{layer}' is not called by {type(self.network).__name__}; it calls: {known}"

    @functools.cached_property
    def _identity(self) -> Hashable:
        return identity_of(self.network), self.layers

    def __eq__(self, other: object) -> bool:
        return isinstance(other, LinenFeatures) and other._identity == self._identity

    def __hash__(self) -> int:
        return hash(self._identity)


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
    """The features as a function of the output of one sub-module, which is then not computed.

    The sub-module is called once, and by the network itself: within `nn.jit`, Flax may run a program that it compiled
    before, with the sub-module in it.
    """

    features: LinenFeatures
    path: Path

    def __call__(self, variables: Params, inputs: Inputs, output: Array) -> dict[str, Array]:
        return self.features.taps(variables, inputs, replaced={self.path: output})


def features_of(network: nn.Module, layers: Sequence[str]) -> LinenFeatures:
    """Makes a feature function from a Linen module.

    Args:
        network: the module; `network.apply(variables, inputs)` is its evaluation mode.
        layers: paths of the sub-modules whose outputs are the features; `"conv:1"` is the second call of `conv`, or
            its second step in a scan.

    Returns:
        The function `(variables, inputs) -> {layer: [n, ...]}`. It raises a ValueError where the network does not call
        a layer, and lists those it does; where a layer is called more than once and the name does not say which call
        is meant; and where an output cannot be brought out of a scan. A layer that returns other than one array raises
        a TypeError.

    Raises:
        TypeError: If `layers` is a single string.

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
    only. It must be a `Dense` or `Conv` whose products are accurate (`has_accurate_products`), called once, by the
    network itself and not within a lifted transform such as `nn.remat`. Only shapes are traced.
    """
    owners = [call for call in calls_of(feature_fn, variables, inputs) if call.owns_arrays]
    if not owners or type(owners[0].module) not in (nn.Dense, nn.Conv):
        return None
    path = owners[0].path
    if sum(call.path == path for call in owners) != 1 or not runs_unlifted(feature_fn, path, variables, inputs):
        return None
    z = jax.eval_shape(OutputAt(feature_fn, path), variables, inputs)
    return path if has_accurate_products(owners[0].module, z.dtype) else None


class Call(NamedTuple):
    """One call of a method of a module.

    Attributes:
        path: of the module.
        method: its name.
        module: as it was called; its variables are shapes.
        owns_arrays: whether it has parameters (or other arrays) of its own, beside those of its sub-modules.
        trace: what JAX was tracing then.
    """

    path: Path
    method: str
    module: nn.Module
    owns_arrays: bool
    trace: Any


def calls_of(
    feature_fn: LinenFeatures, variables: Params, inputs: Inputs | jax.ShapeDtypeStruct, *, compiled: bool = False
) -> list[Call]:
    """Returns the calls that the network makes, in the order in which they begin. Only shapes are traced.

    Args:
        feature_fn: the network.
        variables: of it, arrays or shapes.
        inputs: probes, arrays or shapes.
        compiled: whether `nn.jit` compiles; it then hides the calls in a program that it compiled before.
    """
    calls: list[Call] = []

    def watch(call: Callable, args: tuple, kwargs: dict[str, Any], context: nn.module.InterceptorContext) -> Any:
        module = context.module
        if module.scope is not None:
            trace = module.scope.trace_level
            calls.append(Call(module.path, context.method_name, module, _owns_arrays(module), trace))
        return call(*args, **kwargs)

    def run(variables: Params, inputs: Inputs) -> Any:
        with contextlib.nullcontext() if compiled else jax.disable_jit():
            return feature_fn.apply(variables, inputs)

    with nn.intercept_methods(watch):
        jax.eval_shape(run, variables, inputs)
    return calls


def runs_unlifted(
    feature_fn: LinenFeatures, path: Path, variables: Params, inputs: Inputs | jax.ShapeDtypeStruct
) -> bool:
    """Tells whether the network calls a module itself, and not within `nn.remat`, `nn.jit` or `nn.scan`."""
    calls = calls_of(feature_fn, variables, inputs, compiled=True)
    traces = [call.trace for call in calls if call.path == path]
    return bool(traces) and all(trace == calls[0].trace for trace in traces)


def _owns_arrays(module: nn.Module) -> bool:
    collections = module.variables.values()
    return any(not isinstance(entry, Mapping) for collection in collections for entry in collection.values())


def _kept_in(collection: Mapping, path: Path) -> list[tuple[Path, tuple[tuple[Array, ...], ...]]]:
    """Lists what the taps kept in a collection, by the path of the module."""
    here = [(path, collection[KEPT])] if KEPT in collection else []
    inner = [(name, entry) for name, entry in collection.items() if isinstance(entry, Mapping)]
    return here + [found for name, entry in inner for found in _kept_in(entry, (*path, name))]
