"""What does the tangent kernel of the paper's fully connected net take, beside a Jacobian that is written down?

784-1024-256-128-10, logits, float32: the whole kernel `[n, n, 10, 10]` with respect to all 1.1 million parameters.

    library     `linearize.empirical_ntk`, a linear pass for every column
    explicit    `jax.jacrev`, and one product of the Jacobian with itself

The Jacobian takes 2.8 GB at n = 64 and 11 GB at n = 256, where the library goes alone: `jacobian_mb`.

    python -m experiments.benchmarks.ntk
"""

import functools
from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np

from experiments.benchmarks import _timing
from experiments.benchmarks._timing import Row, Variant, compare
from lineage_jax import linearize, models
from lineage_jax.typing import Params

NETWORK = models.fc()


def main() -> list[Row]:
    """Returns a row for each size and variant."""
    rows = []
    for n, rounds, works in ((64, 3, {"library": library, "explicit": explicit}), (256, 1, {"library": library})):
        variants = {
            name: Variant(library="jax", prepare=functools.partial(problem, n), work=work, rounds=rounds)
            for name, work in works.items()
        }
        jacobian = n * NETWORK.num_classes * sum(leaf.size for leaf in jax.tree.leaves(problem(n)[0])) * 4 / 2**20
        rows += [row | {"jacobian_mb": jacobian} for row in compare(f"ntk n={n}", variants, tolerance=1e-3)]
    return rows


@functools.cache
def problem(n: int) -> tuple[Params, jax.Array]:
    """Returns a random network and probes."""
    variables = models.init(NETWORK, jax.random.key(0), (28, 28, 1))
    return jax.block_until_ready((variables, jax.random.normal(jax.random.key(1), (n, 28, 28, 1))))


def library(variables: Params, probes: jax.Array) -> np.ndarray:
    """Computes the kernel in one row of numbers, the first of them from the diagonal."""
    return np.asarray(_compiled(_by_products)(variables, probes)).reshape(1, -1)


def explicit(variables: Params, probes: jax.Array) -> np.ndarray:
    """The same from the Jacobian."""
    return np.asarray(_compiled(_by_jacobian)(variables, probes)).reshape(1, -1)


@functools.cache
def _compiled(kernel: Callable) -> Callable:
    return jax.jit(kernel)


def _by_products(variables: Params, probes: jax.Array) -> jax.Array:
    return linearize.empirical_ntk(NETWORK.apply, variables, probes)


def _by_jacobian(variables: Params, probes: jax.Array) -> jax.Array:
    leaves = jax.tree.leaves(jax.jacrev(NETWORK.apply)(variables, probes))
    flat = [leaf.reshape(*leaf.shape[:2], -1) for leaf in leaves]
    return sum((jnp.einsum("iap,jbp->ijab", leaf, leaf) for leaf in flat), start=jnp.zeros(()))


if __name__ == "__main__":
    _timing.show(main())
