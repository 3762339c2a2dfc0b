"""Which layers a detector looks at, where nobody says it."""

import dataclasses
import itertools
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from lineage_jax.checkpoints import Known
from lineage_jax.cli._app import say
from lineage_jax.leaves import is_under

if TYPE_CHECKING:
    from flax import linen as nn

    from lineage_jax.typing import Params, Population

ANY_IMAGE = (224, 224, 3)
"""An image that all networks take; the order of their layers does not depend on it."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Layers:
    """What is looked at.

    Attributes:
        weights: layers whose kernels are seen.
        features: layers whose outputs are seen.
    """

    weights: tuple[str, ...]
    features: tuple[str, ...]


def choose_layers(known: Known, weights: list[str] | None, features: list[str] | None, *, probes: bool) -> Layers:
    """Returns the layers that are named, or the last kernel before the head and the last tap; says which.

    Raises:
        ValueError: If features are named without probes, or none are named of networks of no known architecture.
    """
    if features and not probes:
        raise ValueError(f"expected --probes for the features of {', '.join(features)}, got none")
    taken = tuple(weights) if weights else (_last_kernel_of(known),)
    reason = known.obstacle if probes else "no --probes given"
    seen = () if reason or known.network is None else known.network.taps[-1:]
    layers = Layers(weights=taken, features=tuple(features) if features else seen)
    beside = f"features of {', '.join(layers.features)}" if layers.features else f"at no features: {reason}"
    say(f"looking at weights of {', '.join(taken)} and {beside}")
    return layers


def _last_kernel_of(known: Known) -> str:
    if known.network is None:
        names = ", ".join(kernels_of(known))
        raise ValueError(f"expected --weights LAYER ..., since {known.obstacle}; layers with a kernel: {names}")
    return last_kernel(known.network)


def last_kernel(network: "nn.Module") -> str:
    """Returns the path of the layer with a kernel that is called last before the head; only shapes are traced.

    Raises:
        ValueError: If there is none.

    Examples:
        >>> from lineage_jax import models
        >>> last_kernel(models.fc(widths=(8, 4))), last_kernel(models.cifar_resnet20())
        ('fc2', 'layer3/2/conv2')
    """
    from flax import linen as nn

    from lineage_jax import models

    called: list[str] = []

    def watch(call: Any, args: tuple, kwargs: dict[str, Any], context: Any) -> Any:
        if context.method_name == "__call__":
            called.append("/".join(context.module.path))
        return call(*args, **kwargs)

    with nn.intercept_methods(watch):
        shapes = models.shapes_of(network, ANY_IMAGE)
    body = itertools.takewhile(lambda layer: not is_under(layer, (network.head,)), called)
    kernels = [layer for layer in body if f"params/{layer}/kernel" in shapes]
    if not kernels:
        raise ValueError(f"expected a network with a kernel before its head, got {type(network).__name__}")
    return kernels[-1]


def kernels_of(known: Known) -> list[str]:
    """Returns the layers of the first child that have a kernel."""
    from lineage_jax import detector

    return detector.layers_with_kernels(networks_by_name(known.children)[0][1])


def networks_by_name(networks: "Population") -> "list[tuple[str, Params]]":
    """Returns networks by name; of stacked ones, which are all alike, the first."""
    if isinstance(networks, Mapping):
        return list(networks.items())
    return [(networks.names[0], networks[networks.names[0]])]
