"""What a file or folder holds, without making a network of it."""

import collections
import dataclasses
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lineage_jax.checkpoints._identify import notes_of
from lineage_jax.checkpoints._load import read_file

if TYPE_CHECKING:
    import numpy as np

    from converters import Checkpoint, Match, Recognition

MANY = 20
"""Elements of a list in a description from which it is left out."""
MOST_DIFFERENCES = 3
"""Differences told of an entry that does not fit."""


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Contents:
    """What a file or folder holds.

    Attributes:
        tensors: its arrays by name.
        described: what is known of them by words, as JSON can hold it: file or folder, SHA-256, container, how many
            tensors and parameters of which dtypes, architecture or the nearest ones, what is no weight and why.
    """

    tensors: "Mapping[str, np.ndarray]"
    described: dict[str, Any]


def contents_of(path: str | os.PathLike, nesting: str | None = None) -> Contents:
    """Looks at what a file or folder holds: container, tensors, architecture, SHA-256.

    Args:
        path: a file or folder of another program, or a checkpoint folder of ours, whatever it holds: a network, a tree
            of arrays, a family, a detector.
        nesting: which network of a file of several, such as `model_ema`.

    Raises:
        FileNotFoundError: If there is nothing at `path`.
        ValueError: If it holds no arrays, or several networks of which `nesting` names none.

    Examples:
        >>> import tempfile, numpy as np
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     np.savez(f"{folder}/a.npz", **{"fc.weight": np.ones((3, 2)), "fc.bias": np.ones(3)})
        ...     contents = contents_of(f"{folder}/a.npz")
        >>> {name: contents.described[name] for name in ("container", "tensors", "parameters", "dtypes")}
        {'container': 'npz', 'tensors': 2, 'parameters': 9, 'dtypes': {'float64': 2}}
    """
    from lineage_jax import io

    path = Path(path)
    return _of_own(path) if io.is_checkpoint(path) else _of_others(path, nesting)


def _of_others(path: Path, nesting: str | None) -> Contents:
    import converters

    file = read_file(path, nesting)
    shapes = {name: array.shape for name, array in file.tensors.items()}
    found = converters.recognise(shapes, buffers=file.buffers)
    notes = [note for match in found.fits[:1] for note in notes_of(match, file)]
    described = _of_file(file) | _architecture(found) | {"notes": [*file.notes, *notes]}
    return Contents(tensors=file.tensors, described=described)


def _of_own(folder: Path) -> Contents:
    import jax
    import numpy as np

    from lineage_jax import io

    tree, description = io.load(folder)
    leaves = jax.tree.leaves_with_path(tree)
    arrays = {jax.tree_util.keystr(path, simple=True, separator="."): np.asarray(leaf) for path, leaf in leaves}
    words = {key: value for key, value in description.items() if not isinstance(value, list) or len(value) < MANY}
    described = {"folder": str(folder), "container": "orbax"} | _counts(arrays) | words
    return Contents(tensors=arrays, described=described)


def _of_file(file: "Checkpoint") -> dict[str, Any]:
    """Says what was read, tensors as counts."""
    return {
        "file": str(file.path),
        "sha256": file.sha256,
        "container": file.container,
        "nesting": file.nesting,
        "prefix": file.prefix,
        **_counts(file.tensors),
        "other content": file.others,
        "no weights": _by_reason(file.buffers),
        "not brought to plain weights": _by_reason(file.unresolved),
        "placeholders": list(file.placeholders),
    }


def _by_reason(reasons: Mapping[str, str]) -> dict[str, list[str]]:
    """Returns the names of every reason."""
    names: dict[str, list[str]] = {}
    for name, reason in reasons.items():
        names.setdefault(reason, []).append(name)
    return names


def _counts(arrays: "Mapping[str, np.ndarray]") -> dict[str, Any]:
    """Counts tensors, parameters and number formats."""
    return {
        "tensors": len(arrays),
        "parameters": sum(array.size for array in arrays.values()),
        "dtypes": dict(collections.Counter(str(array.dtype) for array in arrays.values())),
    }


def _architecture(found: "Recognition") -> dict[str, Any]:
    """Says which networks fit, or which come nearest and what differs."""
    if found.fits:
        return {"architecture": {match.entry.name: dict(match.settings or {}) for match in found.fits}}
    return {"no known architecture, nearest": {match.entry.name: _difference(match) for match in found.nearest}}


def _difference(match: "Match") -> dict[str, Any]:
    """Says how much of an entry agrees, and the first of what does not."""
    shown = list(match.differences[:MOST_DIFFERENCES])
    more = len(match.differences) - len(shown)
    return {"agrees": f"{match.share:.0%}", "differs": [*shown, *([f"{more} more"] if more else [])]}
