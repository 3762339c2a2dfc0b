"""`lineage-jax index` and `lineage-jax search`: a catalogue of networks, and the relatives of one in it."""

import dataclasses
import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich import box
from rich.table import Table

from lineage_jax.cli._app import app, out, progress_bar, say, show, shown

if TYPE_CHECKING:
    from lineage_jax.catalogue import Found, Hit, Indexed

MOST_FAILED = 5
"""Checkpoints that could not be read that are named one by one."""

COPY = 0.9999
"""Cosine above which a network is called a copy, or nearly."""

DEVIATIONS = 4
"""Standard errors that an estimate is given before it is said to be above or below anything, as there are many."""


@app.command()
def index(
    folder: Annotated[Path, typer.Argument(help="Where checkpoints lie, at any depth.")],
    catalogue_folder: Annotated[Path, typer.Option("--out", help="The catalogue: a new folder, or one to be renewed.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Takes a fingerprint of every checkpoint below a folder; once more, of those that are new or have changed.

    A file that cannot be read is named and skipped, and tried again once it has changed.
    """
    from lineage_jax import catalogue

    with progress_bar() as bar:
        done = catalogue.index(folder, catalogue_folder, progress=shown(bar, "reading checkpoints"))
    if as_json:
        print(json.dumps(dataclasses.asdict(done), indent=1))
    else:
        print_indexed(done, catalogue_folder)


@app.command()
def search(
    catalogue_folder: Annotated[Path, typer.Argument(metavar="INDEX", help="A catalogue of lineage-jax index.")],
    file: Annotated[Path, typer.Argument(help="The network whose relatives are looked for: a file or folder.")],
    top: Annotated[int, typer.Option(help="How many networks are shown at most.")] = 10,
    nesting: Annotated[str | None, typer.Option(help="Which network of a file of several, such as ema.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
) -> None:
    """Ranks the networks of a catalogue by how alike their kernels are to those of one network.

    Cosines are estimated from fingerprints. `lineage-jax detect` compares the best ones in full.
    """
    from lineage_jax import catalogue

    found = catalogue.search(catalogue.open(catalogue_folder), file, top=top, nesting=nesting)
    if as_json:
        print(json.dumps(dataclasses.asdict(found) | {"sentence": sentence(found)}, indent=1, default=str))
        return
    out.print(table_of(found))
    for line in notes_of(found):
        say(line)
    show(sentence(found))


def print_indexed(done: "Indexed", place: Path) -> None:
    """Says what was done, and what could not be read."""
    others = f"; {done.passed_over:,} other files were passed over" if done.passed_over else ""
    show(
        f"{done.networks:,} networks in {place} ({done.bytes / 1e6:,.1f} MB): {done.read:,} read, "
        f"{done.unchanged:,} unchanged, {done.dropped:,} vanished{others}"
    )
    for path, reason in list(done.failed.items())[:MOST_FAILED]:
        say(f"could not be read: {path}: {reason}")
    if len(done.failed) > MOST_FAILED:
        say(f"and {len(done.failed) - MOST_FAILED:,} more, listed by --json")


def table_of(found: "Found") -> Table:
    """Shows the hits, the best first."""
    title = f"{found.name} against {found.networks:,} networks of {found.folder}"
    table = Table(title=title, box=box.SIMPLE_HEAD, pad_edge=False)
    for heading in ("", "network", "architecture", "cosine", "±", "compared", "kernels"):
        table.add_column(
            heading, justify="left" if heading in ("network", "architecture") else "right", overflow="fold"
        )
    for rank, hit in enumerate(found.hits, start=1):
        estimate = (f"{hit.cosine:.4f}", f"{hit.error:.4f}", f"{hit.compared:.0%}", str(hit.kernels))
        table.add_row(str(rank), _within(hit, found.folder), hit.architecture or "unknown", *estimate)
    return table


def notes_of(found: "Found") -> list[str]:
    """Says what else should be known: the network itself, files that are not as they were."""
    itself = [f"{found.name} is in the catalogue itself, as {path}: it does not count" for path in found.itself]
    stale = [f"{hit.path}: {hit.stale}; run lineage-jax index again" for hit in found.hits if hit.stale]
    return [*itself, *stale, *(f"{found.name}: {note}" for note in found.notes)]


def sentence(found: "Found") -> str:
    """Says in a line what the best hit is, no more surely than its estimate is."""
    from lineage_jax.leaves import UNRELATED

    if not found.hits:
        return f"None of {found.networks:,} networks shares kernels with {found.name} that could show it is related."
    best = found.hits[0]
    limit = max(UNRELATED, DEVIATIONS * best.chance)
    lowest, highest = (best.cosine + sign * DEVIATIONS * best.error for sign in (-1, 1))
    if best.cosine > COPY and best.compared == 1:
        return f"{best.path} is a copy of {found.name} or nearly: cosine {_in_full(best.cosine)}."
    if lowest > limit:
        return (
            f"{best.path} is related to {found.name}: cosine {_in_full(best.cosine)} ± {best.error:.1g} over "
            f"{best.compared:.0%} of its kernels. lineage-jax detect says more."
        )
    if highest < limit or not best.compared:
        return f"None of {found.networks:,} networks is related to {found.name}: the best cosine is {best.cosine:.3f}."
    if best.cosine < DEVIATIONS * best.error:
        return (
            f"None of {found.networks:,} networks stands out as a relative of {found.name}: the best cosine is "
            f"{best.cosine:.3f} ± {best.error:.3f}. Relatives below {highest:.2f} may not: try lineage-jax detect."
        )
    return (
        f"Whether {best.path} is related to {found.name} this does not tell: cosine {best.cosine:.3f} ± "
        f"{best.error:.3f}, strangers reach {limit:.2f}. lineage-jax detect compares them in full."
    )


def _within(hit: "Hit", folder: Path) -> str:
    """Names a network by its path in the folder, and where in a file or network it lies."""
    inside = [part for part in (hit.nesting, hit.parent_module) if part]
    return f"{hit.path.relative_to(folder)}{' (' + ', '.join(inside) + ')' if inside else ''}"


def _in_full(cosine: float) -> str:
    """Writes a cosine with the digits that matter, those by which it is less than 1."""
    if cosine == 1:
        return "1"
    return f"{cosine:.3f}" if cosine < 0.999 else f"1 - {1 - cosine:.1g}"
