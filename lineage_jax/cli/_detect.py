"""`lineage-jax detect`: the parent of a child among candidates."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lineage_jax.cli._app import app, out, progress_of_stages, show

if TYPE_CHECKING:
    from lineage_jax.evidence import Answer


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
        Path | None,
        typer.Option(
            help="What chooses among relatives: a folder of train-detector, or a file. Default: a shipped one."
        ),
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
    from lineage_jax import evidence

    with progress_of_stages() as progress:
        answer = evidence.detect(
            parents,
            child,
            probes,
            detector,
            measures=measure or evidence.DEFAULT_MEASURES,
            alphas=alpha,
            weights_only=weights_only,
            arch=arch,
            nesting=nesting,
            progress=progress,
        )
    if as_json:
        print(json.dumps(answer.as_dict(), indent=1))
    else:
        print_answer(answer)


def print_answer(answer: "Answer") -> None:
    """Prints the tables, what else should be known, and the verdict last."""
    from lineage_jax import report

    child, compared = answer.child, answer.compared
    shown = answer.scores if "probes" in compared else {}
    if shown:
        probes = compared["probes"]
        place = f"features after '{compared['layer']}' on {probes['count']} probes ({probes['source']})"
        out.print(report.score_table(shown, title=f"child {child}: {place}"))
    if answer.probabilities is not None and "detector" not in shown:
        scores = {"detector": answer.probabilities}
        out.print(report.score_table(scores, title=f"whose child the detector takes {child} for"))
    if answer.weights.sizes["parent"]:
        out.print(report.overlap_table(answer.weights, title=f"weights that {child} shares with candidates"))
    for line in answer.notes:
        show(line)
    show(answer.sentence)
