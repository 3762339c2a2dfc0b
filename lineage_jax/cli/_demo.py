"""`lineage-jax demo`: a family of digit networks, trained and named on the spot."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lineage_jax.cli._app import app, out, progress_bar
from lineage_jax.cli._destination import check_destination

if TYPE_CHECKING:
    from lineage_jax.detector import Examples, Fitted
    from lineage_jax.population import Family

DEMO_ALPHAS = (0.1, 0.3, 1.0)

LEARNED_FROM, ENDED_BY = (1, 2, 3, 4), 5
"""Seeds of the families that teach the detector, and of the one that says when to end; 0 is the demo's own."""


@app.command()
def demo(
    save: Annotated[Path | None, typer.Option(help="New folder for the networks, for use with `detect`.")] = None,
) -> None:
    """Trains parents and children on scikit-learn's digits and names every child's parent.

    Once more by a detector, which learns from families of other parents on the spot.
    """
    from lineage_jax import data, detector, lineage, linearize, report, similarity

    if save is not None:
        check_destination(save, "folder to save to")
    train, test = data.digits()
    with progress_bar() as bar:
        task = bar.add_task("training 5 parents on the digits 0-4 and 20 children on 5-9", total=None)
        family = digit_family(train, seed=0)
        bar.update(task, description="scoring 100 pairs")
        probes = data.probes(data.select_classes(test, (5, 6, 7, 8, 9)), 128, seed=0)
        scores = lineage.score(
            linearize.features_of(family.network, family.network.taps[-1:]),
            family.parents,
            family.children,
            probes,
            measures=similarity.MEASURES,
            alphas=DEMO_ALPHAS,
            forms=lineage.FORMS,
        ).squeeze("layer")
        weights = lineage.weight_scores(family.parents, family.children).sel(layer="all", measure="weight_l2")
        bar.update(task, description="training 100 more children of other parents, and a detector on them")
        fitted = digit_detector(train, probes)
        learned = detector.probabilities(fitted, looked_at(family, probes))
    decisions = lineage.decide(scores)
    accuracies = lineage.accuracy(decisions, family.truth)
    alpha = lineage.RECOMMENDED_ALPHA["cka"]
    named = decisions.sel(measure="cka", form="taylor", alpha=alpha)
    title = f"parents named by CKA, approximated (Taylor, alpha {alpha:g})"
    out.print(report.decision_table(named, family.truth, title=title))
    out.print(report.accuracy_table(accuracies, title="right parents in %: direct comparison and approximation"))
    count = len(family.truth)
    right, by_weights, by_detector = (
        round(lineage.accuracy(decided, family.truth).item() * count)
        for decided in (named, lineage.decide(weights), lineage.decide(learned))
    )
    out.print(f"{right} of {count} parents named rightly; plain weight distance names {by_weights}.")
    out.print(
        f"A detector that learned from {len(LEARNED_FROM) * count} children of other parents names {by_detector}."
    )
    if save is not None:
        save_family_folders(save, family, probes)
        detector.save_detector(save / "detector", fitted)
        out.print(f"saved; try: lineage-jax detect {example(save, family)}", soft_wrap=True)


def digit_family(train: Any, *, seed: int) -> "Family":
    """Trains a family that is hard for direct comparison: children go far, at a high learning rate."""
    from lineage_jax import data, models, population

    settings = population.FamilySettings(
        num_parents=5,
        children_per_parent=4,
        seed=seed,
        pretraining=population.TrainingSettings(steps=300),
        finetuning=population.TrainingSettings(steps=500, learning_rate=0.1),
    )
    source, target = (data.select_classes(train, digits) for digits in ((0, 1, 2, 3, 4), (5, 6, 7, 8, 9)))
    network = models.fc(num_classes=target.num_classes, widths=(128, 64, 32))
    return population.make_family(network, source, target, settings=settings)


def digit_detector(train: Any, probes: Any) -> "Fitted":
    """Learns to name parents from families with other parents than the demo's; a few passes are enough."""
    from lineage_jax import detector

    *examples, last = (looked_at(digit_family(train, seed=seed), probes) for seed in (*LEARNED_FROM, ENDED_BY))
    module = detector.Detector(weights=("fc3",), features=("relu3",))
    return detector.fit(module, examples, [last], training=detector.DetectorTraining(epochs=3, batch_size=10))


def looked_at(family: "Family", probes: Any) -> "Examples":
    """Shows a detector the last layer before the head."""
    from lineage_jax import detector, linearize

    features = linearize.features_of(family.network, ("relu3",))
    return detector.examples_of(
        family.parents, family.children, family.truth, probes, weights=("fc3",), features=features
    )


def save_family_folders(folder: Path, family: "Family", probes: Any) -> None:
    """Writes every network as a checkpoint of its own, and the probes."""
    import numpy as np

    from lineage_jax import models

    for group in (family.parents, family.children):
        for name in group.names:
            models.save_network(folder / name, family.network, group[name], input_shape=probes.shape[1:])
    np.save(folder / "probes.npy", probes)


def example(folder: Path, family: "Family") -> str:
    """Returns arguments of `detect` that find what was saved."""
    networks = f"--parents {folder}/parent-* --child {folder}/{family.children.names[0]}"
    return f"{networks} --probes {folder}/probes.npy --detector {folder}/detector"
