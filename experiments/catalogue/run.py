"""Looks for the parents of held-out children in a catalogue of thousands, with times and sizes (config.py; README.md).

python -m experiments.catalogue.run [--mode smoke] [--out FOLDER]
"""

import collections
import functools
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import ml_collections
import numpy as np

import converters
from experiments.catalogue.config import get_config
from experiments.catalogue.networks import Child, resnet18, stepped, write_all
from experiments.lab import runs
from lineage_jax import catalogue, checkpoints

COMMAND = "from lineage_jax.cli import main; main()"
LOOKED_AT = 100
"""Hits among which the parent's place is looked up."""

STEP = 0.1
"""How far the second half of the ResNets is from the first, in lengths of every tensor."""


def main() -> None:
    """Runs one mode."""
    config, path, head = runs.begin(__doc__, get_config, folder=Path(__file__).parent)
    with tempfile.TemporaryDirectory() as folder:
        runs.complete(path, head | {"cores": os.cpu_count()}, jobs(config, Path(folder)))
    runs.console.print(f"wrote {path}")


def jobs(config: ml_collections.ConfigDict, folder: Path) -> dict[str, Callable[[], runs.Record]]:
    """Returns what computes the record of the small networks, and of those of ResNet-18's shapes."""
    return {
        "small networks": functools.partial(small_networks, config, folder),
        "ResNet-18": functools.partial(resnets, config, folder),
    }


def small_networks(config: ml_collections.ConfigDict, folder: Path) -> runs.Record:
    """Makes the networks and their catalogue, and looks for the parents of the children that were held out."""
    children = write_all(folder, config)
    made = indexed(folder / "networks", folder / "index")
    opened = catalogue.open(folder / "index")
    places = [places_of(opened, child) for child in children]
    timed = folder / "timed"
    timed.mkdir()
    for file in sorted((folder / "networks").iterdir())[:: max(1, made["networks"] // config.timed)][: config.timed]:
        os.link(file, timed / file.name)
    return {
        **recall(children, places),
        **made,
        "signatures": len(opened.signatures),
        **command_seconds(folder / "index", [child.file for child in children], config.searches),
        "search seconds within a process": search_seconds(opened, children[: config.searches]),
        "reading": rates(timed, folder, config.rounds),
    }


def resnets(config: ml_collections.ConfigDict, folder: Path) -> runs.Record:
    """Measures size and speed on files of ResNet-18's shapes, half of which are a step away from the other half."""
    place, rng = folder / "resnets", np.random.default_rng(config.seed)
    place.mkdir()
    for number in range(config.resnets):
        parent = resnet18(np.random.default_rng(number // 2))
        converters.write(place / f"resnet18-{number}.pth", stepped(parent, STEP, rng) if number % 2 else parent)
    made = indexed(place, folder / "index of resnets")
    return {"accuracy": {}, **made, "reading": rates(place, folder, config.rounds)}


def indexed(place: Path, out: Path) -> dict[str, Any]:
    """Makes a catalogue; returns how much it holds and takes."""
    done = catalogue.index(place, out)
    weights = sum(file.stat().st_size for file in place.iterdir())
    sizes = {"bytes of networks": weights, "bytes of the catalogue": done.bytes}
    return {"networks": done.networks, "failed": len(done.failed), **sizes, "share": done.bytes / weights}


def places_of(opened: catalogue.Catalogue, child: Child) -> tuple[int, int]:
    """Returns the place of a child's parent among the hits, and which it would have by the cosine alone."""
    hits = catalogue.search(opened, child.file, top=LOOKED_AT).hits
    orders = hits, sorted(hits, key=lambda hit: -hit.cosine)
    named = [[hit.path.name for hit in order] for order in orders]
    first, second = ([*names, child.parent].index(child.parent) for names in named)
    return first + 1, second + 1


def recall(children: list[Child], places: list[tuple[int, int]]) -> dict[str, Any]:
    """Returns how often the parent is the first and among the first ten, by how children came about and lie."""
    groups: dict[str, list[tuple[int, int]]] = collections.defaultdict(list)
    for child, found in zip(children, places, strict=True):
        groups[child.group].append(found)
        if "own child" not in child.group:
            groups[child.presented].append(found)
            groups["all but those with a child of their own"].append(found)
    shares = {}
    for group, of_group in groups.items():
        ranked, by_cosine = np.array(of_group).T
        of_ranked = {"at 1": np.mean(ranked == 1).item(), "at 10": np.mean(ranked <= 10).item()}
        shares[group] = of_ranked | {"at 1 by the cosine alone": np.mean(by_cosine == 1).item()}
    return {"accuracy": shares, "children": {group: len(found) for group, found in groups.items()}}


def command_seconds(index: Path, files: list[Path], count: int) -> dict[str, list[float]]:
    """Times the whole command, start-up included, on one child after the other: by the clock and of the processor."""
    clock, processor = [], []
    for file in files[:: max(1, len(files) // count)][:count]:
        command = [sys.executable, "-c", COMMAND, "search", str(index), str(file), "--top", "10"]
        started, before = time.perf_counter(), os.times()
        subprocess.run(command, check=True, capture_output=True)
        after = os.times()
        clock.append(round(time.perf_counter() - started, 3))
        spent = after.children_user + after.children_system - before.children_user - before.children_system
        processor.append(round(spent, 3))
    return {"search seconds": clock, "search processor seconds": processor}


def search_seconds(opened: catalogue.Catalogue, children: list[Child]) -> list[float]:
    """Times searches in a catalogue that is open."""
    seconds = []
    for child in children:
        started = time.perf_counter()
        catalogue.search(opened, child.file)
        seconds.append(round(time.perf_counter() - started, 4))
    return seconds


def rates(place: Path, folder: Path, rounds: int) -> Mapping[str, Any]:
    """Reads networks alone and makes their catalogue, by turns; returns megabytes a second of both.

    Alone is what `index` does for a file but for its fingerprint: reading, summing up, parsing, one file after another.
    """
    files = sorted(place.iterdir())
    size = sum(file.stat().st_size for file in files) / 1e6
    alone, index = [], []
    for number in range(rounds):
        started = time.perf_counter()
        for file in files:
            checkpoints.read(file)
        between = time.perf_counter()
        catalogue.index(place, folder / f"index of {place.name} {number}")
        alone.append(size / (between - started))
        index.append(size / (time.perf_counter() - between))
    ratio = statistics.median(there / here for here, there in zip(alone, index, strict=True))
    return {
        "networks": len(files),
        "megabytes a second alone": [round(each, 1) for each in alone],
        "megabytes a second indexed": [round(each, 1) for each in index],
        "ratio": round(ratio, 3),
    }


if __name__ == "__main__":
    main()
