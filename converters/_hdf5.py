"""HDF5 files by h5py, an extra: plain ones and those of Keras, whose layout is Flax's.

Arrays are called by their path. One that lies in one piece is a view of the file; a chunked or packed one is read into
a new array. Links to other files, arrays kept in other files and filters that are plug-ins are refused, because each
would make the library open what the file names.

References:
    The HDF Group, "HDF5 File Format Specification"; Keras, `keras/src/saving/saving_lib.py`.
"""

import io
import itertools
import math
from collections.abc import Iterator
from mmap import mmap
from typing import Any

import numpy as np

from converters._archive import Archive
from converters._numpy import OBJECTS, TEXTS, is_number, number_format, strides_of
from converters._tensors import Storage, Tensor
from converters._unreadable import Budget, UnreadableFile, damaged, shown
from converters._zip import Entry, start_of, unpack

MAGIC = b"\x89HDF\r\n\x1a\n"
OBJECT_COST = 16384
"""Bytes charged for a group or dataset: what h5py and the library below take for one."""
FILTERS = {1, 2, 3, 4, 6, 32000}
"""Packers that come with h5py: deflate, shuffle, Fletcher's sum, szip, scale and offset, LZF."""
MOST_OBJECTS = 1 << 16
DEEPEST = 64
KERAS_WEIGHTS, KERAS_CONFIG = "model.weights.h5", "config.json"
ROLES = {
    (2,): ("kernel",),
    (2, 1): ("kernel", "bias"),
    (1, 1): ("scale", "bias"),
    (1, 1, 1, 1): ("scale", "bias", "mean", "var"),
}
"""What the variables of a layer are: how many axes each has, 2 standing for more -> names."""


def open_hdf5(data: mmap | np.ndarray, budget: Budget) -> Archive:
    """Reads the arrays of all groups.

    Raises:
        UnreadableFile: If h5py is not installed, or the file is malformed, or leads to other files.
    """
    h5py = _library()
    content = np.frombuffer(data, np.uint8)
    try:
        with h5py.File(_Window(content), "r") as file:
            values, texts = _arrays(h5py, file, content, budget)
    except UnreadableFile:
        raise
    except (
        OSError,
        RuntimeError,
        ValueError,
        KeyError,
        TypeError,
        OverflowError,
        MemoryError,
        NotImplementedError,
    ) as error:
        said = str(error) or type(error).__name__
        if "truncated" in said or "eof" in said or "addr overflow" in said:
            raise damaged("an HDF5 file", said) from error
        raise UnreadableFile(f"expected an HDF5 file that h5py reads, got an error: {shown(said)}") from error
    layout = "flax" if any(_is_keras(name) for name in values) else None
    return Archive(value=_without_numbers(values), contents=_nothing, texts=texts, is_tree=True, layout=layout)


def open_keras(data: mmap, entries: dict[str, Entry], budget: Budget) -> Archive:
    """Reads the weights inside a `.keras` archive."""
    file = np.frombuffer(data, np.uint8)
    entry = entries[KERAS_WEIGHTS]
    content = unpack(file, entry, budget)
    if content.base is file and entry.size:
        content = file[start_of(file, entry) : start_of(file, entry) + entry.size]
    archive = open_hdf5(content, budget)
    texts = {name: "no array" for name in entries if name != KERAS_WEIGHTS}
    return Archive(
        value=archive.value, contents=archive.contents, texts={**texts, **archive.texts}, is_tree=True, layout="flax"
    )


def _library() -> Any:
    try:
        import h5py
    except ImportError as error:
        raise UnreadableFile("expected h5py, which reads HDF5: pip install 'lineage-jax[hdf5]'") from error
    return h5py


class _Window(io.RawIOBase):
    """A file object over bytes that are mapped; it has no path."""

    def __init__(self, content: np.ndarray) -> None:
        self._content, self._place = content, 0

    def readinto(self, target: Any) -> int:
        found = self._content[self._place : self._place + len(target)]
        target[: found.size] = found.tobytes()
        self._place += found.size
        return found.size

    def seek(self, offset: int, whence: int = 0) -> int:
        self._place = max(0, offset + (0, self._place, self._content.size)[whence])
        return self._place

    def tell(self) -> int:
        return self._place

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True


