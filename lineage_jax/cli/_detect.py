"""`lineage-jax detect`: the parent of a child among candidates."""

import dataclasses
import json
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.progress import Progress

from lineage_jax import evidence
from lineage_jax.checkpoints import Asked, load_all, obstacle, to_saved
from lineage_jax.cli._app import app, out, progress_bar, say, show, shown
from lineage_jax.cli._detector import Opinion, ask
from lineage_jax.evidence import Answer, conclude, summary, weigh

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
    detector: Annotated[
        Path | None, typer.Option(help="A detector of train-detector: it chooses among relatives.")
    ] = None,
    arch: Annotated[str | None, typer.Option(help="What the files are, such as torchvision/resnet50.")] = None,
    nesting: Annotated[
        str | None, typer.Option(help="Which network of files that hold several, such as model_ema.")
    ] = None,
    weights_only: Annotated[bool, typer.Option("--weights-only", help="Compare weights, run no network.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
) -> None:
    """Names the parent of a child network among the candidates, or says that it is none of these.

    Networks of one known architecture are compared by features and weights, any others by the weights they share. One
    candidate is enough. Only one whose kernels are related to the child's is named, whatever features say.
    """
    measures = evidence.chosen_measures(measure or list(DEFAULT_MEASURES))
    with progress_bar() as bar:
        asked = load_all(parents, child, arch, nesting, shown(bar, "loading"))
        opinion = ask(detector, asked, probes, weights_only=weights_only) if detector and asked.parents else None
        reason = "as --weights-only asks" if weights_only else obstacle([*asked.parents.values(), asked.suspect])
        if reason is None:
            answer = by_features(asked, opinion, probes, measures, alpha, bar)
        else:
            answer = by_weights(asked, opinion, reason)
    if as_json:
        print(json.dumps(summary(answer, {asked.child: asked.suspect, **asked.parents}), indent=1))
    else:
        print_answer(answer)


def print_answer(answer: Answer) -> None:
    """Prints the tables, what else should be known, and the verdict last."""
    from lineage_jax import report

    child, weights, shares = answer.verdict.child, answer.measured.weights, answer.measured.shares
    if "probes" in answer.evidence and answer.kinds:
        compared = answer.evidence["probes"]
        place = f"features after '{answer.evidence['layer']}' on {compared['count']} probes ({compared['source']})"
        out.print(report.score_table(answer.kinds, title=f"child {child}: {place}"))
    elif shares is not None:
        out.print(report.score_table({"detector": shares}, title=f"whose child the detector takes {child} for"))
    if weights.sizes["parent"]:
        out.print(report.overlap_table(weights, title=f"weights that {child} shares with candidates"))
    for line in evidence.notes(answer.measured, answer.verdict):
        show(line)
    show(evidence.sentence(answer.measured, answer.verdict))


def by_features(
    asked: Asked,
    opinion: Opinion | None,
    probes: Path | None,
    measures: dict[str, Any],
    alpha: list[float] | None,
    bar: Progress,
) -> Answer:
    """Compares networks of one architecture by their weights, and by their features on probes."""
    roots, leaf = {name: to_saved(loaded) for name, loaded in asked.parents.items()}, to_saved(asked.suspect)
    trees = {name: saved.variables for name, saved in roots.items()}
    measured = weigh(asked, trees, leaf.variables)
    images, source = evidence.read_probes(probes, leaf)
    layer = leaf.network.taps[-1]
    candidates = {name: roots[name] for name in measured.weights["parent"].values.tolist()}
    kinds = {}
    if candidates:
        progress = shown(bar, "scoring")
        kinds = evidence.score_against(candidates, leaf, images, layer, measures, alpha, progress)
    measured = dataclasses.replace(
        measured, features=evidence.approximated(kinds), on_noise=probes is None, **asked_of(opinion, measured)
    )
    return Answer(
        verdict=conclude(measured, trees, leaf.variables),
        measured=measured,
        evidence={"layer": layer, "probes": {"count": len(images), "source": source}, **said_of(opinion)},
        kinds=kinds | ({"detector": measured.shares} if measured.shares is not None else {}),
    )


def by_weights(asked: Asked, opinion: Opinion | None, reason: str) -> Answer:
    """Compares any networks by the weights they share."""
    from lineage_jax import lineage

    say(f"only weights are compared: {reason}")
    trees = {name: loaded.tree for name, loaded in asked.parents.items()}
    measured = weigh(asked, trees, asked.suspect.tree)
    measured = dataclasses.replace(measured, **asked_of(opinion, measured))
    kinds = {name.replace("_", " "): measured.weights[name] for name in lineage.OVERLAP_SCORES}
    if not measured.weights.sizes["parent"]:
        kinds = {}
    return Answer(
        verdict=conclude(measured, trees, asked.suspect.tree),
        measured=measured,
        evidence={"weights only": reason, **said_of(opinion)},
        kinds=kinds | ({"detector": measured.shares} if measured.shares is not None else {}),
    )


def asked_of(opinion: Opinion | None, measured: Any) -> dict[str, Any]:
    """Returns what a detector says of the candidates that are not left out."""
    if opinion is None:
        return {}
    kept = [name for name in opinion.shares["parent"].values if name not in measured.left_out]
    return {"shares": opinion.shares.sel(parent=kept)}


def said_of(opinion: Opinion | None) -> dict[str, Any]:
    """Returns which detector was asked, for programs."""
    return {} if opinion is None else {"detector": {"folder": str(opinion.folder), **vars(opinion.layers)}}
