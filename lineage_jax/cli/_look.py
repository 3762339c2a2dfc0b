"""What a detector sees of networks beside each other."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from lineage_jax.checkpoints import Known
from lineage_jax.cli._layers import networks_by_name
from lineage_jax.evidence import check_images
from lineage_jax.leaves import leaf_paths

if TYPE_CHECKING:
    from lineage_jax.cli._layers import Layers
    from lineage_jax.detector import Examples
    from lineage_jax.typing import Inputs, Networks, Params, Population


def look_at(known: Known, layers: "Layers", images: "Inputs | None") -> "Examples":
    """Looks at what a detector sees of every network.

    Raises:
        ValueError: If a network lacks a layer or has it in another shape, or its features cannot be computed.
    """
    from lineage_jax import detector, linearize

    template, features = _kernels(known, layers.weights), None
    if layers.features:
        if known.network is None:
            raise ValueError(f"expected networks with features {', '.join(layers.features)}, but {known.obstacle}")
        if images is not None and known.input_shape is not None:
            check_images(images, known.input_shape)
        template = networks_by_name(known.children)[0][1]
        features = linearize.features_of(known.network, layers.features)
    parents, children = (_stacked(networks, template) for networks in (known.parents, known.children))
    return detector.examples_of(parents, children, known.truth, images, weights=layers.weights, features=features)


def _kernels(known: Known, layers: Sequence[str]) -> "Params":
    """Returns the kernels of the first child, which every network has in the same shape.

    Raises:
        ValueError: If one has not.
    """
    from lineage_jax import detector

    both = [*networks_by_name(known.children), *networks_by_name(known.parents)]
    networks = [(name, leaf_paths(tree)) for name, tree in both]
    first, template = networks[0]
    for layer in layers:
        path = f"params/{layer}/kernel"
        for name, leaves in networks:
            if path not in leaves:
                has = ", ".join(detector.layers_with_kernels(leaves))
                raise ValueError(f"expected a kernel of '{layer}' in {name}, which has: {has}")
            ours, theirs = leaves[path].shape, template[path].shape
            if ours != theirs:
                raise ValueError(f"expected one shape of '{layer}', got {ours} in {name} and {theirs} in {first}")
    return {"params": {layer: {"kernel": template[f"params/{layer}/kernel"]} for layer in layers}}


def _stacked(networks: "Population", template: "Params") -> "Networks":
    """Stacks networks in the tree of another one; what one lacks or has in another shape, a head, becomes NaN."""
    import jax
    import numpy as np

    from lineage_jax import detector
    from lineage_jax.typing import Networks

    if not isinstance(networks, Mapping):
        return networks
    one_of = lambda tree: jax.tree.map(lambda leaf: np.asarray(leaf)[None], tree)  # noqa: E731
    alone = {name: Networks(names=(name,), variables=one_of(tree)) for name, tree in networks.items()}
    alike = {name: detector.with_shapes_of(network, one_of(template))[name] for name, network in alone.items()}
    return Networks.stack(alike)