def _arrays(h5py: Any, file: Any, content: np.ndarray, budget: Budget) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Returns the datasets of numbers by path, and what else there is."""
    tensors: dict[str, Tensor] = {}
    texts: dict[str, str] = {}
    for name, dataset in _datasets(h5py, file, budget):
        dtype, swapped = _number_format(h5py, dataset)
        if not is_number(dtype) or dataset.shape is None:
            texts[name] = "texts" if dtype == TEXTS else "values that are no numbers"
            continue
        tensors[name] = _tensor(dataset, name, content, dtype, swapped, budget)
    return tensors, texts


def _datasets(h5py: Any, file: Any, budget: Budget) -> Iterator[tuple[str, Any]]:
    """Yields what hard links lead to, every object once."""
    seen: set[int] = set()
    waiting: list[tuple[str, Any]] = [("", file)]
    while waiting:
        path, group = waiting.pop()
        found = []
        for key in group:
            budget.spend(OBJECT_COST + 4 * len(key))
            name = f"{path}/{key}" if path else key
            link = group.get(key, getlink=True)
            if isinstance(link, h5py.SoftLink):
                continue  # another name of what is found anyway
            if not isinstance(link, h5py.HardLink):
                raise UnreadableFile(f"expected a file that is whole in itself, got a link out of it at {shown(name)}")
            place = h5py.h5o.get_info(group.id, key.encode()).addr
            if place in seen or len(seen) > MOST_OBJECTS or name.count("/") > DEEPEST:
                continue
            seen.add(place)
            each = group[key]
            if isinstance(each, h5py.Group):
                found.append((name, each))
            elif isinstance(each, h5py.Dataset):
                yield name, each
        waiting.extend(reversed(found))


def _number_format(h5py: Any, dataset: Any) -> tuple[np.dtype, bool]:
    kind = dataset.id.get_type()
    if isinstance(kind, h5py.h5t.TypeStringID) or dataset.dtype.kind == "S" or h5py.check_string_dtype(dataset.dtype):
        return TEXTS, False
    if isinstance(kind, h5py.h5t.TypeEnumID) and dataset.dtype != np.bool_:
        return OBJECTS, False
    return number_format(dataset.dtype.str) if dataset.dtype.names is None else (OBJECTS, False)


def _tensor(dataset: Any, name: str, content: np.ndarray, dtype: np.dtype, swapped: bool, budget: Budget) -> Tensor:
    """Returns a view of the file where the elements lie there in one piece, else a copy of them."""
    shape, count = dataset.shape, math.prod(dataset.shape)
    plist = dataset.id.get_create_plist()
    filters = {plist.get_filter(index)[0] for index in range(plist.get_nfilters())}
    if plist.get_external_count() or dataset.is_virtual:
        raise UnreadableFile(f"expected a file that is whole in itself, got one that keeps {shown(name)} in others")
    if filters - FILTERS:
        raise UnreadableFile(f"expected packing by gzip or lzf, got filter {min(filters - FILTERS)}: write it without")
    start, size = dataset.id.get_offset(), count * dtype.itemsize
    if start is not None and not filters and dataset.dtype.itemsize == dtype.itemsize:
        stored = content[start : start + size]
        if stored.size != size:
            raise damaged(f"{size} bytes of {shown(name)} at byte {start}", f"{stored.size}")
    else:
        budget.spend(2 * size)
        swapped = False
        stored = np.ascontiguousarray(dataset[()]).astype(dtype, copy=False).reshape(-1).view(np.uint8)
    storage = Storage(key="", dtype=dtype, count=count, content=stored, swapped=swapped)
    return Tensor(storage=storage, dtype=dtype, offset=0, shape=shape, strides=strides_of(shape, fortran=False))


def _without_numbers(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """Names the variables of the usual layers, which Keras 3 numbers, by how many they are and their axes."""
    named: dict[str, Tensor] = {}
    for group, members in itertools.groupby(tensors.items(), lambda item: item[0].rpartition("/")[0]):
        found = dict(members)
        numbered = group.endswith("vars") and [*found] == [f"{group}/{index}" for index in range(len(found))]
        roles = ROLES.get(tuple(min(len(tensor.shape), 2) for tensor in found.values())) if numbered else None
        leaves = [f"{group}/{role}" for role in roles] if roles else [*found]
        named |= dict(zip(leaves, found.values(), strict=True))
    return named


def _is_keras(name: str) -> bool:
    """Says whether Keras numbers variables so, or TensorFlow names them so."""
    module, _, leaf = name.rpartition("/")
    return leaf.endswith(":0") or (module.endswith("vars") and leaf.isdigit())


def _nothing(storage: Storage) -> np.ndarray:
    raise damaged("elements of an array", storage.key)
