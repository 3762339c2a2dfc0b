"""`lineage-jax inspect`: what a file holds."""

import collections
import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich import box
from rich.table import Table

from lineage_jax.checkpoints import notes_of, read_file
from lineage_jax.cli._app import app, out, show

if TYPE_CHECKING:
    import numpy as np

    from converters import Checkpoint, Match, Recognition

MOST_LISTED = 3
"""Names shown of a longer list."""
MANY = 20
"""Elements of a list from which it is not shown."""
MOST_DIFFERENCES = 3
"""Differences shown of an entry that does not fit."""


@app.command()
def inspect(
    file: Annotated[Path, typer.Argument(help="A file or folder of a network, of PyTorch, JAX, Keras, ONNX, or ours.")],
    nesting: Annotated[str | None, typer.Option(help="Which network of a file of several, such as ema.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, every tensor included.")] = False,
) -> None:
    """Says what a file or folder holds: container, tensors, architecture, SHA-256."""
    from lineage_jax import io

    if file.is_dir() and (file / io.SUMS).is_file():
        tensors, content = of_own(file)
    else:
        tensors, content = of_others(file, nesting)
    if as_json:
        described = {name: {"shape": list(array.shape), "dtype": str(array.dtype)} for name, array in tensors.items()}
        print(json.dumps(content | {"tensors": described}, indent=1, default=str))
        return
    out.print(module_table(tensors))
    for name, value in content.items():
        if value not in ("", [], {}):
            show(f"{name}: {in_words(value)}")


def of_others(file: Path, nesting: str | None) -> "tuple[dict[str, np.ndarray], dict[str, Any]]":
    """Reads a file, or a folder that another program has written."""
    import converters

    checkpoint = read_file(file, nesting)
    shapes = {name: array.shape for name, array in checkpoint.tensors.items()}
    found = converters.recognise(shapes, buffers=checkpoint.buffers)
    notes = [note for match in found.fits[:1] for note in notes_of(match, checkpoint)]
    content = contents(checkpoint) | guess(found)
    return checkpoint.tensors, content | {"notes": [*checkpoint.notes, *notes]}


def of_own(folder: Path) -> "tuple[dict[str, np.ndarray], dict[str, Any]]":
    """Reads one of our own checkpoint folders, whatever it holds: a network, a tree of arrays, a family, a detector."""
    import jax
    import numpy as np

    from lineage_jax import io

    tree, description = io.load(folder)
    leaves = jax.tree.leaves_with_path(tree)
    arrays = {jax.tree_util.keystr(path, simple=True, separator="."): np.asarray(leaf) for path, leaf in leaves}
    described = {key: value for key, value in description.items() if not isinstance(value, list) or len(value) < MANY}
    return arrays, {"folder": str(folder), "container": "orbax"} | counted(arrays) | described


def contents(checkpoint: "Checkpoint") -> dict[str, Any]:
    """Collects what was read, tensors as counts."""
    return {
        "file": str(checkpoint.path),
        "sha256": checkpoint.sha256,
        "container": checkpoint.container,
        "nesting": checkpoint.nesting,
        "prefix": checkpoint.prefix,
        **counted(checkpoint.tensors),
        "other content": checkpoint.others,
        "no weights": by_reason(checkpoint.buffers),
        "not brought to plain weights": by_reason(checkpoint.unresolved),
        "placeholders": list(checkpoint.placeholders),
    }


def by_reason(reasons: "Mapping[str, str]") -> dict[str, list[str]]:
    """Returns the names of every reason."""
    names: dict[str, list[str]] = {}
    for name, reason in reasons.items():
        names.setdefault(reason, []).append(name)
    return names


def counted(arrays: "Mapping[str, np.ndarray]") -> dict[str, Any]:
    """Counts tensors, parameters and number formats."""
    return {
        "tensors": len(arrays),
        "parameters": sum(array.size for array in arrays.values()),
        "dtypes": dict(collections.Counter(str(array.dtype) for array in arrays.values())),
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
        more = [f"{len(value) - MOST_LISTED} more"] if len(value) > MOST_LISTED + 1 else []
        return "; ".join([*map(in_words, value[:MOST_LISTED] if more else value), *more])
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
