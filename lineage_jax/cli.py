"""The `lineage-jax` command.

Exit status: 0 done, 2 bad input (one line says what), 1 a fault of the program.
"""

import collections
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

if TYPE_CHECKING:
    import jax
    import xarray

    from lineage_jax.models import SavedNetwork
    from lineage_jax.population import Family
    from lineage_jax.typing import Measure

app = typer.Typer(help="Which network was this one fine-tuned from?", no_args_is_help=True, add_completion=False)
out, err = Console(), Console(stderr=True)

MANY_VALUES = ("--parents", "--measure", "--alpha")
DEFAULT_MEASURES = ("l1", "l2", "cosine", "cka", "dc")
NOISE_PROBES = 256
DEMO_ALPHAS = (0.03, 0.1, 0.5, 1.0)

Scores = dict[str, "xarray.DataArray"]
"""Scores over `parent`, by what kind of score they are."""


def main() -> None:
    """Runs the command; bad input ends in one line on stderr and exit status 2."""
    try:
        app(args=spread(sys.argv[1:]))
    except (ValueError, FileNotFoundError, FileExistsError, NotADirectoryError, IsADirectoryError) as error:
        err.print(f"error: {error}", style="red", markup=False, highlight=False, soft_wrap=True)
        sys.exit(2)


def spread(arguments: list[str]) -> list[str]:
    """Repeats an option before each of its values, so that `--parents a b` reads as `--parents a --parents b`.

    Examples:
        >>> spread(["detect", "--parents", "a", "b", "--child", "c"])
        ['detect', '--parents', 'a', '--parents', 'b', '--child', 'c']
    """
    result: list[str] = []
    option = None
    for before, argument in zip(["", *arguments], arguments, strict=False):
        if argument.startswith("--"):
            option = argument if argument in MANY_VALUES else None
        elif option and before != option:
            result.append(option)
        result.append(argument)
    return result


