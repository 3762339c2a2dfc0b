"""What all commands share: the application, its two consoles, and how bad input ends."""

import sys

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

app = typer.Typer(help="Which network was this one fine-tuned from?", no_args_is_help=True, add_completion=False)
out, err = Console(), Console(stderr=True)

MANY_VALUES = ("--parents", "--measure", "--alpha", "--family", "--weights", "--features")


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
