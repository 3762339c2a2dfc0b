"""One program a kind of networks: from scratch, on from a parent, against an adversary, by low-rank steps.

`population` compiles one program for each number of steps and way to train. Here networks are small, ways are many, and
compiling would take longer than training: all that differs is an argument.
"""

import dataclasses
import functools
from collections.abc import Callable
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, Float, Int, Key

from lineage_jax import data, models
from lineage_jax.typing import Params

LAST = 2**32 - 1
"""A number that no step has."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Descent:
    """Stochastic gradient descent with momentum on softmax cross-entropy.

    Attributes:
        steps: number of minibatches.
        learning_rate: of every step.
        weight_decay: added to the gradient as a multiple of every weight.
        attack: how far an adversary moves every pixel along the sign of the gradient, in deviations of pixels.
        few: number of images that are seen; 0 for all.
        head_only: whether everything but the head stays, batch statistics too.
        rank: of the steps that every kernel but the head's takes; 0 for steps of any rank.
        batch_size: examples a minibatch.
    """

    steps: int
    learning_rate: float
    weight_decay: float = 0.0
    attack: float = 0.0
    few: int = 0
    head_only: bool = False
    rank: int = 0
    batch_size: int = 16


def fresh(network: nn.Module, images: data.Images, seed: int) -> Params:
    """Returns random variables."""
    return _fresh(network, images.images.shape[1:], jax.random.key(seed))


@functools.partial(jax.jit, static_argnums=(0, 1))
def _fresh(network: nn.Module, shape: tuple[int, ...], key: Key[Array, ""]) -> Params:
    return models.init(network, key, shape)


def with_new_head(network: nn.Module, parent: Params, images: data.Images, seed: int) -> Params:
    """Returns a parent's variables with a random head."""
    head = fresh(network, images, seed)["params"][network.head]
    return parent | {"params": parent["params"] | {network.head: head}}


def trained(network: nn.Module, start: Params, images: data.Images, *, seed: int, descent: Descent) -> Params:
    """Trains a network; returns its variables on the host, merged where steps are of low rank.

    References:
        Goodfellow, Shlens and Szegedy, "Explaining and Harnessing Adversarial Examples", ICLR 2015, section 6 (attack).
        Hu et al., "LoRA: Low-Rank Adaptation of Large Language Models", ICLR 2022 (rank).
    """
    order = np.random.default_rng(seed).permutation(len(images))
    numbers = {
        "steps": np.int32(descent.steps),
        "seen": np.int32(descent.few or len(images)),
        "rate": np.float32(descent.learning_rate),
        "decay": np.float32(descent.weight_decay),
        "attack": np.float32(descent.attack),
        "body": np.float32(not descent.head_only),
    }
    found = _trained(
        network,
        descent.rank,
        descent.batch_size,
        start,
        jax.random.key(seed),
        images.images[order],
        images.labels[order],
        numbers,
    )
    return jax.tree.map(np.asarray, found)


@functools.partial(jax.jit, static_argnums=(0, 1, 2))
def _trained(
    network: nn.Module,
    rank: int,
    batch_size: int,
    start: Params,
    key: Key[Array, ""],
    x: Float[Array, "n h w c"],
    y: Int[Array, " n"],
    numbers: dict[str, Array],
) -> Params:
    others = {name: collection for name, collection in start.items() if name != "params"}
    moving, merge = _low_rank(network, start["params"], rank, key) if rank else (start["params"], lambda params: params)
    optimizer = optax.chain(optax.add_decayed_weights(numbers["decay"]), optax.sgd(numbers["rate"], momentum=0.9))

    def loss(moving: Params, others: Params, x: Array, y: Array) -> tuple[Array, Params]:
        variables = {"params": merge(moving), **others}
        logits, updated = network.apply(variables, x, train=True, mutable=list(others))
        return optax.softmax_cross_entropy_with_integer_labels(logits, y).mean(), dict(updated)

    def step(number: Int[Array, ""], state: tuple[Params, Params, Any]) -> tuple[Params, Params, Any]:
        moving, others, memory = state
        chosen = jax.random.randint(jax.random.fold_in(key, number), (batch_size,), 0, numbers["seen"])
        labels = y[chosen]

        def attacked(seen: Array) -> Array:
            return seen + numbers["attack"] * jnp.sign(jax.grad(lambda x: loss(moving, others, x, labels)[0])(seen))

        seen = jax.lax.cond(numbers["attack"] > 0, attacked, lambda seen: seen, x[chosen])
        gradient, updated = jax.grad(loss, has_aux=True)(moving, others, seen, labels)
        update, memory = optimizer.update(gradient, memory, moving)
        held = {name: jax.tree.map(lambda leaf: leaf * numbers["body"], part) for name, part in update.items()}
        moving = optax.apply_updates(moving, held | {name: update[name] for name in {network.head} & update.keys()})
        others = jax.tree.map(lambda old, new: jnp.where(numbers["body"] > 0, new, old), others, updated)
        return moving, others, memory

    moving, others, _ = jax.lax.fori_loop(0, numbers["steps"], step, (moving, others, optimizer.init(moving)))
    return {"params": merge(moving), **others}


def _low_rank(
    network: nn.Module, params: Params, rank: int, key: Key[Array, ""]
) -> tuple[Params, Callable[[Params], Params]]:
    """Returns what moves, two factors for each kernel and the head, and what makes parameters of it."""
    body = {name: layer for name, layer in params.items() if name != network.head}
    leaves, tree = jax.tree.flatten(body)
    keys = jax.random.split(jax.random.fold_in(key, LAST), len(leaves))
    factors: list[tuple[Array, ...]] = []
    for leaf, own in zip(leaves, keys, strict=True):
        size = leaf.size // leaf.shape[-1]
        first = jax.random.normal(own, (size, rank)) / jnp.sqrt(size)
        wide = leaf.ndim > 1 and min(size, leaf.shape[-1]) > rank
        factors.append((first, jnp.zeros((rank, leaf.shape[-1]))) if wide else ())

    def merge(moving: Params) -> Params:
        steps = zip(leaves, moving["factors"], strict=True)
        merged = [leaf + (pair[0] @ pair[1]).reshape(leaf.shape) if pair else leaf for leaf, pair in steps]
        return jax.tree.unflatten(tree, merged) | {network.head: moving[network.head]}

    return {"factors": tuple(factors), network.head: params[network.head]}, merge


@functools.partial(jax.jit, static_argnums=0)
def _right(network: nn.Module, variables: Params, x: Float[Array, "n h w c"], y: Int[Array, " n"]) -> Float[Array, ""]:
    return jnp.mean(jnp.argmax(jnp.asarray(network.apply(variables, x)), axis=-1) == y)


def accuracy(network: nn.Module, variables: Params, images: data.Images, *, most: int = 1000) -> float:
    """Returns the share of the first images that a network classifies rightly."""
    return round(float(_right(network, variables, images.images[:most], images.labels[:most])), 4)
