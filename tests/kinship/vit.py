"""A small transformer whose streams, heads and units are moved about."""

import functools

from experiments.evidence import laundering
from lineage_jax import models

NETWORK = models.ViT(num_classes=3, patch=4, width=24, depth=2, heads=3)
INPUT = (1, 16, 16, 3)


@functools.cache
def groups_of_network():
    return laundering.groups_of(NETWORK, INPUT)
