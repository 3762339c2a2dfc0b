"""Arrays and their description on disk: one orbax checkpoint a folder. No other module knows orbax.

What is loaded is what was saved, bit for bit, or an error: beside orbax's files lies `SHA256SUMS`, which
`sha256sum --check` reads too. A folder appears under its name only when it is complete. Checkpoints that other programs
have written with orbax are read by `load_tree`. JAX and orbax are imported by the functions that need them: they take
longer than most of what is done with files.
"""

import errno
import hashlib
import json
import os
import re
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from lineage_jax.io._arrays import TREE, read_arrays

if TYPE_CHECKING:
    from lineage_jax.typing import Params

SUMS = "SHA256SUMS"
"""The file of a checkpoint folder that holds the sum of every other one, as `sha256sum --check` reads it."""

DESCRIPTION = Path("description", "metadata")
"""The file in which orbax keeps the description."""

ITEMS = ("params", "state", "train_state", "model", "default", "pytree")
"""What trees of networks are called among the items of a checkpoint; the first that is there is read."""
STEP = re.compile(r"(?:.*[_-])?(\d+)")
"""How the folder of a step is called."""
MOMENTS = ("opt_state", "opt_states", "optimizer_state", "optimizer")
"""Parts of a training state that are no weights, and are not read."""


def save(path: str | os.PathLike, tree: "Params", *, description: Mapping[str, Any]) -> None:
    """Writes a nested dictionary of arrays and a description as one checkpoint folder, completely or not at all.

    Args:
        path: the new folder.
        tree: nested dictionaries of arrays with at least one array; keys are written as strings, numbers as arrays.
        description: what JSON can hold; tuples come back as lists.

    Raises:
        FileExistsError: If `path` exists; it is left untouched.
        ValueError: If the tree holds no array or an empty one, or two of its paths read the same.
        TypeError: If the tree or the description holds something else.
        OSError: If the folder cannot be made, or the disk has no room for the arrays.

    Examples:
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     save(f"{folder}/a", {"w": np.arange(3)}, description={"step": 1})
        ...     load(f"{folder}/a")
        ({'w': array([0, 1, 2])}, {'step': 1})
    """
    import jax
    import orbax.checkpoint as ocp

    folder = Path(path).absolute()
    if os.path.lexists(folder):
        raise FileExistsError(f"expected a new path for the checkpoint, got {folder}, which exists: choose another")
    items = {"tree": ocp.args.StandardSave(_host(tree)), "description": ocp.args.JsonSave(_as_json(description))}
    folder.parent.mkdir(parents=True, exist_ok=True)
    _check_space(folder, sum(leaf.nbytes for leaf in jax.tree.leaves(items["tree"].item)))
    with tempfile.TemporaryDirectory(prefix=f"{folder.name}.unfinished-", dir=folder.parent) as unfinished:
        checkpoint = Path(unfinished, "checkpoint")
        with ocp.Checkpointer(ocp.CompositeCheckpointHandler()) as checkpointer:
            checkpointer.save(checkpoint, args=ocp.args.Composite(**items))
        (checkpoint / SUMS).write_text("".join(f"{digest}  {name}\n" for name, digest in _sums(checkpoint).items()))
        checkpoint.rename(folder)


def is_checkpoint(path: str | os.PathLike) -> bool:
    """Says whether a folder is a checkpoint that `save` wrote, by its list of sums; whether it is whole, `load` finds.

    Examples:
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     save(f"{folder}/a", {"w": np.arange(3)}, description={})
        ...     is_checkpoint(f"{folder}/a"), is_checkpoint(folder), is_checkpoint(f"{folder}/b")
        (True, False, False)
    """
    return Path(path, SUMS).is_file()


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
    if not is_checkpoint(folder):
        raise ValueError(f"expected a checkpoint written by lineage_jax.io.save, got {folder}, which has no {SUMS}")
    _check(folder)
    tree = read_arrays(folder / "tree")
    return _restored(folder) if tree is None else (tree, json.loads((folder / DESCRIPTION).read_text()))


def find_tree(path: str | os.PathLike) -> Path | None:
    """Returns the folder of the tree of arrays in a checkpoint that any program has written with orbax.

    Of the steps of a `CheckpointManager` that is the last, of several items one that is called as networks are.

    Returns:
        The folder, or None where there is no checkpoint of orbax.

    Raises:
        ValueError: If there are several trees, and none of them is called as networks are.
    """
    folder = Path(path).absolute()
    while folder.is_dir() and not (folder / TREE).is_file():
        inside = sorted(entry for entry in folder.iterdir() if entry.is_dir())
        steps = {int(match[1]): entry for entry in inside if (match := STEP.fullmatch(entry.name))}
        items = {entry.name: entry for entry in inside if (entry / TREE).is_file()}
        if steps and not items:
            folder = steps[max(steps)]
        elif items:
            name = next((name for name in (*ITEMS, *(items if len(items) == 1 else ())) if name in items), None)
            if name is None:
                raise ValueError(f"expected one tree of arrays in {folder}, got {', '.join(items)}: give one of these")
            folder = items[name]
        else:
            return None
    return folder if folder.is_dir() else None


