"""Asks `lineage-jax detect` whose child every published file is (settings: config.py; numbers: README.md).

python -m experiments.strangers.run [--mode smoke] [--out FOLDER]
"""

import collections
import functools
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import ml_collections
import numpy as np

from experiments.lab import images, published, runs
from experiments.strangers.config import get_config
from lineage_jax import checkpoints, detector, evidence
from lineage_jax.checkpoints import LoadedNetwork
from lineage_jax.leaves import leaf_paths

QUESTIONS = ("each stranger alone", "all strangers", "everyone else")
"""Which candidates a child is shown with; only the last ones have its parent among them."""


def main() -> None:
    """Runs one mode."""
    config, path, head = runs.begin(__doc__, get_config, folder=Path(__file__).parent)
    runs.complete(path, head, jobs(config))
    runs.console.print(f"wrote {path}")


def jobs(config: ml_collections.ConfigDict) -> dict[str, Callable[[], runs.Record]]:
    """Returns what computes the record of every way to compare."""
    return {path: functools.partial(ask_all, path, config) for path in config.paths}


def ask_all(path: str, config: ml_collections.ConfigDict) -> runs.Record:
    """Asks for every child with each stranger alone, with all of them, and with everyone else if a parent is known.

    A child is compared with all others at once; every question is then answered from the candidates it is about.
    """
    networks = dict(checkpoints.load_many(published.files(config.folders)))
    asked: dict[str, list[dict[str, Any]]] = {question: [] for question in QUESTIONS}
    with tempfile.TemporaryDirectory() as folder:
        for child in networks:
            others = [name for name in networks if name != child and alike(path, networks[name], networks[child])]
            strangers = [
                name
                for name in others
                if published.group_of(name) != published.group_of(child) or published.group_of(name) is None
            ]
            if not others:
                continue
            measured = detect(path, networks, Path(folder), config, child, others).measured
            ask = functools.partial(verdict, path, networks, measured)
            asked["each stranger alone"] += [ask([name]) for name in strangers]
            asked["all strangers"] += [ask(strangers)] if len(strangers) > 1 else []
            if (
                published.parent_of(child) in others and path != "detector"
            ):  # one that learned nothing chooses among relatives
                asked["everyone else"].append(ask(others))
    return {"path": path, "files": len(networks), **summary(asked)}


def alike(path: str, one: LoadedNetwork, other: LoadedNetwork) -> bool:
    """Tells whether two networks can be compared in some way at all."""
    return path == "weights" or checkpoints.obstacle([one, other]) is None


def detect(
    path: str,
    networks: Mapping[str, LoadedNetwork],
    folder: Path,
    config: ml_collections.ConfigDict,
    child: str,
    candidates: list[str],
) -> evidence.Answer:
    """Asks as the command does, once files are read."""
    suspect, others = networks[child], {name: networks[name] for name in candidates}
    taught = untaught(suspect, folder, config) if path == "detector" else None
    probes = images_for(suspect, folder, config) if path == "features on images" else None
    by_weights = path in ("weights", "detector")
    return evidence.detect(others, suspect, probes, taught, measures=config.measures, weights_only=by_weights)


def untaught(network: LoadedNetwork, folder: Path, config: ml_collections.ConfigDict) -> Path:
    """Writes a detector that has learned nothing, so that what it names is chance; returns where."""
    shapes = {name.removeprefix("params/"): leaf for name, leaf in leaf_paths(network.variables).items()}
    layer = max(detector.layers_with_kernels(network.variables), key=lambda name: shapes[f"{name}/kernel"].ndim)
    place = folder / layer.replace("/", "-")
    if not place.exists():
        module = detector.Detector(weights=(layer,), features=())
        fitted = detector.Fitted(
            detector=module,
            variables=detector.init(module, config.detector_seed),
            temperature=1.0,
            training=detector.DetectorTraining(),
            history=(),
        )
        detector.save_detector(place, fitted)
    return place


def images_for(network: LoadedNetwork, folder: Path, config: ml_collections.ConfigDict) -> Path:
    """Writes the images that networks of one input shape take; returns where."""
    colour = network.input_shape == (32, 32, 3)
    place = folder / f"{'cifar10' if colour else 'mnist'}.npy"
    if not place.exists():
        with np.load(images.root() / "images" / ("cifar10_200.npz" if colour else "mnist.npz")) as arrays:
            pixels = (arrays["x"] if colour else arrays["x_test"][..., None])[: config.images].astype(np.float32) / 255
        np.save(place, (pixels - (0.485, 0.456, 0.406)) / (0.229, 0.224, 0.225) if colour else pixels)
    return place


def verdict(
    path: str, networks: Mapping[str, LoadedNetwork], measured: evidence.Measured, candidates: list[str]
) -> dict[str, Any]:
    """Returns what is said of a child when it is shown with some of the candidates it was compared with."""
    some = measured.select(candidates)
    compared = {
        name: networks[name].variables if path.startswith("features") else networks[name].tree
        for name in (measured.child, *candidates)
    }
    found = evidence.conclude(some, compared, compared[measured.child])
    cosine = some.weights["centred_kernel_cosine"].sel(parent=found.nearest).item()
    return {
        "child": measured.child,
        "named": found.prediction,
        "relation": found.relation,
        "nearest": found.nearest,
        "nearest cosine": cosine,
    }


def summary(asked: Mapping[str, list[dict[str, Any]]]) -> dict[str, Any]:
    """Counts the answers, and keeps those that are wrong."""
    found: dict[str, Any] = {"accuracy": {}, "asked": {}, "relations": {}, "wrong": []}
    for question, rows in asked.items():
        if rows:
            right = [
                r["named"] == (published.parent_of(r["child"]) if question == "everyone else" else None) for r in rows
            ]
            found["accuracy"][question] = {"right": float(np.mean(right))}
            found["asked"][question] = len(rows)
            found["relations"][question] = dict(collections.Counter(r["relation"] for r in rows).most_common())
            found["wrong"] += [r for r, is_right in zip(rows, right, strict=True) if not is_right]
    compared = [r["nearest cosine"] for r in asked["each stranger alone"] if r["relation"] != "cannot be compared"]
    return found | {"largest cosine of a stranger": max(compared, default=0.0)}


if __name__ == "__main__":
    main()
