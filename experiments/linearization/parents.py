"""Candidate parents: independent, or near each other in one of three ways."""

import dataclasses
import itertools

import flax.linen as nn
import jax
import jax.numpy as jnp
import ml_collections
import numpy as np

from experiments.lab import pretraining
from lineage_jax import data, population
from lineage_jax.typing import Networks, Params

INDEPENDENT, ONE_PERCENT = "independent", "one percent apart"
KINDS = (*pretraining.KINDS, ONE_PERCENT)


def make_parents(
    kind: str, network: nn.Module, images: data.Images, settings: ml_collections.ConfigDict, *, seed: int
) -> population.Trained:
    """Trains the parents of one kind.

    Args:
        kind: one of `pretraining.KINDS`, or `one percent apart`: one network whose kernels are moved at random.
        network: the children's module.
        images: what parents learn.
        settings: of the network.
        seed: decides every random number.
    """
    training = population.TrainingSettings(batch_size=settings.batch_size, **settings.pretraining.to_dict())
    if kind != ONE_PERCENT:
        return pretraining.pretrain(kind, network, images, count=settings.parents, seed=seed, training=training)
    one = pretraining.pretrain(INDEPENDENT, network, images, count=1, seed=seed, training=training)
    return moved(one, settings.parents, by=0.01 / 2**0.5, key=jax.random.key(seed))


def moved(one: population.Trained, count: int, *, by: float, key: jax.Array) -> population.Trained:
    """Makes copies of one network whose kernels are moved at random, so that any two are 2^(1/2) times `by` apart.

    Args:
        one: a single network.
        count: how many copies.
        by: length of the move of every kernel, as a part of its norm.
        key: decides the directions.
    """

    def move(kernel: jax.Array, key: jax.Array) -> jax.Array:
        direction = jax.random.normal(key, kernel.shape)
        return kernel + by * jnp.linalg.norm(kernel) * direction / jnp.linalg.norm(direction)

    def copy(key: jax.Array) -> Params:
        leaves, tree = jax.tree.flatten(one.variables)
        keys = jax.random.split(key, len(leaves))
        # stacked leaves of one network; vectors are biases, scales and statistics
        moved_leaves = [move(leaf[0], k) if leaf.ndim > 2 else leaf[0] for leaf, k in zip(leaves, keys, strict=True)]
        return jax.tree.unflatten(tree, moved_leaves)

    names = tuple(f"parent-{number}" for number in range(count))
    stacked = Networks.stack({name: copy(k) for name, k in zip(names, jax.random.split(key, count), strict=True)})
    repeat = lambda values: jnp.repeat(values, count)  # noqa: E731
    return dataclasses.replace(
        one, names=names, variables=stacked.variables, loss=repeat(one.loss), accuracy=repeat(one.accuracy)
    )


def apart(parents: Networks, *, head: str) -> float:
    """Returns the distance of two parents' weights as a part of their norm, on average over all pairs; no heads."""
    bodies = [{name: layer for name, layer in parents[p]["params"].items() if name != head} for p in parents.names]
    flat = [np.concatenate([np.ravel(leaf) for leaf in jax.tree.leaves(body)]) for body in bodies]
    pairs = itertools.permutations(flat, 2)
    return float(np.mean([np.linalg.norm(p - q) / np.linalg.norm(p) for p, q in pairs]))
