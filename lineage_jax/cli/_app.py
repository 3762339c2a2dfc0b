"""What all commands share: the application, its two consoles, and how bad input ends."""

import contextlib
import gc
import logging
import sys
from collections.abc import Callable, Iterator

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn

app = typer.Typer(help="Which network was this one fine-tuned from?", no_args_is_help=True, add_completion=False)
out, err = Console(), Console(stderr=True)

INTERRUPTED = 130
"""The exit status of what the user ended, as shells have it."""

MANY_OBJECTS = 100_000
"""New objects between two searches for unreachable ones: reading a program makes millions that all stay, and every
search looks at those of JAX too."""

MANY_VALUES = ("--parents", "--against", "--measure", "--alpha", "--family", "--weights", "--features")


def main() -> None:
    """Runs the command; what the library logs is said on stderr.

    Bad input and errors of the system end in one line on stderr and exit status 2.
    """
    gc.set_threshold(MANY_OBJECTS)
    try:
        with library_log_on_stderr():
            app(args=spread(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
    except (ValueError, OSError, ImportError) as error:
        from lineage_jax.checkpoints import in_one_line

        err.print(f"error: {in_one_line(error)}", style="red", markup=False, highlight=False, soft_wrap=True)
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


class StderrHandler(logging.Handler):
    """Prints what the library logs, as it is."""

    def emit(self, record: logging.LogRecord) -> None:
        """Prints one record on stderr."""
        say(record.getMessage())


@contextlib.contextmanager
def library_log_on_stderr() -> Iterator[None]:
    """Prints the library's own log on stderr, and keeps it from handlers that other packages have installed."""
    logger, handler = logging.getLogger("lineage_jax"), StderrHandler()
    before = logger.level, logger.propagate
    logger.setLevel(logging.INFO)
    logger.propagate = False
    logger.addHandler(handler)
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.level, logger.propagate = before


def show(line: str) -> None:
    """Prints a line of the result as it is, whatever the width of the terminal."""
    out.print(line, markup=False, highlight=False, soft_wrap=True)


def say(line: str) -> None:
    """Prints a line beside the result, on stderr."""
    err.print(line, markup=False, highlight=False, soft_wrap=True)


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


def shown(bar: Progress, what: str) -> Callable[[int, int], None]:
    """Returns what shows (done, total) of a piece of work on a bar; it appears with the first call."""
    tasks: list[TaskID] = []

    def show_progress(done: int, total: int) -> None:
        if not tasks:
            tasks.append(bar.add_task(what, total=total))
        bar.update(tasks[0], completed=done, total=total)

    return show_progress


@contextlib.contextmanager
def progress_of_stages() -> Iterator[Callable[[str, int, int], None]]:
    """Yields what shows (stage, done, total) of a piece of work, a bar for each stage."""
    with progress_bar() as bar:
        stages: dict[str, Callable[[int, int], None]] = {}

        def show_stage(stage: str, done: int, total: int) -> None:
            stages.setdefault(stage, shown(bar, stage))(done, total)

        yield show_stage
