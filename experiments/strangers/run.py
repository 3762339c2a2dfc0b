"""Asks `lineage-jax detect` whose child every published file is (settings: config.py; numbers: README.md).

python -m experiments.strangers.run [--mode smoke] [--out FOLDER]
"""

import collections
import contextlib
import dataclasses
import functools
import io
import json
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import ml_collections
import numpy as np

from experiments.lab import images, published, runs
from experiments.strangers.config import get_config
from lineage_jax import checkpoints, cli, detector
from lineage_jax.checkpoints import Loaded
from lineage_jax.evidence import _answer, _features, _verdict
from lineage_jax.evidence._answer import Answer
from lineage_jax.evidence._verdict import Measured
from lineage_jax.leaves import leaf_paths

QUESTIONS = ("each stranger alone", "all strangers", "everyone else")
"""Which candidates a child is shown with; only the last ones have its parent among them."""


def main() -> None:
    """Runs one mode."""
    config, path, head = runs.begin(__doc__, get_config, folder=Path(__file__).parent)
    done = runs.done_before(path, head["config"])
    for name, record in runs.still_to_do(jobs(config), done):
        done[name] = record
        path.write_text(json.dumps(head | {"runs": done}, indent=1) + "\n")
    runs.console.print(f"wrote {path}")


def jobs(config: ml_collections.ConfigDict) -> dict[str, Callable[[], runs.Record]]:
    """Returns what computes the record of every way to compare."""
    return {path: functools.partial(ask_all, path, config) for path in config.paths}


def ask_all(path: str, config: ml_collections.ConfigDict) -> runs.Record:
    """Asks for every child with each stranger alone, with all of them, and with everyone else if a parent is known.

    A child is compared with all others at once; every question is then answered from the candidates it is about.
    """
    networks = {name: checkpoints.load(path, None) for name, path in published.files(config.folders).items()}
    asked: dict[str, list[dict[str, Any]]] = {question: [] for question in QUESTIONS}
    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stderr(io.StringIO()):
        for child in networks:
            others = [name for name in networks if name != child and alike(path, networks[name], networks[child])]
            strangers = [
                name for name in others if published.kin(name) != published.kin(child) or published.kin(name) is None
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


def alike(path: str, one: Loaded, other: Loaded) -> bool:
    """Tells whether two networks can be compared in some way at all."""
    return path == "weights" or checkpoints.obstacle([one, other]) is None


def detect(
    path: str,
    networks: Mapping[str, Loaded],
    folder: Path,
    config: ml_collections.ConfigDict,
    child: str,
    candidates: list[str],
) -> Answer:
    """Asks as the command does, once files are read."""
    suspect = networks[child]
    asked = checkpoints.Asked(child=child, suspect=suspect, parents={name: networks[name] for name in candidates})
    if path == "weights":
        return cli._detect.by_weights(asked, None, "as the experiment asks")
    if path == "detector":
        opinion = cli._detector.ask(untaught(suspect, folder, config), asked, None, weights_only=True)
        return cli._detect.by_weights(asked, opinion, "as the experiment asks")
    probes = images_for(suspect, folder, config) if path == "features on images" else None
    measures = _features.chosen_measures(list(config.measures))
    return cli._detect.by_features(asked, None, probes, measures, None, cli._app.progress_bar())


def untaught(network: Loaded, folder: Path, config: ml_collections.ConfigDict) -> Path:
    """Writes a detector that has learned nothing, so that what it names is chance; returns where."""
    shapes = {name.removeprefix("params/"): leaf for name, leaf in leaf_paths(variables(network)).items()}
    layer = max(detector.layers_with_kernels(variables(network)), key=lambda name: shapes[f"{name}/kernel"].ndim)
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


def variables(network: Loaded) -> Any:
    """Returns the arrays of a network of known architecture under Flax's names."""
    return checkpoints.to_saved(network).variables


def images_for(network: Loaded, folder: Path, config: ml_collections.ConfigDict) -> Path:
    """Writes the images that networks of one input shape take; returns where."""
    colour = network.input_shape == (32, 32, 3)
    place = folder / f"{'cifar10' if colour else 'mnist'}.npy"
    if not place.exists():
        with np.load(images.root() / "images" / ("cifar10_200.npz" if colour else "mnist.npz")) as arrays:
            pixels = (arrays["x"] if colour else arrays["x_test"][..., None])[: config.images].astype(np.float32) / 255
        np.save(place, (pixels - (0.485, 0.456, 0.406)) / (0.229, 0.224, 0.225) if colour else pixels)
    return place


def verdict(path: str, networks: Mapping[str, Loaded], measured: Measured, candidates: list[str]) -> dict[str, Any]:
    """Returns what is said of a child when it is shown with some of the candidates it was compared with."""
    arrays_of = variables if path.startswith("features") else lambda network: network.tree
    some = dataclasses.replace(
        measured,
        weights=measured.weights.sel(parent=candidates),
        features={name: scores.sel(parent=candidates) for name, scores in measured.features.items()},
        shares=None if measured.shares is None else measured.shares.sel(parent=candidates),
    )
    named = {name: arrays_of(networks[name]) for name in _verdict.relatives(some.weights)}
    found = _answer.conclude(some, named, arrays_of(networks[measured.child]))
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