def load_tree(path: str | os.PathLike) -> dict[str, Any]:
    """Reads the arrays that any program has written with orbax; moments of an optimizer are left out.

    Args:
        path: the folder of the tree, or one that `find_tree` finds it in.

    Returns:
        Nested dictionaries and lists of numpy arrays, on the host whatever devices they were saved from.

    Raises:
        FileNotFoundError: If there is no such folder.
        ValueError: If it is no checkpoint of orbax, or cannot be read.

    Examples:
        >>> import orbax.checkpoint as ocp
        >>> with tempfile.TemporaryDirectory() as folder, ocp.StandardCheckpointer() as checkpointer:
        ...     checkpointer.save(f"{folder}/a", {"params": {"w": np.ones(2)}, "opt_state": {"mu": np.ones(2)}})
        ...     checkpointer.wait_until_finished()
        ...     load_tree(f"{folder}/a")
        {'params': {'w': array([1., 1.])}}
    """
    import jax
    import orbax.checkpoint as ocp

    if not Path(path).exists():
        raise FileNotFoundError(f"expected a checkpoint, got {path}, where there is nothing")
    folder = find_tree(path)
    if folder is None:
        raise ValueError(f"expected a checkpoint of orbax, got {path}, which has no {TREE}")
    try:
        alone = _alone()
        handler = ocp.PyTreeCheckpointHandler(multiprocessing_options=alone)
        with ocp.Checkpointer(handler, multiprocessing_options=alone) as checkpointer:
            item = _wanted(checkpointer.metadata(folder).item_metadata.tree)
            if item is None:
                raise ValueError("it holds no arrays")
            on_the_host = jax.tree.map(lambda _: ocp.RestoreArgs(restore_type=np.ndarray), item)
            args = ocp.args.PyTreeRestore(item=item, restore_args=on_the_host, partial_restore=True)
            return checkpointer.restore(folder, args=args)
    except (AttributeError, KeyError, OSError, TypeError, ValueError) as error:
        said = (str(error).splitlines() or [type(error).__name__])[0][:200]
        raise ValueError(f"expected a checkpoint that orbax reads, got {folder}: {said}") from error


def listed_sha256(path: str | os.PathLike) -> str:
    """Returns what `sha256` does of a checkpoint that `load` has just found to be whole, without reading it again.

    Examples:
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     save(f"{folder}/a", {"w": np.arange(3)}, description={})
        ...     listed_sha256(f"{folder}/a") == sha256(f"{folder}/a")
        True
    """
    return _sum(Path(path, SUMS))


def sha256(path: str | os.PathLike) -> str:
    """Returns the SHA-256 of the list that `sha256sum` prints of a folder's files."""
    return hashlib.sha256("".join(f"{d}  {name}\n" for name, d in _sums(Path(path)).items()).encode()).hexdigest()


def _restored(folder: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """Has orbax read a checkpoint of ours."""
    import orbax.checkpoint as ocp

    items = {"tree": ocp.args.StandardRestore(), "description": ocp.args.JsonRestore()}
    alone = _alone()
    handler = ocp.CompositeCheckpointHandler(composite_options=ocp.CompositeOptions(multiprocessing_options=alone))
    with ocp.Checkpointer(handler, multiprocessing_options=alone) as checkpointer:
        restored = checkpointer.restore(folder, args=ocp.args.Composite(**items))
    return restored["tree"], restored["description"]


def _alone() -> Any:
    """Has a process read by itself: orbax would have all of a run wait for each other, who read other folders."""
    import jax
    import orbax.checkpoint as ocp

    process = jax.process_index()
    return ocp.options.MultiprocessingOptions(primary_host=process, active_processes={process})


def _wanted(described: Any) -> Any:
    """Returns the arrays of a tree that is described, without moments and texts."""
    if isinstance(described, Mapping):
        parts = {key: _wanted(value) for key, value in described.items() if key not in MOMENTS}
        return {key: value for key, value in parts.items() if value is not None} or None
    if isinstance(described, list | tuple):
        return [value for value in map(_wanted, described) if value is not None] or None
    return described if getattr(described, "shape", None) is not None else None


def _check_space(folder: Path, size: int) -> None:
    """Refuses to start what the disk has no room for: orbax would fail half-way, in threads of its own."""
    free = shutil.disk_usage(folder.parent).free
    if free < size:
        said = f"{os.strerror(errno.ENOSPC)}: the arrays take {size} bytes, {free} are free"
        raise OSError(errno.ENOSPC, said, str(folder))


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


def _host(tree: "Params") -> dict[str, Any]:
    """Returns the tree with string keys and numpy arrays, which can be loaded on any devices."""
    import jax

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
