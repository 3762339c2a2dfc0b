"""How long does it take to read off a large program what may be permuted, and to find how a network was?

groups    `symmetry.groups` of ResNet-50 and of ViT-B/16
match     `symmetry.match` of a random network of these and its child, whose units were then permuted and rescaled at
          random; every unit is found

`cpu_seconds` are those of the processor, of all cores; `ratio` is to the first row's seconds.

    python -m experiments.benchmarks.match_units
"""

import functools
import statistics
from collections.abc import Callable

import jax
import numpy as np

from experiments.benchmarks import _timing
from experiments.benchmarks._random_networks import random_networks
from experiments.benchmarks._timing import Row, Variant
from lineage_jax import models, symmetry
from lineage_jax.typing import Params

ROUNDS = 3
NETWORKS = {
    "resnet50": (models.resnet50(), (64, 64, 3)),
    "vit_base_patch16": (models.vit_base_patch16(), (224, 224, 3)),
}


def main() -> list[Row]:
    """Returns a row for each network and question, each network in a fresh process."""
    rows = [row for name in NETWORKS for row in _rows(name)]
    return [row | {"ratio": row["seconds"] / rows[0]["seconds"]} for row in rows]


def _rows(name: str) -> list[Row]:
    found = []
    for question, (prepare, work) in QUESTIONS.items():
        variant = Variant(
            library="jax",
            prepare=functools.partial(prepare, name),
            work=functools.partial(work, name),
            rounds=ROUNDS,
        )
        with _timing.worker() as process:
            runs = [process.submit(_timing.run, variant).result() for _ in range(ROUNDS)]
            place = process.submit(_timing.environment).result()
        seconds = [run.seconds for run in runs]
        found.append(
            {
                "bench": f"match_units {name}",
                "variant": question,
                "seconds": statistics.median(seconds),
                "seconds_min": min(seconds),
                "seconds_max": max(seconds),
                "cpu_seconds": statistics.median(run.cpu_seconds for run in runs),
                "rounds": ROUNDS,
                "peak_mb": max(run.memory for run in runs) / 2**20,
                **place,
            }
        )
    return found


def nothing(name: str) -> tuple:
    """Starts JAX, so that what it takes does not count."""
    jax.block_until_ready(jax.numpy.ones(1))
    return ()


def groups(name: str) -> None:
    """Reads the groups off the program."""
    _groups(name)


@functools.cache
def laundered(name: str) -> tuple[Params, Params, symmetry.Groups, np.ndarray]:
    """Returns a network, its child in another order, the groups of both, and the order that brings the child back."""
    network, image = NETWORKS[name]
    parents, children, _ = random_networks(network, image, parents=1, children=1, probes=1)
    (parent,), (child,) = parents.values(), children.values()
    found = _groups(name)
    element = symmetry.random(jax.random.key(0), found)
    return parent, symmetry.apply_on_host(child, found, element), found, np.asarray(symmetry.inverse(element).order)


def match(name: str, parent: Params, child: Params, found: symmetry.Groups, order: np.ndarray) -> None:
    """Finds the order again.

    Raises:
        RuntimeError: If a unit is not found.
    """
    wrong = int((symmetry.match(parent, child, found).order != order).sum())
    if wrong:
        raise RuntimeError(f"{name}: expected every unit to be found, {wrong} of {found.slots} slots were not")


def _groups(name: str) -> symmetry.Groups:
    network, image = NETWORKS[name]
    shapes = jax.eval_shape(lambda: models.init(network, jax.random.key(0), image))
    return symmetry.groups(network.apply, shapes, jax.ShapeDtypeStruct((1, *image), np.float32))


QUESTIONS: dict[str, tuple[Callable[[str], tuple], Callable[..., None]]] = {
    "groups": (nothing, groups),
    "match": (laundered, match),
}


if __name__ == "__main__":
    _timing.show(main())
