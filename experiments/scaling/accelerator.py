"""Pairs a second on an accelerator by precision, beside the rate of a large product of matrices in the same run."""

import statistics
import time
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import ml_collections
import numpy as np

from experiments.scaling.comparison import comparison_of
from lineage_jax import linearize, models, sweep


class Precision(NamedTuple):
    """How products are computed: JAX's name of it, and the type of all arrays; features are compared in float32."""

    products: str
    dtype: Any


PRECISIONS = {
    "float32": Precision("float32", jnp.float32),
    "tf32": Precision("tensorfloat32", jnp.float32),
    "bf16": Precision("bfloat16", jnp.bfloat16),
}


def record(config: ml_collections.ConfigDict) -> dict[str, Any]:
    """Measures every precision; where there is no accelerator, says so instead."""
    if jax.default_backend() == "cpu":
        return {"skipped": "no accelerator: jax.default_backend() is 'cpu'"}
    return {"device": jax.devices()[0].device_kind, "precisions": measured(config)}


def measured(config: ml_collections.ConfigDict) -> dict[str, dict[str, float]]:
    """Returns pairs a second, products, and the share of the one in the other, by precision."""
    found = {}
    for name, (products, dtype) in PRECISIONS.items():
        with jax.default_matmul_precision(products):
            cost, work = scoring(config, dtype)
            seconds = timed(work, rounds=config.rounds)
            rate = products_a_second(config.product, dtype)
        count = config.parents * config.children
        operations = count * cost.pair.operations + config.parents * cost.parent.operations
        found[name] = {
            "pairs_a_second": count / statistics.median(seconds),
            "least": count / max(seconds),
            "most": count / min(seconds),
            "products": rate,
            "share": operations / statistics.median(seconds) / rate,
        }
    return found


def scoring(config: ml_collections.ConfigDict, dtype: Any) -> tuple[sweep.Cost, Callable[[], object]]:
    """Returns what a pair costs, and the scoring of one block whose networks are there and whose children were seen."""
    numbers = np.random.default_rng(0)
    network = getattr(models, config.network)(**config.arguments)
    features = linearize.features_of(network, (config.layer,))
    shapes = jax.eval_shape(lambda key: models.init(network, key, tuple(config.image)), jax.random.key(0))

    def drawn(leaf: jax.ShapeDtypeStruct) -> jax.Array:
        return jnp.asarray(np.abs(numbers.normal(0, 0.05, leaf.shape)), dtype)  # variances are positive

    parents, children = (
        {str(index): jax.tree.map(drawn, shapes) for index in range(count)}
        for count in (config.parents, config.children)
    )
    probes = jnp.asarray(numbers.normal(size=(config.probes, *config.image)), dtype)
    comparison = comparison_of(
        lambda variables, images: features(variables, images),  # no layer is shared, whatever the precision
        parents,
        children,
        probes,
        plan=sweep.Plan(measures=config.measures),
        memory=config.memory,
    )
    ready = comparison.prepare("parent", tuple(parents)), comparison.prepare("child", tuple(children))
    return sweep.cost_of(comparison), lambda: comparison.compare(*ready)


def products_a_second(size: int, dtype: Any) -> float:
    """Returns the floating-point operations a second of a large product of matrices, the fastest of some."""
    square = jnp.ones((size, size), dtype)
    product = jax.jit(jnp.matmul)
    return 2 * size**3 / min(timed(lambda: product(square, square), rounds=5))


def timed(work: Callable[[], object], *, rounds: int) -> list[float]:
    """Returns the seconds of some turns after a first one."""
    jax.block_until_ready(work())
    seconds = []
    for _ in range(rounds):
        start = time.perf_counter()
        jax.block_until_ready(work())
        seconds.append(time.perf_counter() - start)
    return seconds
