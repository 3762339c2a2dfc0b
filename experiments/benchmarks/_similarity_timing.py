"""Times a similarity of the library beside packages, on the same two feature matrices."""

import functools
from collections.abc import Callable

import jax
import numpy as np

from experiments.benchmarks._packages import Package
from experiments.benchmarks._timing import Row, Variant, compare
from lineage_jax.typing import Measure


def features(n: int, d: int) -> tuple[np.ndarray, np.ndarray]:
    """Returns two correlated Gaussian feature matrices, float32."""
    random = np.random.default_rng(0)
    a, b = random.standard_normal((2, n, d), dtype=np.float32)
    return a, a + b


def compare_similarity(
    bench: str, ours: Measure, packages: dict[str, Package], *, n: int, d: int, rounds: int, tolerance: float = 1e-3
) -> list[Row]:
    """Times the library against packages on the same features; the library is the reference.

    Every package takes the float32 features and computes in the precision that it chooses; float32 and float64, and an
    RBF median of some pairs or of all, agree to `tolerance`.
    """
    variants = {
        "library": Variant(
            library="jax",
            prepare=functools.partial(_on_device, n, d),
            work=functools.partial(_ours, ours),
            rounds=rounds,
        )
    }
    for name, package in packages.items():
        variants[name] = Variant(
            library=name,
            prepare=functools.partial(features, n, d),
            work=functools.partial(_theirs, package),
            rounds=rounds,
        )
    return compare(bench, variants, tolerance=tolerance)


@functools.cache
def _compiled(measure: Measure) -> Callable:
    return jax.jit(measure)


def _on_device(n: int, d: int) -> tuple[jax.Array, jax.Array]:
    a, b = features(n, d)
    return jax.block_until_ready((jax.device_put(a), jax.device_put(b)))


def _ours(measure: Measure, a: jax.Array, b: jax.Array) -> np.ndarray:
    return np.asarray(_compiled(measure)(a, b))[None]


def _theirs(package: Package, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return np.asarray(package(a, b), np.float64).reshape(1)
