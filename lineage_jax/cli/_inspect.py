"""`lineage-jax inspect`: what a file holds."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich import box
from rich.table import Table

from lineage_jax.cli._app import app, out, show

if TYPE_CHECKING:
    import numpy as np

MOST_LISTED = 3
"""Names shown of a longer list."""


@app.command()
def inspect(
    file: Annotated[Path, typer.Argument(help="A file or folder of a network, of PyTorch, JAX, Keras, ONNX, or ours.")],
    nesting: Annotated[str | None, typer.Option(help="Which network of a file of several, such as ema.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, every tensor included.")] = False,
) -> None:
    """Says what a file or folder holds: container, tensors, architecture, SHA-256."""
    from lineage_jax.checkpoints import contents_of

    contents = contents_of(file, nesting)
    if as_json:
        each = contents.tensors.items()
        tensors = {name: {"shape": list(array.shape), "dtype": str(array.dtype)} for name, array in each}
        print(json.dumps(contents.described | {"tensors": tensors}, indent=1, default=str))
        return
    out.print(module_table(contents.tensors))
    for name, value in contents.described.items():
        if value not in ("", [], {}):
            show(f"{name}: {in_words(value)}")


def in_words(value: Any) -> str:
    """Writes nested values on one line."""
    if isinstance(value, dict):
        inner = (
            f"{key} ({in_words(v)})" if isinstance(v, dict) else f"{key} {in_words(v)}" for key, v in value.items()
        )
        return ", ".join(inner)
    if isinstance(value, list | tuple):
        more = [f"{len(value) - MOST_LISTED} more"] if len(value) > MOST_LISTED + 1 else []
        return "; ".join([*map(in_words, value[:MOST_LISTED] if more else value), *more])
    return f"{value:,}" if type(value) is int else str(value)


def module_table(tensors: "Mapping[str, np.ndarray]") -> Table:
    """Shows tensors, parameters and dtypes of every outermost module."""
    modules: dict[str, list[np.ndarray]] = {}
    for name, array in tensors.items():
        modules.setdefault(name.partition(".")[0], []).append(array)
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for heading in ("module", "tensors", "parameters", "dtypes", "largest"):
        table.add_column(heading, justify="right" if heading in ("tensors", "parameters") else "left")
    for module, arrays in modules.items():
        largest = max(arrays, key=lambda array: array.size)
        dtypes = " ".join(sorted({str(array.dtype) for array in arrays}))
        parameters = sum(array.size for array in arrays)
        table.add_row(module, str(len(arrays)), f"{parameters:,}", dtypes, " x ".join(map(str, largest.shape)))
    return table
