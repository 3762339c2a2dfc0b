"""Trains families and detectors, and names every parent in six ways (settings: config.py; numbers: README.md).

python -m experiments.detector_fc.run [--mode smoke] [--out FOLDER]
"""

import argparse
import dataclasses
import functools
import json
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import ml_collections
import numpy as np
import xarray
from rich.console import Console

from experiments._images import load, pooled
from experiments.detector_fc import figure
from experiments.detector_fc.config import MODES, get_config
from lineage_jax import data, detector, lineage, linearize, models, population, similarity

HERE = Path(__file__).parent
console = Console()


@dataclasses.dataclass(frozen=True, kw_only=True)
class Family:
    """Networks with their truth, and what is looked at."""

    network: models.FC
    parents: population.Trained
    children: population.Trained
    truth: dict[str, str]
    probes: jax.Array
    examples: detector.Examples


def main() -> None:
    """Runs one mode and writes `results/<mode>.json` and its figure; what is already in the file is kept."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mode", choices=MODES, default="full")
    parser.add_argument("--out", type=Path, default=HERE / "results", help="folder of the results")
    arguments = parser.parse_args()
    config = get_config(arguments.mode)
    arguments.out.mkdir(parents=True, exist_ok=True)
    path = arguments.out / f"{arguments.mode}.json"
    head = {
        "config": json.loads(config.to_json()),
        "versions": {"jax": jax.__version__},
        "device": jax.devices()[0].device_kind,
    }
    runs = done_before(path, head["config"])
    for name, record in run(config, skip=set(runs)):
        runs[name] = record
        path.write_text(json.dumps(head | {"runs": runs}, indent=1) + "\n")
    figure.draw(runs, path.with_suffix(".png"))
    console.print(f"wrote {path} and {path.with_suffix('.png')}")


def done_before(path: Path, config: dict[str, Any]) -> dict[str, Any]:
    """Returns the records that an earlier run of the same settings left."""
    if not path.exists():
        return {}
    before = json.loads(path.read_text())
    return before["runs"] if before["config"] == config else {}


def run(config: ml_collections.ConfigDict, *, skip: set[str]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yields a record for each variant and seed."""
    for variant in config.variants:
        for seed in config.seeds:
            name = f"{variant} {seed}"
            if name not in skip:
                started = time.perf_counter()
                record = compare(variant, seed, config)
                record["seconds"] = round(time.perf_counter() - started, 1)
                show(name, record)
                yield name, record


def compare(variant: str, seed: int, config: ml_collections.ConfigDict) -> dict[str, Any]:
    """Trains a family and a detector on it; returns the accuracy of every method on the test and unseen children."""
    family = make_family(variant, seed, config.family, config)
    parts = detector.split([family.examples], seed=seed)
    started = time.perf_counter()
    fitted = detector.fit(
        detector.Detector(weights=(config.weights,), features=(config.features,)),
        parts.train,
        parts.validation,
        training=detector.Training(seed=seed, **config.detector.to_dict()),
    )
    seconds = time.perf_counter() - started
    chosen = choose(named(family, only=parts.validation[0].child_names, config=config))
    accuracy = {"test": methods(family, fitted, chosen, config, only=parts.test[0].child_names)}
    for name, settings in config.unseen.items():
        unseen = make_family(variant, seed + 1000, settings, config)
        accuracy[name] = methods(unseen, fitted, chosen, config, only=unseen.children.names)
    judged = detector.judge(fitted.detector, fitted.variables, parts.test)
    return {
        "variant": variant,
        "seed": seed,
        "children trained to": float(np.mean(family.children.accuracy)),
        "chosen": chosen,
        "accuracy": accuracy,
        "temperature": fitted.temperature,
        "calibration error": detector.evaluate(judged, temperature=fitted.temperature).calibration_error,
        "detector epochs": len(fitted.history),
        "detector seconds": round(seconds, 1),
    }


