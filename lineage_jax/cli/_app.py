"""What all commands share: the application, its two consoles, and how bad input ends."""

import sys

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

app = typer.Typer(help="Which network was this one fine-tuned from?", no_args_is_help=True, add_completion=False)
out, err = Console(), Console(stderr=True)

INTERRUPTED = 130
"""The exit status of what the user ended, as shells have it."""

EXTRAS = {"sklearn": "experiments", "matplotlib": "experiments", "ml_collections": "experiments", "h5py": "hdf5"}
"""Packages that are not part of a plain installation -> the extra that brings them."""

MANY_VALUES = ("--parents", "--measure", "--alpha", "--family", "--weights", "--features")


def main() -> None:
    """Runs the command; bad input and errors of the system end in one line on stderr and exit status 2."""
    try:
        app(args=spread(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
    except (ValueError, OSError, ImportError) as error:
        err.print(f"error: {in_one_line(error)}", style="red", markup=False, highlight=False, soft_wrap=True)
        sys.exit(2)


def in_one_line(error: Exception) -> str:
    """Says what is wrong on one line: errors of the system with their file, missing packages with the extra.

    Examples:
        >>> in_one_line(OSError(28, "No space left on device", "a/b"))
        'No space left on device: a/b'
        >>> in_one_line(ModuleNotFoundError("No module named 'sklearn'", name="sklearn"))
        "expected the package sklearn, which is not installed: pip install 'lineage-jax[experiments]'"
    """
    if isinstance(error, ImportError) and error.name:
        package = error.name.partition(".")[0]
        if package not in EXTRAS:
            raise error
        return f"expected the package {package}, which is not installed: pip install 'lineage-jax[{EXTRAS[package]}]'"
    if isinstance(error, OSError) and error.strerror:
        place = f": {error.filename}" if error.filename else ""
        return f"{error.strerror}{place}"
    return " ".join(str(error).splitlines())


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
