"""`lineage-jax inspect`: what a file holds."""

import collections
import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich import box
from rich.table import Table

from lineage_jax.cli._app import app, out, show
from lineage_jax.cli._networks import read

if TYPE_CHECKING:
    import numpy as np

    from converters import Checkpoint, Match, Recognition

MOST_DIFFERENCES = 3
"""Differences shown of an entry that does not fit."""


@app.command()
def inspect(
    file: Annotated[Path, typer.Argument(help="A file or folder of a network, of PyTorch, JAX, Keras, ONNX.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, every tensor included.")] = False,
) -> None:
    """Says what a file holds: container, tensors, architecture, SHA-256."""
    import converters

    checkpoint = read(file)
    found = converters.recognise({name: array.shape for name, array in checkpoint.tensors.items()})
    content = contents(checkpoint) | guess(found)
    if as_json:
        tensors = {
            name: {"shape": list(array.shape), "dtype": str(array.dtype)} for name, array in checkpoint.tensors.items()
        }
        print(json.dumps(content | {"tensors": tensors}, indent=1))
        return
    out.print(module_table(checkpoint.tensors))
    for name, value in content.items():
        if value not in ("", [], {}):
            show(f"{name}: {in_words(value)}")


def contents(checkpoint: "Checkpoint") -> dict[str, Any]:
    """Collects what was read, tensors as counts."""
    arrays = checkpoint.tensors.values()
    return {
        "file": str(checkpoint.path),
        "sha256": checkpoint.sha256,
        "container": checkpoint.container,
        "nesting": checkpoint.nesting,
        "prefix": checkpoint.prefix,
        "tensors": len(checkpoint.tensors),
        "parameters": sum(array.size for array in arrays),
        "dtypes": dict(collections.Counter(str(array.dtype) for array in arrays)),
        "other content": checkpoint.others,
        "placeholders": list(checkpoint.placeholders),
    }


def guess(found: "Recognition") -> dict[str, Any]:
    """Says which networks fit, or which come nearest and what differs."""
    if found.fits:
        return {"architecture": {match.entry.name: dict(match.settings or {}) for match in found.fits}}
    return {"no known architecture, nearest": {match.entry.name: difference(match) for match in found.nearest}}


def difference(match: "Match") -> dict[str, Any]:
    """Says how much of an entry agrees, and the first of what does not."""
    shown = list(match.differences[:MOST_DIFFERENCES])
    more = len(match.differences) - len(shown)
    return {"agrees": f"{match.share:.0%}", "differs": [*shown, *([f"{more} more"] if more else [])]}


def in_words(value: Any) -> str:
    """Writes nested values on one line."""
    if isinstance(value, dict):
        inner = (
            f"{key} ({in_words(v)})" if isinstance(v, dict) else f"{key} {in_words(v)}" for key, v in value.items()
        )
        return ", ".join(inner)
    if isinstance(value, list | tuple):
        return "; ".join(map(in_words, value))
    return f"{value:,}" if type(value) is int else str(value)


def module_table(tensors: "dict[str, np.ndarray]") -> Table:
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
