"""Networks by name, for checkpoints on disk that say which architecture they hold."""

import inspect
from collections.abc import Callable, Sequence
from typing import Any

import flax.linen as nn
import jax.numpy as jnp
from jaxtyping import Array, Key

from lineage_jax.models._cifar_resnet import cifar_resnet20, cifar_resnet32, cifar_resnet44, cifar_resnet56
from lineage_jax.models._convnet import convnet
from lineage_jax.models._fc import fc
from lineage_jax.models._resnet import resnet18
from lineage_jax.typing import Params

ARCHITECTURES: dict[str, Callable[..., nn.Module]] = {
    "fc": fc,
    "convnet": convnet,
    "cifar_resnet20": cifar_resnet20,
    "cifar_resnet32": cifar_resnet32,
    "cifar_resnet44": cifar_resnet44,
    "cifar_resnet56": cifar_resnet56,
    "resnet18": resnet18,
}
"""Every architecture by the name of its function."""


def build(architecture: str, **settings: Any) -> nn.Module:
    """Returns the network that a name and its settings describe.

    Args:
        architecture: a key of `ARCHITECTURES`.
        **settings: keyword arguments of that function.

    Raises:
        ValueError: If the architecture or one of its settings does not exist.

    Examples:
        >>> build("fc", num_classes=5, widths=[8, 4])
        FC(
            # attributes
            num_classes = 5
            widths = (8, 4)
        )
    """
    if architecture not in ARCHITECTURES:
        raise ValueError(f"expected an architecture among {', '.join(ARCHITECTURES)}, got {architecture!r}")
    constructor = ARCHITECTURES[architecture]
    known = inspect.signature(constructor).parameters
    unknown = settings.keys() - known.keys()
    if unknown:
        raise ValueError(
            f"expected settings of {architecture} among {', '.join(known)}, got {', '.join(sorted(unknown))}"
        )
    return constructor(**settings)


def init(network: nn.Module, key: Key[Array, ""], input_shape: Sequence[int]) -> Params:
    """Returns fresh variables of a network: `{"params": ...}`, with `"batch_stats"` where it normalises batches.

    Args:
        network: any network of this package.
        key: source of the random weights.
        input_shape: one image, `(h, w, c)`.

    Raises:
        ValueError: If `input_shape` is not three positive sizes.

    Examples:
        >>> import jax
        >>> variables = init(fc(), jax.random.key(0), (28, 28, 1))
        >>> variables["params"]["fc1"]["kernel"].shape
        (784, 1024)
    """
    if len(input_shape) != 3 or min(input_shape) < 1:
        raise ValueError(f"expected input_shape as three positive sizes (h, w, c), got {input_shape}")
    return network.init(key, jnp.zeros((1, *input_shape)))