def make_family(
    variant: str, seed: int, settings: ml_collections.ConfigDict, config: ml_collections.ConfigDict
) -> Family:
    """Trains parents and children, and looks at them; probes are test images that no child has seen."""
    source, _ = load_pooled(settings.source, pooling=config.pooling)
    target, unseen = load_pooled(settings.target, pooling=config.pooling)
    network = models.fc(target.num_classes, widths=[settings.widen * width for width in config.widths])
    parents = pretrain(variant, seed, network, source, settings.parents, config)
    children, truth = population.finetune(
        parents,
        network,
        target,
        children_per_parent=settings.children_per_parent,
        seed=seed,
        training=population.Training(**config.finetune.to_dict()),
    )
    probes = jnp.asarray(data.probes(unseen, config.probes, seed=seed))
    features = linearize.features_of(network, (config.features,))
    examples = detector.examples_of(parents, children, truth, probes, weights=(config.weights,), features=features)
    return Family(network=network, parents=parents, children=children, truth=truth, probes=probes, examples=examples)


@functools.cache
def load_pooled(name: str, *, pooling: int) -> tuple[data.Images, data.Images]:
    """Reads training and test images and pools their pixels."""
    train, test = load(name)
    return pooled(train, pooling), pooled(test, pooling)


def pretrain(
    variant: str, seed: int, network: models.FC, images: data.Images, count: int, config: ml_collections.ConfigDict
) -> population.Trained:
    """Trains parents from one random start (`shared-init`), or takes `checkpoints` of one run."""
    training = population.Training(**config.pretrain.to_dict())
    if variant == "checkpoints":
        training = dataclasses.replace(training, steps=-(-training.steps // count) * count)
        return population.pretrain_checkpoints(network, images, num_parents=count, seed=seed, training=training)
    return population.pretrain(network, images, num_parents=count, seed=seed, training=training, shared_init=True)


def named(family: Family, *, only: tuple[str, ...], config: ml_collections.ConfigDict) -> dict[str, dict[str, float]]:
    """Returns the accuracy of every setting of every learning-free method on some of the children."""
    children = family.children.select(only)
    scores = lineage.score(
        linearize.features_of(family.network, (config.features,)),
        family.parents,
        children,
        family.probes,
        measures=similarity.MEASURES,
        alphas=tuple(config.alphas),
        forms=lineage.FORMS,
    ).isel(layer=0)
    weights = lineage.weight_scores(family.parents, children)
    table = lineage.accuracy(lineage.decide(scores), family.truth)
    of_weights = lineage.accuracy(lineage.decide(weights), family.truth)
    layer = next(name for name in weights.layer.values.tolist() if name.endswith(config.weights))
    return {
        **{form: settings_of(table.sel(form=form), ("measure", "alpha")) for form in lineage.FORMS},
        "weights, all": settings_of(of_weights.sel(layer="all"), ("measure",)),
        f"weights, {config.weights}": settings_of(of_weights.sel(layer=layer), ("measure",)),
    }


def settings_of(table: xarray.DataArray, axes: tuple[str, ...]) -> dict[str, float]:
    """Returns accuracy by setting, such as `cka 0.3`."""
    flat = table.stack(setting=axes).dropna("setting")
    names = [" ".join(f"{part:g}" if isinstance(part, float) else part for part in at) for at in flat.setting.values]
    return dict(zip(names, flat.values.tolist(), strict=True))


def choose(accuracy: Mapping[str, Mapping[str, float]]) -> dict[str, str]:
    """Returns each method's best setting; the first of those that are equally good."""
    return {method: max(settings, key=lambda name: settings[name]) for method, settings in accuracy.items()}


def methods(
    family: Family,
    fitted: detector.Fitted,
    chosen: Mapping[str, str],
    config: ml_collections.ConfigDict,
    *,
    only: tuple[str, ...],
) -> dict[str, float]:
    """Returns the accuracy of every method, at its chosen setting, on some of the children."""
    free = named(family, only=only, config=config)
    places = np.array([family.children.names.index(name) for name in only])
    judged = detector.judge(fitted.detector, fitted.variables, [family.examples.select(places)])
    return {method: free[method][chosen[method]] for method in free} | {"detector": detector.evaluate(judged).accuracy}


def show(name: str, record: dict[str, Any]) -> None:
    """Prints one record."""
    console.print(f"{name}: {record['seconds']} s, detector {record['detector seconds']} s", highlight=False)
    for children, accuracy in record["accuracy"].items():
        row = ", ".join(f"{method} {100 * value:.0f}" for method, value in accuracy.items())
        console.print(f"  {children}: {row}", highlight=False)


if __name__ == "__main__":
    main()
