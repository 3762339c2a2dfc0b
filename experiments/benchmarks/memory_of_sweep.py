"""How much memory does a sweep take of networks that are read when they are asked for, and a longer one?

4 parents and 10 or 200 children of 7.9 MB (two layers of 1,402 by 702), made whenever they are asked for as if read
from a disk; 16 probes, l1 direct, at budgets of 128 and 256 MiB. `peak_mb` is what a fresh process has beyond what it
had once JAX was started; compiling takes a part of it. `within` is its share of the budget.

    python -m experiments.benchmarks.memory_of_sweep
"""

import functools
import itertools
import tempfile
from collections.abc import Iterator, Mapping
from typing import Any

import jax
import numpy as np

from experiments.benchmarks import _timing
from experiments.benchmarks._timing import Row, Variant
from lineage_jax import sweep
from lineage_jax.typing import Inputs, Params

WIDTHS = (1402, 702, 1402)
PARENTS = 4
SETTINGS = [(10, 128), (200, 128), (10, 256), (200, 256)]
"""Children, and MiB of the budget."""


class LazyNetworks(Mapping):
    """Networks that are made whenever they are asked for."""

    def __init__(self, letter: str, count: int) -> None:
        self.names = [f"{letter}{index}" for index in range(count)]

    def __getitem__(self, name: str) -> Params:
        shapes = dict(zip(("first", "second"), itertools.pairwise(WIDTHS), strict=True))
        return {layer: np.full(shape, (1 + int(name[1:])) / WIDTHS[0], np.float32) for layer, shape in shapes.items()}

    def __iter__(self) -> Iterator[str]:
        return iter(self.names)

    def __len__(self) -> int:
        return len(self.names)


def features(params: Params, x: Inputs) -> jax.Array:
    return jax.numpy.tanh(x @ params["first"]) @ params["second"]


def main() -> list[Row]:
    """Returns a row for each setting, measured once in a fresh process."""
    rows = [_row(children, budget) for children, budget in SETTINGS]
    return [row | {"ratio": row["seconds"] / rows[0]["seconds"]} for row in rows]


def _row(children: int, budget: int) -> Row:
    variant = Variant(library="jax", prepare=nothing, work=functools.partial(work, children, budget), rounds=1)
    with _timing.worker() as process:
        done = process.submit(_timing.run, variant).result()
        place = process.submit(_timing.environment).result()
    return {
        "bench": "memory_of_sweep",
        "variant": f"{PARENTS} x {children} networks, budget {budget} MiB",
        "seconds": done.seconds,
        "seconds_min": done.seconds,
        "seconds_max": done.seconds,
        "rounds": 1,
        "peak_mb": done.memory / 2**20,
        "within": done.memory / 2**20 / budget,
        **place,
    }


def nothing() -> tuple:
    """Starts JAX, so that what it takes does not count, and imports what a sweep does."""
    import grain  # noqa: F401
    import xarray  # noqa: F401
    import zarr  # noqa: F401

    jax.block_until_ready(jax.numpy.ones(1))
    return ()


def work(children: int, budget: int) -> None:
    """Sweeps all pairs."""
    plan = sweep.Plan(measures=("l1",), alphas=(0.0,), forms=("direct",), memory=budget * 2**20)
    given: dict[str, Any] = {"parents": LazyNetworks("p", PARENTS), "children": LazyNetworks("c", children)}
    with tempfile.TemporaryDirectory() as folder:
        sweep.run(plan, f"{folder}/store", probes=np.ones((16, WIDTHS[0]), np.float32), features=features, **given)


if __name__ == "__main__":
    _timing.show(main())
