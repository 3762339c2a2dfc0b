"""One small compiled program a kind of network: every recipe, number of steps and choice of images is an argument.

All parameters are one vector, so that an optimizer is a few operations; `population` compiles one program for each
number of steps and way to train, which takes longer than networks so small train.
"""

import dataclasses
import functools
from typing import Any

import flax.linen as nn
import jax
import jax.flatten_util
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, Float, Int

from lineage_jax import data, models
from lineage_jax.leaves import leaf_paths, replace_leaves
from lineage_jax.typing import Params

BATCH = 16
"""Images of a step."""

LONGEST = 1024
"""Steps of a run at most: what is drawn for them is an argument of one shape."""

ADAM = (0.9, 0.999, 1e-8)
"""Decay of both moments, and what keeps a quotient finite."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Recipe:
    """How a network is trained.

    Attributes:
        steps: number of minibatches.
        learning_rate: of every step.
        weight_decay: added to the gradient as a multiple of every weight.
        momentum: share of the last step that the next one keeps.
        adam: whether steps are Adam's instead.
        few: number of images that are seen; 0 for all.
        imbalance: how many times as often the first class is seen as the last one.
    """

    steps: int
    learning_rate: float
    weight_decay: float = 0.0
    momentum: float = 0.9
    adam: bool = False
    few: int = 0
    imbalance: float = 1.0


def fresh(network: nn.Module, shape: tuple[int, ...], *, seed: int) -> Params:
    """Returns random variables: kernels as He et al. (ICCV 2015) draw them, scales of one, all else zero."""
    shapes = _shapes(network, shape)
    numbers = np.random.default_rng(seed)

    def drawn(path: str, leaf: jax.ShapeDtypeStruct) -> np.ndarray:
        name = path.rpartition("/")[2]
        if name in ("scale", "var"):
            return np.ones(leaf.shape, np.float32)
        if name == "pos_embed":
            return np.float32(0.02) * numbers.standard_normal(leaf.shape, np.float32)
        if name != "kernel":
            return np.zeros(leaf.shape, np.float32)
        inputs = np.prod(leaf.shape[:-1])
        return np.float32(np.sqrt(2 / inputs)) * numbers.standard_normal(leaf.shape, np.float32)

    return replace_leaves(shapes, {path: drawn(path, leaf) for path, leaf in leaf_paths(shapes).items()})


def with_head(network: nn.Module, parent: Params, other: Params) -> Params:
    """Returns a network with the head of another."""
    head = network.head
    return parent | {"params": parent["params"] | {head: other["params"][head]}}


def trained(
    network: nn.Module, start: Params, images: data.Images, recipe: Recipe, *, seed: int, stops: tuple[int, ...] = ()
) -> list[Params]:
    """Trains a network; returns its variables on the host at some steps of the run, and in the end.

    Args:
        network: the module.
        start: its variables before.
        images: what it learns.
        recipe: how; of `LONGEST` steps at most.
        seed: of the minibatches.
        stops: steps after which variables are returned, in order; the last one may be the end of the run.
    """
    numbers = np.random.default_rng(seed)
    drawn = numbers.choice(len(images), size=(LONGEST, BATCH), p=_shares(images, recipe, numbers))
    words = np.array([recipe.learning_rate, recipe.weight_decay, recipe.momentum, recipe.adam], np.float32)
    flat, unravel = jax.flatten_util.ravel_pytree(start["params"])
    others = {name: part for name, part in start.items() if name != "params"}
    state = (flat, jnp.zeros_like(flat), jnp.zeros_like(flat), others)
    found, begin = [], 0
    for stop in dict.fromkeys((*stops, recipe.steps)):
        span = np.int32(begin), np.int32(stop)
        state = _on(network, images.images.shape[1:], state, images.images, images.labels, drawn, words, span)
        found.append(jax.tree.map(np.asarray, {"params": unravel(state[0]), **state[3]}))
        begin = stop
    return found


def _shares(images: data.Images, recipe: Recipe, numbers: np.random.Generator) -> Float[np.ndarray, " n"]:
    """Returns how often each image is drawn."""
    share = recipe.imbalance ** (-images.labels / max(images.num_classes - 1, 1))
    if recipe.few:
        share[numbers.permutation(len(images))[recipe.few :]] = 0
    return share / share.sum()


@functools.cache
def _shapes(network: nn.Module, shape: tuple[int, ...]) -> Params:
    return jax.eval_shape(lambda: models.init(network, jax.random.key(0), shape))


@functools.partial(jax.jit, static_argnums=(0, 1))
def _on(
    network: nn.Module,
    shape: tuple[int, ...],
    state: tuple[Array, Array, Array, Params],
    x: Float[Array, "n h w c"],
    y: Int[Array, " n"],
    drawn: Int[Array, "s b"],
    words: Float[Array, " 4"],
    span: tuple[Array, Array],
) -> tuple[Array, Array, Array, Params]:
    zeros = jax.tree.map(lambda leaf: jnp.zeros(leaf.shape, leaf.dtype), _shapes(network, shape)["params"])
    _, unravel = jax.flatten_util.ravel_pytree(zeros)
    rate, decay, momentum, adam = words
    one, two, eps = ADAM

    def loss(flat: Array, others: Params, x: Array, y: Array) -> tuple[Array, Any]:
        logits, updated = network.apply({"params": unravel(flat), **others}, x, train=True, mutable=list(others))
        return optax.softmax_cross_entropy_with_integer_labels(logits, y).mean(), dict(updated)

    def step(number: Array, state: tuple[Array, Array, Array, Params]) -> tuple[Array, Array, Array, Params]:
        flat, first, second, others = state
        chosen = drawn[number]
        gradient, others = jax.grad(loss, has_aux=True)(flat, others, x[chosen], y[chosen])
        gradient += decay * flat
        first = jnp.where(adam > 0, one * first + (1 - one) * gradient, momentum * first + gradient)
        second = two * second + (1 - two) * gradient**2
        count = number + 1.0
        by_adam = first / (1 - one**count) / (jnp.sqrt(second / (1 - two**count)) + eps)
        return flat - rate * jnp.where(adam > 0, by_adam, first), first, second, others

    return jax.lax.fori_loop(*span, step, state)
