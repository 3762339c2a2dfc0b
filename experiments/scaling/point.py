"""One point: the same sweep again and again in a process of its own, beside what the model says of it.

Called by `run.py` with settings as JSON; prints a record. A first sweep compiles and is not counted.
"""

import dataclasses
import hashlib
import itertools
import json
import math
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from experiments.scaling.accelerator import products_a_second, timed
from experiments.scaling.comparison import comparison_of
from lineage_jax import linearize, models, sweep
from lineage_jax.pairs import AtATime
from lineage_jax.typing import Params

IMAGE = (28, 28, 1)


class Files(Mapping[str, Params]):
    """Fully connected networks, a file of plain numbers each, read when they are asked for."""

    def __init__(self, folder: Path, widths: list[int]) -> None:
        self.paths = {path.stem: path for path in sorted(folder.iterdir())}
        self.shapes = list(itertools.pairwise([*widths, 10]))

    def __getitem__(self, name: str) -> Params:
        numbers = np.fromfile(self.paths[name], np.float32)
        layers: dict[str, Params] = {}
        for number, (fan_in, width) in enumerate(self.shapes, start=1):
            kernel, bias, numbers = np.split(numbers, [fan_in * width, (fan_in + 1) * width])
            layers[f"fc{number}"] = {"kernel": kernel.reshape(fan_in, width), "bias": bias}
        return {"params": layers}

    def __iter__(self) -> Iterator[str]:
        return iter(self.paths)

    def __len__(self) -> int:
        return len(self.paths)


def main() -> None:
    """Measures the point that the command line names."""
    print(json.dumps(record(json.loads(sys.argv[1]))))


def record(point: dict[str, Any]) -> dict[str, Any]:
    """Returns pairs a second, measured and predicted, and what both rest on."""
    numbers = np.random.default_rng(0)
    network = models.fc(widths=tuple(point["widths"][1:]))
    features = linearize.features_of(network, network.taps[-1:])
    plan = sweep.Plan(measures=point["measures"], memory=2**31)
    with tempfile.TemporaryDirectory() as folder:
        parents, children = (
            written(numbers, Path(folder) / role, point["widths"], point[role]) for role in ("parents", "children")
        )
        rates = {"products": products_a_second(point["product"], jnp.float32), "reading": bytes_read_a_second(children)}
        probes = jnp.asarray(numbers.normal(size=(point["probes"], *IMAGE)), jnp.float32)
        one = {"any": next(iter(children.values()))}
        cost = sweep.cost_of(comparison_of(features, one, one, probes, plan=plan), file=size_of(children))
        runs = [
            swept(Path(folder) / f"store-{turn}", plan, point, parents, children, probes, features)
            for turn in range(point["rounds"] + 1)
        ]
    return summary(point, cost, rates, runs[1:])


def summary(
    point: dict[str, Any], cost: sweep.Cost, rates: Mapping[str, float], runs: list[dict[str, float]]
) -> dict[str, Any]:
    """Sets the runs beside the model."""
    seconds = [run["seconds"] for run in runs]
    measured = {name: statistics.median(run[name] for run in runs) for name in runs[0]}
    pairs = point["parents"] * point["children"]
    blocks = AtATime(point["parents"], point["at_a_time"])
    mesh = sweep.parsed_mesh(point["mesh"])
    devices = math.prod(mesh.values())
    machine = this_machine(rates, devices)
    times = sweep.block_times(cost, machine, blocks, parents=blocks.parents, mesh=mesh)
    first = (blocks.parents + blocks.children) * cost.file / rates["reading"]  # nothing is computed meanwhile
    count = point["children"] / blocks.children
    expected = first + count * max(times.reading, times.on_devices)
    return {
        "pairs_a_second": pairs / statistics.median(seconds),
        "least": pairs / max(seconds),
        "most": pairs / min(seconds),
        "predicted": pairs / expected,
        "bound": times.bound,
        "in_programs": measured["computed"] / measured["seconds"],
        "waited": measured["waited"] / measured["seconds"],
        "rates": dict(rates),
        "load": os.getloadavg()[0],
        "operations": pairs * cost.pair.operations,
        "read_bytes": measured["read_bytes"],
        "expected_bytes": (point["parents"] + point["children"]) * cost.file,
        "exchanged_bytes": count * devices * times.interconnect * machine.interconnect,
    }


def this_machine(rates: Mapping[str, float], devices: int) -> sweep.Machine:
    """Returns what was measured of this machine; virtual devices share its cores."""
    each = rates["products"] / devices
    return dataclasses.replace(
        sweep.machine_of("cpu"), rates={"float32": each}, bandwidth=float("inf"), reading=rates["reading"]
    )


def written(numbers: np.random.Generator, folder: Path, widths: list[int], count: int) -> Files:
    """Writes random networks."""
    folder.mkdir()
    for index in range(count):
        with (folder / f"{index:05d}.float32").open("wb") as file:
            for fan_in, width in itertools.pairwise([*widths, 10]):
                numbers.normal(0, fan_in**-0.5, (fan_in, width)).astype(np.float32).tofile(file)
                np.zeros(width, np.float32).tofile(file)
    return Files(folder, widths)


def swept(
    folder: Path,
    plan: sweep.Plan,
    point: dict[str, Any],
    parents: Files,
    children: Files,
    probes: jax.Array,
    features: Callable,
) -> dict[str, float]:
    """Sweeps once; returns seconds in all, and what the store's log says of its blocks."""
    mesh = sweep.parsed_mesh(point["mesh"])
    start = time.perf_counter()
    sweep.run(
        plan,
        folder,
        mesh=mesh if math.prod(mesh.values()) > 1 else None,
        parents=parents,
        children=children,
        probes=probes,
        features=features,
        blocks=AtATime(point["parents"], point["at_a_time"]),
    )
    seconds = time.perf_counter() - start
    lines = [json.loads(line) for log in (folder / "runs").iterdir() for line in log.read_text().splitlines()]
    of_blocks = [line for line in lines if "computed" in line]
    summed = {name: sum(line[name] for line in of_blocks) for name in ("computed", "waited", "reading", "read_bytes")}
    return {"seconds": seconds, **summed}


def bytes_read_a_second(files: Files) -> float:
    """Returns the bytes a second of reading, hashing and looking through networks one after another."""

    def read() -> None:
        for name in list(files)[:16]:
            for leaf in jax.tree.leaves(files[name]):
                hashlib.sha256(leaf).digest()
                np.isfinite(leaf).all()

    return min(16, len(files)) * size_of(files) / min(timed(read, rounds=3))


def size_of(files: Files) -> int:
    """Returns the bytes of a file; all have as many."""
    return next(iter(files.paths.values())).stat().st_size


if __name__ == "__main__":
    main()
