"""What a container of `torch.save` comes down to: the pickled value, and where the bytes of its storages are."""

import dataclasses
from typing import Any

import numpy as np

from converters._tensors import Contents, Storage


@dataclasses.dataclass(frozen=True, kw_only=True)
class Archive:
    """A container whose pickle has been run.

    Attributes:
        value: what was saved; its tensors are descriptions.
        contents: returns the bytes of a storage.
        globals: names that the pickle looked up and that are not rebuilt.
        texts: what was saved beside the value, in a few words.
        notes: what a user should know of the file.
        is_tree: whether the network in it is to be looked for as in nested dictionaries of arrays.
        layout: "torch" or "flax" where the container tells, else names do.
        container: its name, where the opener knows better.
    """

    value: Any
    contents: Contents
    globals: tuple[str, ...] = ()
    texts: dict[str, str] = dataclasses.field(default_factory=dict)
    notes: tuple[str, ...] = ()
    is_tree: bool = False
    layout: str | None = None
    container: str | None = None


def stretch(file: np.ndarray, position: int, storage: Storage) -> np.ndarray:
    """Returns the bytes of a storage whose run of elements starts at `position`."""
    size = storage.dtype.itemsize
    return file[position + storage.start * size : position + (storage.start + storage.count) * size]
