"""`lineage-jax sweep`: the scores of a plan, block by block into a store; `sweep status` says how far one is."""

import contextlib
import json
import logging
import os
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeRemainingColumn
from typer.core import TyperGroup

from lineage_jax.cli._app import app, err, show

if TYPE_CHECKING:
    from lineage_jax.sweep import Status, Step

UNFINISHED = 1
"""The exit status where the store lacks scores: of networks that failed, or of a process that has ended."""

STDOUT, STDERR = 1, 2

Json = Annotated[bool, typer.Option("--json", help="Print JSON instead of lines.")]


class WithDefault(TyperGroup):
    """A group of commands, of which `run` need not be named."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Takes arguments that begin with no command as those of `run`."""
        return super().parse_args(ctx, args if args and args[0] in self.commands else ["run", *args])


group = typer.Typer(cls=WithDefault)
app.add_typer(group, name="sweep", help="Scores more pairs than one machine holds: PLAN --out STORE, or status STORE.")


@group.command()
def run(
    plan: Annotated[Path, typer.Argument(help="What is compared, as JSON: parents, children, probes, measures, ...")],
    store: Annotated[Path, typer.Option("--out", help="The folder of the scores; one of this plan is gone on with.")],
    mesh: Annotated[
        str | None, typer.Option(help="Devices that compute a block together: children=4,probes=2.")
    ] = None,
    retry_failed: Annotated[
        bool, typer.Option("--retry-failed", help="Compute blocks again in which a network failed.")
    ] = False,
    coordinator: Annotated[
        str | None, typer.Option(help="Where process 0 listens, HOST:PORT; auto for what JAX finds by itself.")
    ] = None,
    processes: Annotated[int | None, typer.Option(help="How many processes share the sweep.")] = None,
    process: Annotated[int | None, typer.Option(help="Which of them this one is, from 0.")] = None,
    as_json: Json = False,
) -> None:
    """Scores all parents and children of a plan into a store, or goes on with it.

    A network that cannot be read or compared is recorded, and all others are scored; the exit status is then 1. A run
    may be ended at any time: what is done is kept, and the same command goes on. Processes that share a sweep find each
    other by what Slurm, Open MPI, Cloud TPU or JAX_COORDINATOR_ADDRESS say, or by --coordinator, --processes and
    --process; each computes blocks of its own, or together with others those of a mesh that spans them.
    """
    from lineage_jax import sweep

    sizes = None if mesh is None else sweep.parsed_mesh(mesh)
    read = sweep.Plan.read(plan)
    with compiled_code_on_stderr():
        team = sweep.join(sizes, coordinator=coordinator, processes=processes, process=process)
        speaks = team.index == 0 and team.writes
        if not speaks:
            logging.getLogger("lineage_jax").setLevel(logging.ERROR)
        with progress_of_blocks(shown=speaks) as progress:
            found = sweep.run(read, store, mesh=team, retry_failed=retry_failed, progress=progress)
    if speaks:
        print_status(found, as_json=as_json)
    if found.errors or not (found.complete or found.writers):
        raise typer.Exit(UNFINISHED)


@contextlib.contextmanager
def compiled_code_on_stderr() -> Iterator[None]:
    """Sends to stderr what libraries of compiled code print meanwhile, such as which processes have met."""
    sys.stdout.flush()
    results = os.dup(STDOUT)
    os.dup2(STDERR, STDOUT)
    try:
        yield
    finally:
        os.dup2(results, STDOUT)
        os.close(results)


@group.command("status")
def show_status(
    store: Annotated[Path, typer.Argument(help="The folder of the scores.")], as_json: Json = False
) -> None:
    """Says how far a sweep is: blocks that are done or failed and why, pairs a second, time left, and what bounds."""
    from lineage_jax import sweep

    print_status(sweep.status(store), as_json=as_json)


def print_status(status: "Status", *, as_json: bool) -> None:
    """Prints how far a sweep is."""
    if as_json:
        print(json.dumps(status.as_dict(), indent=1))
        return
    for line in lines_of(status):
        show(line)


def lines_of(status: "Status") -> Iterator[str]:
    """Yields how far a sweep is, a line each."""
    yield f"{status.done:,} of {status.blocks:,} blocks are done: {status.pairs_done:,} of {status.pairs:,} pairs"
    if status.pairs_a_second:
        left = "" if status.complete else f", {in_time(status.seconds_left or 0)} left"
        yield f"{status.pairs_a_second:,.3g} pairs a second{left}"
    if status.waiting is not None:
        yield f"bound by {status.bound}: devices wait for networks {status.waiting:.0%} of the time"
    for reason, networks in status.errors.items():
        more = f" and {len(networks) - 1:,} more" if len(networks) > 1 else ""
        yield f"no scores of {networks[0]}{more}: {reason}"
    for writer in status.writers:
        yield f"written by {writer}"


def in_time(seconds: float) -> str:
    """Says how long something takes.

    Examples:
        >>> in_time(59.0), in_time(3_700.0), in_time(200_000.0)
        ('59 s', '1:01 h', '2 d 7 h')
    """
    minutes, hours = int(seconds // 60), int(seconds // 3600)
    if hours >= 24:
        return f"{hours // 24} d {hours % 24} h"
    return f"{hours}:{minutes % 60:02d} h" if hours else f"{minutes} min" if minutes else f"{seconds:.0f} s"


@contextlib.contextmanager
def progress_of_blocks(*, shown: bool) -> Iterator[Callable[["Step"], None] | None]:
    """Yields what shows steps on a bar: blocks, pairs a second, time left."""
    if not shown:
        yield None
        return
    columns: list[Any] = [SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn()]
    columns += [TextColumn("blocks  {task.fields[rate]}"), TimeRemainingColumn()]
    with Progress(*columns, console=err, transient=True) as bar:
        task, start = bar.add_task("scoring", total=None, rate=""), time.monotonic()

        def step(step: "Step") -> None:
            rate = f"{step.pairs / (time.monotonic() - start):,.3g} pairs/s"
            bar.update(task, completed=step.blocks, total=step.all_blocks, rate=rate)

        yield step
