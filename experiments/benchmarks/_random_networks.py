"""Random parents and slightly perturbed children: speed does not depend on what networks have learnt."""

import math

import flax.linen as nn
import jax
import numpy as np

from lineage_jax import models
from lineage_jax.typing import Params

PERTURBATION = 0.02
"""Size of the fine-tuning step, relative to the spread of the initial weights."""


def random_networks(
    network: nn.Module, image: tuple[int, int, int], *, parents: int, children: int, probes: int
) -> tuple[dict[str, Params], dict[str, Params], np.ndarray]:
    """Returns parents, children (of each parent in turn) and probes `[n, h, w, c]` as float32 numpy arrays.

    Names sort in the order of their numbers, since JAX sorts the keys of a dict.
    """
    numbers = np.random.default_rng(0)
    shapes = jax.eval_shape(lambda: models.init(network, jax.random.key(0), image))

    def draw(leaf: jax.ShapeDtypeStruct) -> np.ndarray:
        fan_in = math.prod(leaf.shape[:-1])  # 1 for a bias, which starts small instead
        spread = math.sqrt(2 / fan_in) if leaf.ndim > 1 else 0.01
        return spread * numbers.standard_normal(leaf.shape, np.float32)

    roots = {f"parent-{index:03}": jax.tree.map(draw, shapes) for index in range(parents)}
    tuned = {}
    for index in range(children):
        noise = jax.tree.map(draw, shapes)
        root = roots[f"parent-{index % parents:03}"]
        tuned[f"child-{index:03}"] = jax.tree.map(lambda p, e: p + PERTURBATION * e, root, noise)
    return roots, tuned, numbers.standard_normal((probes, *image), np.float32)
