"""Arrays and their description on disk: one orbax checkpoint a folder. No other module knows orbax.

What is loaded is what was saved, bit for bit, or an error: beside orbax's files lies `SHA256SUMS`, which
`sha256sum --check` reads too. A folder appears under its name only when it is complete.
"""

import hashlib
import json
import os
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import jax
import numpy as np
import orbax.checkpoint as ocp

from lineage_jax.typing import Params

SUMS = "SHA256SUMS"


def save(path: str | os.PathLike, tree: Params, *, description: Mapping[str, Any]) -> None:
    """Writes a nested dictionary of arrays and a description as one checkpoint folder, completely or not at all.

    Args:
        path: the new folder.
        tree: nested dictionaries of arrays with at least one array; keys are written as strings, numbers as arrays.
        description: what JSON can hold; tuples come back as lists.

    Raises:
        FileExistsError: If `path` exists; it is left untouched.
        ValueError: If the tree holds no array or an empty one, or two of its paths read the same.
        TypeError: If the tree or the description holds something else.

    Examples:
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     save(f"{folder}/a", {"w": np.arange(3)}, description={"step": 1})
        ...     load(f"{folder}/a")
        ({'w': array([0, 1, 2])}, {'step': 1})
    """
    folder = Path(path).absolute()
    if os.path.lexists(folder):
        raise FileExistsError(f"expected a new path for the checkpoint, got {folder}, which exists: choose another")
    items = {"tree": ocp.args.StandardSave(_host(tree)), "description": ocp.args.JsonSave(_as_json(description))}
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f"{folder.name}.unfinished-", dir=folder.parent) as unfinished:
        checkpoint = Path(unfinished, "checkpoint")
        with ocp.Checkpointer(ocp.CompositeCheckpointHandler()) as checkpointer:
            checkpointer.save(checkpoint, args=ocp.args.Composite(**items))
        (checkpoint / SUMS).write_text("".join(f"{digest}  {name}\n" for name, digest in _sums(checkpoint).items()))
        checkpoint.rename(folder)


def load(path: str | os.PathLike) -> tuple[dict[str, Any], dict[str, Any]]:
    """Reads what `save` wrote, once every file has proved to be whole.

    Returns:
        The tree, as nested dictionaries of numpy arrays with string keys, and the description.

    Raises:
        FileNotFoundError: If there is nothing at `path`.
        ValueError: If `path` is no checkpoint of `save`, or it is cut short or altered.
    """
    folder = Path(path).absolute()
    if not folder.exists():
        raise FileNotFoundError(f"expected a checkpoint, got {folder}, where there is nothing")
    if not (folder / SUMS).is_file():
        raise ValueError(f"expected a checkpoint written by lineage_jax.io.save, got {folder}, which has no {SUMS}")
    _check(folder)
    items = {"tree": ocp.args.StandardRestore(), "description": ocp.args.JsonRestore()}
    with ocp.Checkpointer(ocp.CompositeCheckpointHandler()) as checkpointer:
        restored = checkpointer.restore(folder, args=ocp.args.Composite(**items))
    return restored["tree"], restored["description"]


def _check(folder: Path) -> None:
    """Compares every file with its sum, before a decoder meets a damaged one."""
    lines = (folder / SUMS).read_text(errors="replace").splitlines()
    expected = {name: digest for digest, _, name in (line.partition("  ") for line in lines)}
    found = _sums(folder)
    damaged = sorted(name for name in expected.keys() | found.keys() if expected.get(name) != found.get(name))
    if damaged:
        raise ValueError(
            f"checkpoint {folder} is cut short or altered: '{damaged[0]}' is not what {SUMS} says; restore it"
        )


def _sums(folder: Path) -> dict[str, str]:
    """Returns the SHA-256 of every file but the sums themselves, by its path in the folder."""
    files = sorted(file for file in folder.rglob("*") if file.is_file() and file != folder / SUMS)
    return {file.relative_to(folder).as_posix(): _sum(file) for file in files}


def _sum(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _host(tree: Params) -> dict[str, Any]:
    """Returns the tree with string keys and numpy arrays, which can be loaded on any devices."""
    if not isinstance(tree, Mapping):
        raise TypeError(f"expected nested dictionaries of arrays, got {type(tree).__name__}")
    arrays = jax.tree.map(np.asarray, _with_string_keys(tree))
    leaves = list(_leaves(arrays))
    if not leaves:
        raise ValueError("expected a tree with at least one array, got none")
    for name, leaf in leaves:
        _check_leaf(name, leaf)
    names = [name for name, _ in leaves]
    if len(set(names)) < len(names):  # orbax would write one array over the other
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"expected paths that differ when joined with dots, got '{twice}' twice: rename a key")
    return arrays


def _with_string_keys(tree: Any) -> Any:
    if not isinstance(tree, Mapping):
        return tree
    renamed = {str(key): _with_string_keys(value) for key, value in tree.items()}
    if len(renamed) < len(tree):
        raise ValueError(f"expected keys that differ as strings, got {list(tree)}: rename one")
    return renamed


def _leaves(tree: Any, *keys: str) -> Iterator[tuple[str, Any]]:
    """Yields every leaf with the name orbax gives it: its path, joined with dots."""
    if not isinstance(tree, dict):
        yield ".".join(keys), tree
        return
    for key, value in tree.items():
        yield from _leaves(value, *keys, key)


def _check_leaf(name: str, leaf: Any) -> None:
    if not isinstance(leaf, np.ndarray):
        raise TypeError(f"expected nested dictionaries of arrays, got {type(leaf).__name__} at '{name}'")
    if leaf.dtype.kind in "OSUMm":
        raise TypeError(f"expected arrays of numbers, got dtype {leaf.dtype} at '{name}'")
    if leaf.size == 0:
        raise ValueError(
            f"expected arrays with elements, got shape {leaf.shape} at '{name}': orbax stores no empty ones"
        )


def _as_json(description: Mapping[str, Any]) -> dict[str, Any]:
    try:
        return json.loads(json.dumps(dict(description)))
    except (TypeError, ValueError) as error:
        raise TypeError(f"expected a description that JSON can hold: {error}") from error
