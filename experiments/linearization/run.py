"""Trains families, measures how well tangents explain them and who is named (settings: config.py; numbers: README.md).

python -m experiments.linearization.run [--mode smoke] [--out FOLDER]
"""

import dataclasses
import functools
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
import ml_collections
import numpy as np

from experiments.lab import runs
from experiments.lab.images import draw_probes, load_family_images
from experiments.linearization import figure
from experiments.linearization.config import get_config
from experiments.linearization.parents import INDEPENDENT, apart, make_parents
from experiments.linearization.recommend import recommend
from lineage_jax import data, lineage, linearize, models, population, similarity
from lineage_jax.typing import Params


@dataclasses.dataclass(frozen=True, kw_only=True)
class Point:
    """One family's place in the study.

    Attributes:
        network: name of the architecture.
        split: `validation` or `test`.
        length: fine-tuning steps.
        learning_rate: of the fine-tuning.
        width: units or channels of the first layer.
        candidates: how the parents came about, of `parents.KINDS`.
    """

    network: str
    split: str
    length: int
    learning_rate: float
    width: int
    candidates: str = INDEPENDENT

    @property
    def name(self) -> str:
        """Names the family."""
        settings = f"length={self.length} lr={self.learning_rate:g} width={self.width}"
        kind = "" if self.candidates == INDEPENDENT else f", {self.candidates}"
        return f"{self.network} {self.split} {settings}{kind}"


def main() -> None:
    """Runs one mode and writes `results/<mode>.json` and its figures; families already in the file are kept."""
    config, path, head = runs.begin(__doc__, get_config, folder=Path(__file__).parent)
    families = done_before(path, head["config"])
    for name, family in run(config, skip=set(families)):
        families[name] = family
        path.write_text(json.dumps(head | {"families": families}, indent=1) + "\n")
    families = {point.name: families[point.name] for point in points(config)}
    result = head | {"recommended": recommend(families, alphas=tuple(config.alphas)), "families": families}
    path.write_text(json.dumps(result, indent=1) + "\n")
    figure.draw(result, path)
    runs.console.print(f"wrote {path} and its figures")


def done_before(path: Path, config: dict[str, Any]) -> dict[str, Any]:
    """Returns the families that an earlier run left, of the networks that are still trained and looked at the same way.

    Which families a network has is no matter of how they are trained: new ones leave the old ones as they are.
    """
    if not path.exists():
        return {}
    before = json.loads(path.read_text())
    same = {name for name in config["networks"] if _how(before["config"], name) == _how(config, name)}
    return {name: family for name, family in before["families"].items() if family["network"] in same}


def _how(config: dict[str, Any], network: str) -> dict[str, Any]:
    settings = config["networks"].get(network, {})
    listed = {key: value for key, value in settings.items() if key not in ("base", "axes", "near")}
    return config | {"networks": listed}


