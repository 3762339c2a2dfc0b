"""How much memory do the scores of many networks take that are loaded when they are asked for?

1 parent and 10 or 100 children of 15 MiB (two layers of 1,402 by 1,402), 16 probes, l1 direct, at a budget of 16 MiB,
which holds no pair of networks, and of 128 MiB. `peak_mb` is what the process has beyond what it had before; compiling
takes a part of it. `reads` says how often the network that was loaded most was, `ratio` is to the first row's seconds.

    python -m experiments.benchmarks.memory_of_score
"""

import collections
import functools
import warnings
from collections.abc import Iterator, Mapping

import jax
import numpy as np

from experiments.benchmarks import _timing
from experiments.benchmarks._timing import Row, Variant
from lineage_jax import lineage, similarity
from lineage_jax.typing import Inputs, Params

WIDTH = 1402
SETTINGS = [(10, 16), (100, 16), (10, 128), (100, 128)]
"""Children, and MiB of the budget."""


class LazyNetworks(Mapping):
    """Networks that are made whenever they are asked for, as if read from a disk."""

    def __init__(self, count: int) -> None:
        self.names = [str(index) for index in range(count)]
        self.reads: collections.Counter[str] = collections.Counter()

    def __getitem__(self, name: str) -> Params:
        self.reads[name] += 1
        return {layer: np.full((WIDTH, WIDTH), (1 + int(name)) / WIDTH, np.float32) for layer in ("first", "second")}

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
    reads = None if done.scores is None else int(done.scores.max())
    return {
        "bench": "memory_of_score",
        "variant": f"{children} children, budget {budget} MiB",
        "seconds": done.seconds,
        "seconds_min": done.seconds,
        "seconds_max": done.seconds,
        "rounds": 1,
        "peak_mb": done.memory / 2**20,
        "reads": reads,
        **place,
    }


def nothing() -> tuple:
    """Starts JAX, so that what it takes does not count."""
    jax.block_until_ready(jax.numpy.ones(1))
    return ()


def work(children: int, budget: int) -> np.ndarray:
    """Scores all pairs; returns how often each network was read."""
    networks = LazyNetworks(1), LazyNetworks(children)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # that 16 MiB do not hold a pair is the point
        lineage.score(
            features,
            *networks,
            np.ones((16, WIDTH), np.float32),
            measures={"l1": similarity.l1},
            alphas=(0.0,),
            forms=("direct",),
            memory=budget * 2**20,
        )
    return np.array([count for lazy in networks for count in lazy.reads.values()])


if __name__ == "__main__":
    _timing.show(main())
