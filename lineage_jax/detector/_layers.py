"""Which layers a detector looks at, where nobody says it."""

import dataclasses
import itertools
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from lineage_jax.leaves import is_under, leaf_shapes

if TYPE_CHECKING:
    from flax import linen as nn

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
    features: tuple[str, ...] = ()


def choose_layers(
    network: "nn.Module | None",
    *,
    weights: Sequence[str] = (),
    features: Sequence[str] = (),
    with_features: bool,
) -> Layers:
    """Returns the layers that are named, or the last kernel before the head and the last tap.

    Args:
        network: the Flax module, or None where the architecture is not known.
        weights: layers whose kernels shall be seen; by default the last one before the head.
        features: layers whose outputs shall be seen; by default the last of the network's `taps`.
        with_features: whether outputs can be looked at, without being named; otherwise none are.

    Raises:
        ValueError: If no weights are named of a network of no known architecture.

    Examples:
        >>> from lineage_jax import models
        >>> choose_layers(models.fc(widths=(8, 4)), with_features=True)
        Layers(weights=('fc2',), features=('relu2',))
    """
    if network is None:
        if not weights:
            raise ValueError("expected layers whose weights are looked at, got none, and no network to choose them of")
        return Layers(weights=tuple(weights), features=tuple(features))
    taps = network.taps[-1:] if with_features else ()
    return Layers(weights=tuple(weights) or (last_kernel(network),), features=tuple(features) or taps)


def last_kernel(network: "nn.Module") -> str:
    """Returns the path of the layer with a kernel that is called last before the head; only shapes are traced.

    Raises:
        ValueError: If there is none.

    Examples:
        >>> from lineage_jax import models
        >>> last_kernel(models.fc(widths=(8, 4))), last_kernel(models.cifar_resnet20())
        ('fc2', 'layer3/2/conv2')
    """
    import jax
    from flax import linen as nn

    from lineage_jax import models

    called: list[str] = []

    def watch(call: Any, args: tuple, kwargs: dict[str, Any], context: Any) -> Any:
        if context.method_name == "__call__":
            called.append("/".join(context.module.path))
        return call(*args, **kwargs)

    with nn.intercept_methods(watch):
        shapes = leaf_shapes(jax.eval_shape(lambda: models.init(network, jax.random.key(0), ANY_IMAGE)))
    body = itertools.takewhile(lambda layer: not is_under(layer, (network.head,)), called)
    kernels = [layer for layer in body if f"params/{layer}/kernel" in shapes]
    if not kernels:
        raise ValueError(f"expected a network with a kernel before its head, got {type(network).__name__}")
    return kernels[-1]
