"""`lineage-jax detect`: the parent of a child among candidates."""

import collections
import json
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.progress import Progress

from lineage_jax.cli import _features
from lineage_jax.cli._answer import Answer, choose, summary, votes_for
from lineage_jax.cli._app import app, out, progress_bar, say, show
from lineage_jax.cli._detector import ask, decided
from lineage_jax.cli._networks import Loaded, load, name_of, obstacle, to_saved

DEFAULT_MEASURES = ("l1", "l2", "cosine", "cka", "dc")


@app.command()
def detect(
    parents: Annotated[list[Path], typer.Option(help="Candidates, checkpoint folders or PyTorch files: A B C ...")],
    child: Annotated[Path, typer.Option(help="The child, a checkpoint folder or a PyTorch file.")],
    probes: Annotated[Path | None, typer.Option(help="Images: .npy, .npz or IDX(.gz). Default: noise.")] = None,
    measure: Annotated[
        list[str] | None, typer.Option(help="Similarities: l1 l2 lp linf lse cosine cka dc debiased_cka.")
    ] = None,
    alpha: Annotated[
        list[float] | None, typer.Option(help="Strengths of the approximation, >= 0. Default: one for each measure.")
    ] = None,
    detector: Annotated[Path | None, typer.Option(help="A detector of train-detector: it names the parent.")] = None,
    arch: Annotated[str | None, typer.Option(help="What the files are, such as torchvision/resnet50.")] = None,
    weights_only: Annotated[bool, typer.Option("--weights-only", help="Compare weights, run no network.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
) -> None:
    """Names the parent of a child network among the candidates.

    Networks of one known architecture are compared by features and weights, any others by the weights they share.
    """
    from lineage_jax import report

    measures = _features.chosen_measures(measure or list(DEFAULT_MEASURES))
    with progress_bar() as bar:
        candidates, suspect = load_all(name_each(parents), child, arch, bar)
        opinion = detector and ask(detector, candidates, suspect, probes, weights_only=weights_only)
        reason = "as --weights-only asks" if weights_only else obstacle([*candidates.values(), suspect])
        if reason is None:
            answer = by_features(candidates, suspect, probes, measures, alpha, bar)
        else:
            answer = by_weights(candidates, suspect, reason)
    if opinion:
        answer = decided(answer, opinion, name_of(child))
    if as_json:
        print(json.dumps(summary(name_of(child), answer), indent=1))
        return
    if reason is None:
        compared = answer.evidence["probes"]
        place = f"features after '{answer.evidence['layer']}' on {compared['count']} probes ({compared['source']})"
        out.print(report.score_table(answer.kinds, title=f"child {name_of(child)}: {place}"))
    elif opinion:
        out.print(
            report.score_table(
                {"detector": opinion.shares}, title=f"whose child the detector takes {name_of(child)} for"
            )
        )
    if reason is not None or answer.weights["tensors"].min() < answer.weights.attrs["tensors"]:
        out.print(report.overlap_table(answer.weights, title=f"weights that {name_of(child)} shares with candidates"))
    show(answer.verdict)


def by_features(
    candidates: dict[str, Loaded],
    suspect: Loaded,
    probes: Path | None,
    measures: dict[str, Any],
    alpha: list[float] | None,
    bar: Progress,
) -> Answer:
    """Compares networks of one architecture by their features on probes, and by their weights."""
    from lineage_jax import lineage

    roots, leaf = {name: to_saved(loaded) for name, loaded in candidates.items()}, to_saved(suspect)
    first = next(iter(roots.values()))
    images, source = _features.read_probes(probes, first)
    layer = first.network.taps[-1]
    kinds = _features.score_against(roots, leaf, images, layer, measures, alpha, bar)
    weights = lineage.overlap({name: saved.variables for name, saved in roots.items()}, leaf.variables)
    prediction, decisive = choose(kinds, weights["centred_kernel_cosine"], on_noise=probes is None)
    votes, of = votes_for(prediction, kinds)
    child, cosine = name_of(suspect.path), weights["centred_kernel_cosine"].sel(parent=prediction).item()
    return Answer(
        prediction=prediction,
        named_by={"decided by": decisive, "scores": votes, "of": of, "kernel cosine": cosine},
        evidence={"layer": layer, "probes": {"count": len(images), "source": source}},
        kinds=kinds,
        weights=weights,
        verdict=f"{prediction} is the most likely parent of {child}: {votes} of {of} approximated scores name it, "
        f"the cosine of their kernels is {cosine:.3f}; decided by {decisive}.",
    )


def by_weights(candidates: dict[str, Loaded], suspect: Loaded, reason: str) -> Answer:
    """Compares any networks by the weights they share; the cosine of the child's kernels decides."""
    from lineage_jax import lineage

    say(f"only weights are compared: {reason}")
    weights = lineage.overlap({name: loaded.tree for name, loaded in candidates.items()}, suspect.tree)
    decision = lineage.decide(weights["centred_kernel_cosine"])
    prediction = decision.prediction.item()
    best = weights.sel(parent=prediction)
    share = best["parameters"].item() / weights.attrs["parameters"]
    found = (
        f"kernel cosine {best['kernel_cosine'].item():.3f}, {decision.margin.item():.3f} before the next; "
        f"they share {share:.0%} of its parameters"
    )
    related = best["centred_kernel_cosine"].item() >= lineage.UNRELATED
    child = name_of(suspect.path)
    named = f"{prediction} is the most likely parent of {child}: {found}."
    doubt = f"No candidate resembles {child}; {prediction} comes nearest: {found}."
    return Answer(
        prediction=prediction,
        named_by={"decided by": "kernel cosine", "kernel cosine": best["centred_kernel_cosine"].item()},
        evidence={"weights only": reason},
        kinds={name.replace("_", " "): weights[name] for name in lineage.WEIGHT_SCORES},
        weights=weights,
        verdict=named if related else doubt,
    )


def name_each(parents: list[Path]) -> dict[str, Path]:
    """Calls each candidate by its folder or file."""
    if len(parents) < 2:
        raise ValueError(f"expected at least two candidate parents, got {len(parents)}; --parents A B ...")
    counts = collections.Counter(map(name_of, parents))
    for name, count in counts.items():
        if count > 1:
            raise ValueError(f"candidate parents need different names, {count} are called '{name}'; rename one")
    return {name_of(path): path for path in parents}


def load_all(
    candidates: dict[str, Path], child: Path, arch: str | None, bar: Progress
) -> tuple[dict[str, Loaded], Loaded]:
    """Reads all networks."""
    task = bar.add_task("loading", total=len(candidates) + 1)
    loaded = []
    for path in [*candidates.values(), child]:
        loaded.append(load(path, arch))
        bar.advance(task)
    return dict(zip(candidates, loaded[:-1], strict=True)), loaded[-1]
