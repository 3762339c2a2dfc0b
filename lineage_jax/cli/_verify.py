"""`lineage-jax verify`: what may be claimed of a child and its candidates, at an error rate that the user chooses."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich import box
from rich.table import Table

from lineage_jax.cli._app import app, out, progress_of_stages, show
from lineage_jax.cli._destination import check_destination

if TYPE_CHECKING:
    from lineage_jax.evidence import Finding, Verification


@app.command()
def verify(
    child: Annotated[Path, typer.Argument(help="The child, a checkpoint folder or a file.")],
    against: Annotated[list[Path], typer.Option(help="Candidates, checkpoint folders or files: A B C ...")],
    fpr: Annotated[
        float, typer.Option(help="Rate of false accusations: of any claim when all candidates are strangers.")
    ] = 0.01,
    any_order: Annotated[
        bool,
        typer.Option("--any-order", help="Claim only what no order of units changes: for candidates of a claimant."),
    ] = False,
    arch: Annotated[str | None, typer.Option(help="What the files are, such as torchvision/resnet50.")] = None,
    nesting: Annotated[
        str | None, typer.Option(help="Which network of files that hold several, such as model_ema.")
    ] = None,
    report: Annotated[Path | None, typer.Option(help="Write a page of all that was found, one .html file.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
) -> None:
    """Says of each candidate whether it and the child are strangers, and by which evidence.

    Exit status: 0 a kinship is claimed of one candidate at least; 3 none is, and of every candidate its absence is; 4
    neither, since some candidate could not be read or compared; 2 bad input; 1 a fault of the program.
    """
    from lineage_jax import evidence
    from lineage_jax.report import html_report

    if report is not None and not report.exists():
        check_destination(report, "file for the report")
    with progress_of_stages() as progress:
        verification = evidence.verify(
            child, against, fpr=fpr, any_order=any_order, arch=arch, nesting=nesting, progress=progress
        )
    if report is not None:
        html_report(verification, report)
    if as_json:
        print(json.dumps(verification.as_dict(), indent=1))
    else:
        print_verification(verification)
    raise typer.Exit(verification.status)


def print_verification(verification: "Verification") -> None:
    """Prints the table, what else should be known, and the claim last."""
    out.print(table_of(verification))
    for line in verification.notes:
        show(line)
    show(verification.sentence)


def table_of(verification: "Verification") -> Table:
    """Shows what was found of each candidate, the least p-value first."""
    table = Table(title=f"{verification.child} against its candidates", box=box.SIMPLE_HEAD, pad_edge=False)
    for heading in ("candidate", "claim", "p", "after Holm", "cosine", "compared", "evidence"):
        in_words = heading in ("candidate", "claim", "evidence")
        table.add_column(heading, justify="left" if in_words else "right", overflow="fold")
    for finding in _ordered(verification.findings.values()):
        numbers = (f"{finding.p:.1e}", f"{finding.p_holm:.1e}", f"{finding.cosine:.3f}", f"{finding.compared:.0%}")
        table.add_row(finding.candidate, finding.relation, *numbers, _kinds(finding))
    return table


def _ordered(findings: "Iterable[Finding]") -> "list[Finding]":
    return sorted(findings, key=lambda each: (not each.is_kin, each.p != each.p, each.p, -each.cosine))


def _kinds(finding: "Finding") -> str:
    """Names the kinds of evidence, each with its deviations from strangers and the share that was judged."""
    return "; ".join(f"{each.kind} {each.statistic:+.1f} ({each.share:.0%})" for each in finding.evidence)
