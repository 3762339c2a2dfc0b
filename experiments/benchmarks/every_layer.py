"""What do the tangents of every layer cost beyond those of the last one?

last_tap    `linearize.tangents` at the layer before the head, 784-1024-256-128 on 1,024 probes and the CIFAR
            ResNet-20 on 64 probes, float32
all_taps    the same at every tap, all features returned as `[n, d]`

python -m experiments.benchmarks.every_layer
"""

import functools

import flax.linen as nn
import jax
import numpy as np

from experiments.benchmarks import _timing
from experiments.benchmarks._timing import Row, Variant, compare
from lineage_jax import linearize, models
from lineage_jax.typing import Inputs, Params

SETTINGS = {
    "fc": (models.fc(), (28, 28, 1), 1024),
    "resnet20": (models.cifar_resnet20(), (32, 32, 3), 64),
}


def main() -> list[Row]:
    """Returns a row for each network and variant."""
    rows = []
    for name, (network, image, probes) in SETTINGS.items():
        variants = {
            variant: Variant(
                library="jax",
                prepare=functools.partial(problem, network, image, probes),
                work=functools.partial(work, linearize.features_of(network, taps)),
                rounds=15,
            )
            for variant, taps in {"last_tap": network.taps[-1:], "all_taps": network.taps}.items()
        }
        rows += compare(f"every_layer {name}", variants, tolerance=1e-3)
    return rows


@functools.cache
def problem(network: nn.Module, image: tuple[int, int, int], probes: int) -> tuple[Params, Params, jax.Array]:
    """Returns a parent, a child and probes on the device."""
    parent = models.init(network, jax.random.key(0), image)
    child = parent | {"params": jax.tree.map(lambda p: 1.02 * p, parent["params"])}
    return jax.block_until_ready((parent, child, jax.random.normal(jax.random.key(1), (probes, *image))))


def work(features: linearize.LinenFeatures, parent: Params, child: Params, probes: jax.Array) -> np.ndarray:
    """Computes value and tangent at every layer; returns the norm of the last tangent."""
    found = jax.block_until_ready(tangents(features, parent, child, probes))
    return np.array([np.linalg.norm(found.tangent[features.layers[-1]])])


@functools.partial(jax.jit, static_argnames=("features",))
def tangents(features: linearize.LinenFeatures, parent: Params, child: Params, probes: Inputs) -> linearize.Tangents:
    return linearize.tangents(features, parent, child, probes)


if __name__ == "__main__":
    _timing.show(main())
