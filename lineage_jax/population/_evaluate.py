"""How well networks classify."""

import functools

import flax.linen as nn
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from lineage_jax import data
from lineage_jax.population._checks import check_classes
from lineage_jax.population._side_by_side import number_side_by_side, rows_for_map
from lineage_jax.typing import Networks, Params


def accuracy(
    network: nn.Module, networks: Networks, images: data.Images, *, side_by_side: int | None = None
) -> Float[Array, " m"]:
    """Returns the share of the images that each network classifies rightly, from one compiled program.

    Args:
        network: the module of all of them.
        networks: their variables.
        images: the examples; all of them pass through a network at once.
        side_by_side: number of networks evaluated at a time; see `pretrain`.

    Raises:
        ValueError: If the network has another number of classes than the images.
    """
    check_classes(network, images)
    number = number_side_by_side(side_by_side, len(networks))
    return _accuracies(network, number, networks.variables, images.images, images.labels)


@functools.partial(jax.jit, static_argnames=("network", "side_by_side"))
def _accuracies(
    network: nn.Module,
    side_by_side: int,
    variables: Params,
    images: Float[Array, "n h w c"],
    labels: Int[Array, " n"],
) -> Float[Array, " m"]:
    def one(variables: Params) -> Float[Array, ""]:
        logits = jnp.asarray(network.apply(variables, images))
        return jnp.mean(jnp.argmax(logits, axis=-1) == labels)

    return jax.lax.map(one, variables, batch_size=rows_for_map(side_by_side))
