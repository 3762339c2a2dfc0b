"""What a detector sees of networks of one architecture that lie apart, as files and folders do."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import jax
import numpy as np

from lineage_jax import linearize
from lineage_jax.data import check_input_shape
from lineage_jax.detector._examples import Examples, examples_of
from lineage_jax.detector._layers import Layers
from lineage_jax.detector._views import layers_with_kernels, with_shapes_of
from lineage_jax.leaves import leaf_paths
from lineage_jax.typing import Inputs, Networks, Params, Population

if TYPE_CHECKING:
    from flax import linen as nn


def look_at(
    parents: Population,
    children: Population,
    truth: Mapping[str, str],
    layers: Layers,
    probes: Inputs | None = None,
    *,
    network: "nn.Module | None" = None,
    obstacle: str | None = None,
    input_shape: tuple[int, int, int] | None = None,
) -> Examples:
    """Looks at what a detector sees of every network; the networks' other layers may differ.

    Args:
        parents: the candidates, `{name: variables}` or stacked.
        children: the children, `{name: variables}` or stacked.
        truth: the name of every child's parent, which need not be among the candidates.
        layers: what is looked at.
        probes: `[n, ...]`, inputs of the network where layers of `features` are looked at.
        network: the Flax module of all networks.
        obstacle: why there is none, for the message.
        input_shape: one input of the network, which those of `probes` must have; None to check nothing.

    Raises:
        ValueError: If a network lacks a layer or has it in another shape, or its features cannot be computed.

    Examples:
        >>> networks = {name: {"params": {"fc1": {"kernel": np.ones((4, 2))}}} for name in ("anna", "bert")}
        >>> children = {"carl": {"params": {"fc1": {"kernel": np.zeros((4, 2))}}}}
        >>> look_at(networks, children, {"carl": "bert"}, Layers(weights=("fc1",))).labels.tolist()
        [1]
    """
    template, features = _kernels(parents, children, layers.weights), None
    if layers.features:
        if network is None:
            raise ValueError(f"expected networks with features {', '.join(layers.features)}, but {obstacle}")
        if probes is not None and input_shape is not None:
            check_input_shape(probes, input_shape)
        template = _by_name(children)[0][1]
        features = linearize.features_of(network, layers.features)
    candidates, descendants = _stacked(parents, template), _stacked(children, template)
    return examples_of(candidates, descendants, truth, probes, weights=layers.weights, features=features)


def _by_name(networks: Population) -> list[tuple[str, Params]]:
    """Returns networks by name; of stacked ones, which are all alike, the first."""
    if isinstance(networks, Mapping):
        return list(networks.items())
    return [(networks.names[0], networks[networks.names[0]])]


def _kernels(parents: Population, children: Population, layers: tuple[str, ...]) -> Params:
    """Returns the kernels of the first child, which every network has in the same shape.

    Raises:
        ValueError: If one has not.
    """
    networks = [(name, leaf_paths(tree)) for name, tree in [*_by_name(children), *_by_name(parents)]]
    first, template = networks[0]
    for layer in layers:
        path = f"params/{layer}/kernel"
        for name, leaves in networks:
            if path not in leaves:
                has = ", ".join(layers_with_kernels(leaves))
                raise ValueError(f"expected a kernel of '{layer}' in {name}, which has: {has}")
            ours, theirs = leaves[path].shape, template[path].shape
            if ours != theirs:
                raise ValueError(f"expected one shape of '{layer}', got {ours} in {name} and {theirs} in {first}")
    return {"params": {layer: {"kernel": template[f"params/{layer}/kernel"]} for layer in layers}}


def _stacked(networks: Population, template: Params) -> Networks:
    """Stacks networks in the tree of another one; what one lacks or has in another shape, a head, becomes NaN."""
    if not isinstance(networks, Mapping):
        return networks
    alone = {name: Networks(names=(name,), variables=_one_of(tree)) for name, tree in networks.items()}
    return Networks.stack({name: with_shapes_of(each, _one_of(template))[name] for name, each in alone.items()})


def _one_of(tree: Params) -> Params:
    """Gives every leaf a leading axis of 1."""
    return jax.tree.map(lambda leaf: np.asarray(leaf)[None], tree)
