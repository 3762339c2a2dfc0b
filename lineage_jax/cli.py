"""The `lineage-jax` command.

Exit status: 0 done, 2 bad input (one line says what), 1 a fault of the program.
"""

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

if TYPE_CHECKING:
    import xarray

    from lineage_jax.models import SavedNetwork
    from lineage_jax.typing import Params

app = typer.Typer(help="Which network was this one fine-tuned from?", no_args_is_help=True, add_completion=False)
out, err = Console(), Console(stderr=True)

MANY_VALUES = ("--parents", "--measure", "--alpha")
NOISE_PROBES = 256


def main() -> None:
    """Runs the command; bad input ends in one line on stderr and exit status 2."""
    try:
        app(args=spread(sys.argv[1:]))
    except (ValueError, FileNotFoundError, FileExistsError, IsADirectoryError, NotADirectoryError) as error:
        err.print(f"[red]error:[/red] {error}", highlight=False, soft_wrap=True)
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
    measure: Annotated[list[str] | None, typer.Option(help="Similarities: l1 l2 lp linf lse cosine cka dc.")] = None,
    alpha: Annotated[list[float] | None, typer.Option(help="Strengths of the approximation, each >= 0.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
) -> None:
    """Names the parent of a child network among the candidates."""
    from lineage_jax import lineage, linearize, models

    candidates = name_by_folder(parents)
    measures = chosen_measures(measure)
    with progress_bar() as bar:
        task = bar.add_task("loading", total=len(candidates) + 1)
        networks = {}
        for name, path in candidates.items():
            networks[name] = load_alike(path, like=next(iter(networks.values()), None))
            bar.advance(task)
        first = next(iter(networks.values()))
        suspect = load_alike(child, like=first)
        images, source = read_probes(probes, first)
        roots = {name: saved.variables for name, saved in networks.items()}
        suspects = {child.name: suspect.variables}
        layer = models.penultimate(first.network)
        bar.reset(task, description="scoring", total=len(roots))
        scores = lineage.score(
            linearize.features_of(first.network, (layer,)),
            roots,
            suspects,
            images,
            measures=measures,
            alphas=tuple(alpha) if alpha else lineage.DEFAULT_ALPHAS,
            progress=lambda done, total: bar.update(task, completed=done),
        ).sel(child=child.name, layer=layer)
        weights = lineage.weight_scores(roots, suspects).sel(child=child.name, layer="all")
    columns = score_columns(scores, weights)
    caption = f"child {child.name}, features after '{layer}', {len(images)} probes: {source}"
    print_json(child, columns, caption) if as_json else print_table(columns, caption)
