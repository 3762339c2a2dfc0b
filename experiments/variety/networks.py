"""The kinds of networks by name: those of `lineage_jax.models`, and small ones of the same families."""

from collections.abc import Callable, Mapping
from typing import Any

import flax.linen as nn

from experiments.variety.fcos import SmallFCOS
from lineage_jax import models

SMALL: dict[str, Callable[..., nn.Module]] = {"vgg": models.VGG, "vit": models.ViT, "fcos": SmallFCOS}


def build(settings: Mapping[str, Any], *, num_classes: int) -> nn.Module:
    """Returns the network of a configuration: its `architecture` with the other settings."""
    sizes = {name: _tuples(value) for name, value in settings.items() if name != "architecture"}
    architecture = settings["architecture"]
    if architecture in SMALL:
        return SMALL[architecture](num_classes=num_classes, **sizes)
    return models.build(architecture, num_classes=num_classes, **sizes)


def _tuples(value: Any) -> Any:
    """Returns tuples where JSON has lists: modules are hashed."""
    return tuple(map(_tuples, value)) if isinstance(value, list | tuple) else value
