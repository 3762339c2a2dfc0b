"""The arrays of a checkpoint folder of ours, by the library that orbax keeps them with.

Orbax looks after handlers, event loops and metadata again for every folder; for small networks that takes ten times as
long as their arrays do, and a sweep reads thousands. What is laid out otherwise than `save` does it is left to orbax.
"""

import json
from pathlib import Path
from typing import Any

LAYOUT = {"use_ocdbt": True, "use_zarr3": False}
"""What orbax says of a tree whose arrays lie as they are read here."""

TREE = "_METADATA"
"""The file by which orbax describes a tree of arrays."""


def read_arrays(folder: Path) -> dict[str, Any] | None:
    """Reads a tree of numpy arrays, all at once.

    Args:
        folder: of the tree.

    Returns:
        Nested dictionaries of numpy arrays, or None where the tree is laid out otherwise or holds something else.
    """
    described = json.loads((folder / TREE).read_text())
    leaves = described["tree_metadata"].values()
    if any(described.get(key) != value for key, value in LAYOUT.items()) or not all(map(_is_array, leaves)):
        return None
    paths = [[key["key"] for key in leaf["key_metadata"]] for leaf in leaves]
    tree: dict[str, Any] = {}
    for path, array in zip(paths, _read(folder, [".".join(path) for path in paths]), strict=True):
        inside = tree
        for key in path[:-1]:
            inside = inside.setdefault(key, {})
        inside[path[-1]] = array
    return tree


def _is_array(leaf: dict[str, Any]) -> bool:
    return leaf["value_metadata"]["value_type"] == "np.ndarray"


def _read(folder: Path, names: list[str]) -> list[Any]:
    import tensorstore

    context = tensorstore.Context()
    arrays = {"driver": "ocdbt", "base": f"file://{folder}/"}
    opened = [
        tensorstore.open({"driver": "zarr", "kvstore": arrays | {"path": f"{name}/"}}, open=True, context=context)
        for name in names
    ]
    reads = [array.result().read() for array in opened]
    return [read.result() for read in reads]
