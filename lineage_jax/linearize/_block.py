"""Part of a network as a feature function: from the output of one layer to those of later ones.

A prefix needs nothing new: `features_of(network, ("layer2",))` reads the leaves up to `layer2`, and no others.
"""

import dataclasses
from collections.abc import Callable, Hashable, Sequence

import flax.linen as nn
import jax
import jax.numpy as jnp
from jax.extend import core
from jaxtyping import Array

from lineage_jax.linearize._linen import ContinuedFrom, LinenFeatures, Path, calls_of, runs_unlifted
from lineage_jax.typing import Inputs, Params


@dataclasses.dataclass(frozen=True, eq=False)
class LinenBlock:
    """The layers of a Linen network after `start`, as a pure function of variables and activations.

    Attributes:
        network: the whole module.
        start: path of the sub-module whose output is the input here.
        layers: paths of the sub-modules whose outputs are the features.
        input_shape: of one input of the whole network.
    """

    network: nn.Module
    start: str
    layers: tuple[str, ...]
    input_shape: tuple[int, ...]

    def entry(self, variables: Params, inputs: Inputs) -> Array:
        """Runs the network up to `start`: the activations `[n, ...]` that the block can be fed with."""
        return LinenFeatures(self.network, (self.start,))(variables, jnp.asarray(inputs))[self.start]

    def __call__(self, variables: Params, activations: Inputs) -> dict[str, Array]:
        """Returns `{layer: [n, ...]}`; what runs before `start` sees zeros, and nobody sees it."""
        activations = jnp.asarray(activations)
        unseen = jnp.zeros((len(activations), *self.input_shape), activations.dtype)
        whole = LinenFeatures(self.network, self.layers)
        return whole.taps(variables, unseen, replaced={_path(self.start): activations})

    @property
    def _identity(self) -> Hashable:
        return LinenFeatures(self.network, self.layers), self.start, self.input_shape

    def __eq__(self, other: object) -> bool:
        return isinstance(other, LinenBlock) and other._identity == self._identity

    def __hash__(self) -> int:
        return hash(self._identity)


def block_of(network: nn.Module, start: str, layers: Sequence[str], *, input_shape: Sequence[int]) -> LinenBlock:
    """Makes the feature function of the layers after `start`.

    Fed with a candidate parent's own activations, it compares a block of two networks on equal terms, whatever their
    earlier layers do: so one finds the parent of a block that was grafted into another network.

    Args:
        network: the module; `network.apply(variables, inputs)` is its evaluation mode.
        start: path of the sub-module whose output is fed to the block.
        layers: paths of later sub-modules whose outputs are the features.
        input_shape: of one input of the whole network, such as `(32, 32, 3)`.

    Raises:
        ValueError: If a layer does not come after `start`, or depends on what runs before it by another way, as
            within a residual block; if `start` is called more than once, or within a lifted transform.
        TypeError: If `layers` is a single string.

    Examples:
        >>> network = nn.Sequential([nn.Dense(4), nn.relu, nn.Dense(2)])
        >>> variables = network.init(jax.random.key(0), jnp.ones((1, 3)))
        >>> block = block_of(network, "layers_0", ("layers_2",), input_shape=(3,))
        >>> block(variables, block.entry(variables, jnp.ones((5, 3))))["layers_2"].shape
        (5, 2)
    """
    if isinstance(layers, str):
        raise TypeError(f"expected a tuple of layer names, got the string '{layers}'; write ('{layers}',)")
    block = LinenBlock(network, start, tuple(layers), tuple(input_shape))
    inputs = jax.ShapeDtypeStruct((1, *block.input_shape), jnp.float32)
    variables = jax.eval_shape(network.init, jax.random.key(0), inputs)
    _check_start(LinenFeatures(network, (start,)), variables, inputs)
    activations = jax.eval_shape(block.entry, variables, inputs)
    for layer in block.layers:
        continued = ContinuedFrom(LinenFeatures(network, (layer,)), _path(start))
        of_inputs, of_activations = _depends(lambda v, *x, f=continued: f(v, *x), variables, inputs, activations)
        if not of_activations:
            raise ValueError(f"expected layers after '{start}', got '{layer}', which does not depend on its output")
        if of_inputs:
            raise ValueError(
                f"expected a start that everything before '{layer}' passes through, got '{start}', which some of it "
                "goes around; start where the residual block does, or ends"
            )
    return block


def _check_start(features: LinenFeatures, variables: Params, inputs: jax.ShapeDtypeStruct) -> None:
    """Refuses a start whose output cannot be put in its place; one that is not called at all is refused later."""
    (start,) = features.layers
    calls = [call.path for call in calls_of(features, variables, inputs) if call.method == "__call__"]
    times = calls.count(_path(start))
    if times > 1:
        raise ValueError(
            f"expected a start that is called once, got '{start}', which is called {times} times; start at a module "
            "around those calls, or after them"
        )
    if times and not runs_unlifted(features, _path(start), variables, inputs):
        raise ValueError(
            f"expected a start that the network calls itself, got '{start}', which runs within nn.remat, nn.jit or "
            "another lifted transform; build the network without it (the variables stay the same)"
        )


def _depends(function: Callable, variables: Params, *arguments: jax.ShapeDtypeStruct) -> list[bool]:
    """Says of every argument after the variables whether the function's results depend on it."""
    jaxpr = jax.make_jaxpr(function)(variables, *arguments).jaxpr
    return [_reaches(jaxpr, source) for source in jaxpr.invars[-len(arguments) :]]


def _reaches(jaxpr: core.Jaxpr, source: core.Var) -> bool:
    reached = {source}
    for eqn in jaxpr.eqns:
        if any(isinstance(var, core.Var) and var in reached for var in eqn.invars):
            reached.update(eqn.outvars)
    return any(isinstance(var, core.Var) and var in reached for var in jaxpr.outvars)


def _path(layer: str) -> Path:
    return tuple(layer.split("/"))