def run(config: ml_collections.ConfigDict, *, skip: set[str]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yields every family's record; parents are trained once for each split, network, width and kind."""
    parents: dict[tuple[str, str, int, str], population.Trained] = {}
    places = [point for point in points(config) if point.name not in skip]
    for number, point in enumerate(places, start=1):
        started = time.perf_counter()
        settings = config.networks[point.network]
        split = config.splits[point.split]
        images = load_family_images(split.source, split.target, pooling=settings.pooling)
        network = build(point, num_classes=images.target.num_classes)
        key = (point.split, point.network, point.width, point.candidates)
        if key not in parents:
            parents[key] = make_parents(point.candidates, network, images.source, settings, seed=split.seed)
        children, truth = finetune(network, parents[key], images.target, point, settings, seed=split.seed)
        probes = draw_probes(images.unseen, config.probes, seed=split.seed)
        record = dataclasses.asdict(point) | {
            "parents trained to": mean(parents[key].accuracy),
            "parents apart": apart(parents[key], head=network.head),
            "children trained to": mean(children.accuracy),
            **tangent_evidence(network, parents[key], children, truth, probes, config),
            "accuracy": detection(network, parents[key], children, truth, probes, config),
            "seconds": round(time.perf_counter() - started, 1),
        }
        runs.console.print(f"{number}/{len(places)} {point.name}: {record['seconds']} s", highlight=False)
        yield point.name, record


def points(config: ml_collections.ConfigDict) -> list[Point]:
    """Lists the families: the base of each network, each axis varied around it, and candidates near each other."""
    found = []
    for split in config.splits:
        for name, settings in config.networks.items():
            base = Point(network=name, split=split, **settings.base.to_dict())
            found.append(base)
            for axis, values in settings.axes.items():
                found += [dataclasses.replace(base, **{axis: value}) for value in values]
            found += [dataclasses.replace(base, **different) for different in settings.near]
    return sorted(found, key=lambda point: (point.network, point.split, point.candidates != INDEPENDENT, point.width))


def build(point: Point, *, num_classes: int) -> nn.Module:
    """Makes the network of a point."""
    if point.network == "fc":
        return models.fc(num_classes=num_classes, widths=(point.width, point.width // 4, point.width // 8))
    return models.cifar_resnet20(num_classes=num_classes, width=point.width)


def finetune(
    network: nn.Module,
    parents: population.Trained,
    images: data.Images,
    point: Point,
    settings: ml_collections.ConfigDict,
    *,
    seed: int,
) -> tuple[population.Trained, dict[str, str]]:
    """Fine-tunes the children of one point."""
    return population.finetune(
        parents,
        network,
        images,
        children_per_parent=settings.children_per_parent,
        seed=seed,
        training=population.TrainingSettings(
            steps=point.length, learning_rate=point.learning_rate, batch_size=settings.batch_size
        ),
    )


def tangent_evidence(
    network: nn.Module,
    parents: population.Trained,
    children: population.Trained,
    truth: dict[str, str],
    probes: jax.Array,
    config: ml_collections.ConfigDict,
) -> dict[str, Any]:
    """Compares every child with its own parent's tangent at every tap; means over the children."""
    every = [
        laziness(parents[truth[name]], children[name], probes, network, tuple(config.along)) for name in children.names
    ]
    average = jax.tree.map(lambda *values: jnp.stack(values).mean(axis=0), *every)
    by_layer = lambda curves: {layer: curves[layer].tolist() for layer in network.taps}  # noqa: E731
    return {
        "weight change": float(average.weight_change),
        "error": by_layer(average.curve.error),
        "explained": by_layer(average.curve.explained),
        "cosine": by_layer(average.curve.cosine),
    }


@functools.partial(jax.jit, static_argnames=("network", "along"))
def laziness(
    parent: Params, child: Params, probes: jax.Array, network: nn.Module, along: tuple[float, ...]
) -> linearize.Laziness:
    """Looks at one pair at every tap; the head, which no tap reads, stays the parent's."""
    features = linearize.features_of(network, network.taps)
    held = (*linearize.HELD, f"params/{network.head}")
    return linearize.laziness(features, parent, child, probes, alphas=along, held=held)


def detection(
    network: nn.Module,
    parents: population.Trained,
    children: population.Trained,
    truth: dict[str, str],
    probes: jax.Array,
    config: ml_collections.ConfigDict,
) -> dict[str, Any]:
    """Scores every pair at the last tap; returns the share of right parents by measure, form and alpha."""
    scores = lineage.score(
        linearize.features_of(network, network.taps[-1:]),
        parents,
        children,
        probes,
        measures={name: similarity.MEASURES[name] for name in config.get("measures", similarity.MEASURES)},
        alphas=tuple(config.alphas),
        forms=lineage.FORMS,
    )
    table = lineage.accuracy(lineage.decide(scores.isel(layer=0)), truth)
    weights = lineage.accuracy(lineage.decide(lineage.weight_scores(parents, children).sel(layer="all")), truth)
    by_measure = {
        measure: {
            "direct": table.sel(measure=measure, form="direct").values[0].item(),
            "taylor": table.sel(measure=measure, form="taylor").values.tolist(),
            "exact": table.sel(measure=measure, form="exact").values.tolist(),
        }
        for measure in table.measure.values.tolist()
    }
    return {
        "features": by_measure,
        "weights": {m: weights.sel(measure=m).item() for m in weights.measure.values.tolist()},
    }


def mean(values: jax.Array) -> float:
    """Returns the mean as a plain number."""
    return float(np.mean(values))


if __name__ == "__main__":
    main()
