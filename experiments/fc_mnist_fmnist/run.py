"""Trains the families, scores every pair, writes the table (settings: config.py; numbers: README.md).

python -m experiments.fc_mnist_fmnist.run [--mode smoke] [--out FOLDER]
"""

import json
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import jax
import ml_collections
import numpy as np
import xarray

from experiments.fc_mnist_fmnist.config import get_config
from experiments.fc_mnist_fmnist.figure import draw
from experiments.lab import runs
from experiments.lab.images import FamilyImages, draw_probes, load_family_images
from experiments.lab.pretraining import pretrain
from lineage_jax import data, lineage, linearize, models, population, report, similarity


def main() -> None:
    """Runs one mode and writes `results/<mode>.json` and its figure."""
    config, path, head = runs.begin(__doc__, get_config, folder=Path(__file__).parent)
    images = load_family_images("mnist", "fashion_mnist", pooling=1)
    for variants in run(config, images):  # written after each variant, so that an interrupted run keeps the rest
        path.write_text(json.dumps(head | {"variants": variants}, indent=1) + "\n")
    draw(variants, path.with_suffix(".png"))
    runs.console.print(f"wrote {path} and {path.with_suffix('.png')}")


def run(config: ml_collections.ConfigDict, images: FamilyImages) -> Iterator[dict[str, Any]]:
    """Runs every variant and yields the results so far; parents are trained once for each way of making them."""
    network = models.fc(num_classes=images.target.num_classes, widths=tuple(config.widths))
    probes = draw_probes(images.unseen, config.probes, seed=config.seed)
    parents: dict[str, population.Trained] = {}
    variants: dict[str, Any] = {}
    for name, variant in config.variants.items():
        started = time.perf_counter()
        if variant.parents not in parents:
            runs.console.print(f"{name}: training {config.parents} parents ({variant.parents})")
            parents[variant.parents] = pretrain(
                variant.parents,
                network,
                images.source,
                count=config.parents,
                seed=config.seed,
                training=settings_of(config.pretrain),
            )
        runs.console.print(f"{name}: fine-tuning {config.parents * config.children_per_parent} children")
        children, truth = finetune(network, parents[variant.parents], images.target, variant, config)
        runs.console.print(f"{name}: scoring every pair, {time.perf_counter() - started:.0f} s so far")
        scores, weights = score(network, parents[variant.parents], children, probes, config)
        table = lineage.accuracy(lineage.decide(scores), truth)
        variants[name] = {
            "parents trained to": spread(parents[variant.parents].accuracy),
            "children trained to": spread(children.accuracy),
            "children on unseen images": spread(population.accuracy(network, children, images.unseen)),
            "accuracy": accuracies(table),
            "weights": weight_accuracies(weights, truth),
            "seconds": round(time.perf_counter() - started, 1),
        }
        show(name, variants[name], table)
        yield variants


def settings_of(training: ml_collections.ConfigDict) -> population.TrainingSettings:
    """Turns the configured training into the library's."""
    return population.TrainingSettings(**training.to_dict())


def finetune(
    network: models.FC,
    parents: population.Trained,
    images: data.Images,
    variant: ml_collections.ConfigDict,
    config: ml_collections.ConfigDict,
) -> tuple[population.Trained, dict[str, str]]:
    """Fine-tunes all children of one variant in one program."""
    draws = population.FamilySettings(
        num_parents=config.parents,
        children_per_parent=config.children_per_parent,
        seed=config.seed,
        few_shot=variant.few_shot or None,
        imbalance=variant.imbalance if variant.imbalance > 1 else None,
    )
    return population.finetune(
        parents,
        network,
        images,
        children_per_parent=config.children_per_parent,
        seed=config.seed,
        training=settings_of(variant.finetune),
        subsets=population.subsets_of(draws, images),
    )


def score(
    network: models.FC,
    parents: population.Trained,
    children: population.Trained,
    probes: jax.Array,
    config: ml_collections.ConfigDict,
) -> tuple[xarray.DataArray, xarray.DataArray]:
    """Scores every pair in feature space and in weight space."""
    scores = lineage.score(
        linearize.features_of(network, (config.layer,)),
        parents,
        children,
        probes,
        measures=similarity.MEASURES,
        alphas=tuple(config.alphas),
        forms=lineage.FORMS,
    )
    return scores.sel(layer=config.layer), lineage.weight_scores(parents, children).sel(layer="all")


def accuracies(table: xarray.DataArray) -> dict[str, Any]:
    """Returns top-1 accuracy by measure: direct, and by alpha for the Taylor and exact forms."""
    alphas = table.alpha.values.tolist()
    return {
        measure: {
            "direct": table.sel(measure=measure, form="direct", alpha=alphas[0]).item(),
            **{
                form: {f"{alpha:g}": table.sel(measure=measure, form=form, alpha=alpha).item() for alpha in alphas}
                for form in ("taylor", "exact")
            },
        }
        for measure in table.measure.values.tolist()
    }


def weight_accuracies(weights: xarray.DataArray, truth: Mapping[str, str]) -> dict[str, float]:
    """Returns top-1 accuracy of the weight-space baselines."""
    table = lineage.accuracy(lineage.decide(weights), truth)
    return {measure: table.sel(measure=measure).item() for measure in table.measure.values.tolist()}


def spread(values: jax.Array) -> dict[str, float]:
    """Returns mean, smallest and largest."""
    return {"mean": float(np.mean(values)), "min": float(np.min(values)), "max": float(np.max(values))}


def show(name: str, result: dict[str, Any], table: xarray.DataArray) -> None:
    """Prints the table of one variant."""
    runs.console.print(report.accuracy_table(table, title=f"{name}: top-1 accuracy in % ({result['seconds']} s)"))
    runs.console.print({key: value for key, value in result.items() if key != "accuracy"})


if __name__ == "__main__":
    main()