@app.command()
def detect(
    parents: Annotated[list[Path], typer.Option(help="Checkpoint folders of the candidate parents: A B C ...")],
    child: Annotated[Path, typer.Option(help="Checkpoint folder of the child.")],
    probes: Annotated[Path | None, typer.Option(help="Images: .npy, .npz or IDX(.gz). Default: noise.")] = None,
    measure: Annotated[
        list[str] | None, typer.Option(help="Similarities: l1 l2 lp linf lse cosine cka dc debiased_cka.")
    ] = None,
    alpha: Annotated[
        list[float] | None, typer.Option(help="Strengths of the approximation, >= 0. Default: one for each measure.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
) -> None:
    """Names the parent of a child network among the candidates."""
    measures = chosen_measures(measure or list(DEFAULT_MEASURES))
    with progress_bar() as bar:
        candidates, suspect = load_networks(name_by_folder(parents), child, bar)
        first = next(iter(candidates.values()))
        images, source = read_probes(probes, first)
        layer = first.network.taps[-1]
        kinds = score_against(candidates, suspect, images, layer, measures, alpha, bar)
    caption = f"child {child.name}: features after '{layer}' on {len(images)} probes ({source})"
    if as_json:
        print(json.dumps(summary(child, layer, len(images), source, kinds), indent=1))
        return
    from lineage_jax import report

    out.print(report.score_table(kinds, title=caption))
    prediction, votes, of = vote(kinds)
    out.print(
        f"[bold]{prediction}[/bold] is the most likely parent of {child.name}: {votes} of {of} Taylor scores name it."
    )


@app.command()
def demo(
    save: Annotated[Path | None, typer.Option(help="New folder for the networks, for use with `detect`.")] = None,
) -> None:
    """Trains parents and children on scikit-learn's digits and names every child's parent."""
    from lineage_jax import data, lineage, linearize, report, similarity

    if save is not None and save.exists():
        raise FileExistsError(f"expected a new folder to save to, got {save}, which exists: choose another")
    train, test = data.digits()
    with progress_bar() as bar:
        task = bar.add_task("training 5 parents on the digits 0-4 and 20 children on 5-9", total=None)
        family = digit_family(train)
        bar.update(task, description="scoring 100 pairs")
        probes = data.probes(data.select_classes(test, (5, 6, 7, 8, 9)), 128, seed=0)
        scores = lineage.score(
            linearize.features_of(family.network, family.network.taps[-1:]),
            family.parents,
            family.children,
            probes,
            measures=similarity.MEASURES,
            alphas=DEMO_ALPHAS,
        ).squeeze("layer")
        weights = lineage.weight_scores(family.parents, family.children).sel(layer="all", measure="weight_l2")
    decisions = lineage.decide(scores)
    accuracies = lineage.accuracy(decisions, family.truth)
    alpha = lineage.RECOMMENDED_ALPHA["cosine"]
    named = decisions.sel(measure="cosine", form="taylor", alpha=alpha)
    title = f"parents named by cosine, approximated (alpha {alpha:g})"
    out.print(report.decision_table(named, family.truth, title=title))
    out.print(report.accuracy_table(accuracies, title="right parents in %: direct comparison and approximation"))
    right = round(lineage.accuracy(named, family.truth).item() * len(family.truth))
    by_weights = lineage.accuracy(lineage.decide(weights), family.truth).item()
    out.print(f"{right} of {len(family.truth)} parents named rightly; plain weight distance names {by_weights:.0%}.")
    if save is not None:
        save_family_folders(save, family, probes)


def digit_family(train: Any) -> "Family":
    """Trains a family that is hard for direct comparison: children go far, at a high learning rate."""
    from lineage_jax import data, models, population

    settings = population.FamilySettings(
        num_parents=5,
        children_per_parent=4,
        pretraining=population.Training(steps=300),
        finetuning=population.Training(steps=500, learning_rate=0.1),
    )
    source, target = (data.select_classes(train, digits) for digits in ((0, 1, 2, 3, 4), (5, 6, 7, 8, 9)))
    network = models.fc(num_classes=target.num_classes, widths=(128, 64, 32))
    return population.make_family(network, source, target, settings=settings)


def save_family_folders(folder: Path, family: "Family", probes: Any) -> None:
    """Writes every network as a checkpoint of its own, and the probes."""
    import numpy as np

    from lineage_jax import models

    for group in (family.parents, family.children):
        for name in group.names:
            models.save_network(folder / name, family.network, group[name], input_shape=probes.shape[1:])
    np.save(folder / "probes.npy", probes)
    example = f"--parents {folder}/parent-* --child {folder}/{family.children.names[0]} --probes {folder}/probes.npy"
    out.print(f"saved; try: lineage-jax detect {example}", soft_wrap=True)


def progress_bar() -> Progress:
    """Progress on stderr, gone when done, so that stdout holds the result alone."""
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    return Progress(*columns, console=err, transient=True)


def chosen_measures(names: list[str]) -> "dict[str, Measure]":
    """Looks measures up by name."""
    from lineage_jax import similarity

    for name in names:
        if name not in similarity.MEASURES:
            raise ValueError(f"unknown measure '{name}'; those that exist: {', '.join(similarity.MEASURES)}")
    return {name: similarity.MEASURES[name] for name in names}


def name_by_folder(parents: list[Path]) -> dict[str, Path]:
    """Calls each candidate by its folder's name."""
    if len(parents) < 2:
        raise ValueError(f"expected at least two candidate parents, got {len(parents)}; --parents A B ...")
    counts = collections.Counter(path.resolve().name for path in parents)
    for name, count in counts.items():
        if count > 1:
            raise ValueError(f"candidate parents need different names, {count} are called '{name}'; rename a folder")
    return {path.resolve().name: path for path in parents}


def load_networks(
    candidates: dict[str, Path], child: Path, bar: Progress
) -> "tuple[dict[str, SavedNetwork], SavedNetwork]":
    """Reads all checkpoints, which must be of one architecture up to the number of classes."""
    from lineage_jax import models

    task = bar.add_task("loading", total=len(candidates) + 1)
    loaded: list[SavedNetwork] = []
    for path in [*candidates.values(), child]:
        saved = models.load_network(path)
        like = loaded[0] if loaded else saved
        if saved.network.clone(num_classes=like.network.num_classes) != like.network:
            raise ValueError(f"{path} is of another network: {brief(saved)}, but the first parent is {brief(like)}")
        if saved.input_shape != like.input_shape:
            raise ValueError(f"{path} takes images {saved.input_shape}, but the first parent takes {like.input_shape}")
        loaded.append(saved)
        bar.advance(task)
    return dict(zip(candidates, loaded[:-1], strict=True)), loaded[-1]


def brief(saved: "SavedNetwork") -> str:
    """Says in a few words what a network is."""
    from lineage_jax import models

    return " ".join(str(value) for key, value in models.describe(saved.network).items() if key != "num_classes")


def read_probes(path: Path | None, like: "SavedNetwork") -> "tuple[jax.Array, str]":
    """Reads the probes, or draws noise; says which."""
    import jax

    from lineage_jax import data

    if path is None:
        err.print(f"no --probes given: using {NOISE_PROBES} images of standard-normal noise {like.input_shape}")
        return jax.random.normal(jax.random.key(0), (NOISE_PROBES, *like.input_shape)), "standard-normal noise"
    images = jax.numpy.asarray(data.load_probes(path))
    if images.shape[1:] != like.input_shape:
        raise ValueError(f"expected probes of shape [n, {', '.join(map(str, like.input_shape))}], got {images.shape}")
    return images, str(path)


def score_against(
    candidates: "dict[str, SavedNetwork]",
    suspect: "SavedNetwork",
    images: "jax.Array",
    layer: str,
    measures: "dict[str, Measure]",
    alpha: list[float] | None,
    bar: Progress,
) -> Scores:
    """Scores the child against every candidate: direct and Taylor by each measure, then the weights'."""
    from lineage_jax import lineage, linearize

    roots = {name: saved.variables for name, saved in candidates.items()}
    features = linearize.features_of(next(iter(candidates.values())).network, (layer,))
    alphas = {name: tuple(alpha) if alpha else (lineage.RECOMMENDED_ALPHA[name],) for name in measures}
    task = bar.add_task("scoring", total=len(roots))
    scores = lineage.score(
        features,
        roots,
        {"child": suspect.variables},
        images,
        measures=measures,
        alphas=tuple(sorted({strength for strengths in alphas.values() for strength in strengths})),
        progress=lambda done, _: bar.update(task, completed=done),
    ).sel(child="child", layer=layer)
    weights = lineage.weight_scores(roots, {"child": suspect.variables}).sel(child="child", layer="all")
    kinds: Scores = {}
    for name in measures:
        of_measure = scores.sel(measure=name)
        kinds[f"{name} direct"] = of_measure.sel(form="direct").isel(alpha=0)
        for strength in alphas[name]:
            kinds[f"{name} taylor {strength:g}"] = of_measure.sel(form="taylor", alpha=strength)
    for name in weights["measure"].values.tolist():
        kinds[name.replace("_", " ")] = weights.sel(measure=name)
    return kinds


def vote(kinds: Scores) -> tuple[str, int, int]:
    """Returns the parent that most Taylor scores name (the first of them at a tie), how many do, and of how many."""
    from lineage_jax import lineage

    named = [lineage.decide(scores).prediction.item() for kind, scores in kinds.items() if "taylor" in kind]
    prediction, votes = collections.Counter(named).most_common(1)[0]
    return prediction, votes, len(named)


def summary(child: Path, layer: str, count: int, source: str, kinds: Scores) -> dict[str, Any]:
    """Collects everything the table says, for programs."""
    from lineage_jax import lineage

    prediction, votes, of = vote(kinds)
    rows = []
    for kind, scores in kinds.items():
        decision = lineage.decide(scores)
        rows.append(
            {
                "score": kind,
                "prediction": decision.prediction.item(),
                "margin": decision.margin.item(),
                "ranking": decision.ranking.values.tolist(),
                "by parent": {parent: scores.sel(parent=parent).item() for parent in scores["parent"].values.tolist()},
            }
        )
    return {
        "child": child.name,
        "prediction": prediction,
        "named by": {"scores": votes, "of": of},
        "layer": layer,
        "probes": {"count": count, "source": source},
        "scores": rows,
    }
