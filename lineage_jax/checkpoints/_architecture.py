"""Whether networks are of one architecture, so that their features can be compared."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from lineage_jax.checkpoints._network import LoadedNetwork

if TYPE_CHECKING:
    from flax import linen as nn


def obstacle(networks: Sequence[LoadedNetwork]) -> str | None:
    """Says why features cannot be compared, or None where all networks are of one architecture up to their classes."""
    first = networks[0]
    for loaded in networks:
        if loaded.network is None:
            return f"{loaded.label} is of no known architecture"
        if not same_architecture(loaded.network, first.network):
            return f"{loaded.label} is of another network, {_in_words(loaded.network)}, than {first.label}"
        if loaded.input_shape != first.input_shape:
            return f"{loaded.label} takes images {loaded.input_shape}, {first.label} {first.input_shape}"
    return None


def same_architecture(network: Any, like: Any) -> bool:
    """Says whether two Flax modules are equal up to the number of classes.

    Examples:
        >>> from lineage_jax import models
        >>> same_architecture(models.fc(5, widths=(8,)), models.fc(10, widths=(8,)))
        True
        >>> same_architecture(models.fc(5, widths=(8,)), models.fc(5, widths=(4,)))
        False
    """
    if type(network) is not type(like):
        return False
    return network == like or (hasattr(like, "num_classes") and network.clone(num_classes=like.num_classes) == like)


def _in_words(network: "nn.Module") -> str:
    """Says in a few words what a network is, up to the number of classes."""
    from lineage_jax import models

    return " ".join(str(value) for key, value in models.describe(network).items() if key != "num_classes")
