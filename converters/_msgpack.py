"""Files of `flax.serialization.to_bytes`: MessagePack, with arrays in an extension type.

Read here and not by the msgpack package, because the file must not decide what is allocated: every length is measured
against the bytes that are there, and elements stay in the file. An array is (shape, name of the format, elements),
packed once more; one above 1 GiB is a dictionary of chunks, which have to be joined.

References:
    MessagePack specification, "Formats"; `flax.serialization`: `_ndarray_to_bytes`, `_chunk`.
"""

import math
import struct
from mmap import mmap
from typing import Any

import numpy as np

from converters._archive import Archive
from converters._numpy import strides_of
from converters._tensors import DTYPES, Storage, Tensor
from converters._unreadable import Budget, UnreadableFile, damaged, shown

ENTRY_COST = 512
"""Bytes charged for a value: more than the largest thing that one makes, a tensor."""
DEEPEST = 64
ARRAY, COMPLEX, SCALAR = 1, 2, 3
"""Flax's extension types."""
ANOTHER = "another program's MessagePack, save its arrays by name with numpy.savez"
CHUNKED = "__msgpack_chunked_array__"
MOST_AXES = 64

_ATOMS = {0xC0: None, 0xC2: False, 0xC3: True}
_NUMBERS = {0xCA: ">f", 0xCB: ">d", 0xCC: ">B", 0xCD: ">H", 0xCE: ">I", 0xCF: ">Q"}
_NUMBERS |= {0xD0: ">b", 0xD1: ">h", 0xD2: ">i", 0xD3: ">q"}
_BYTES, _TEXTS, _EXTENSIONS = {0xC4: 1, 0xC5: 2, 0xC6: 4}, {0xD9: 1, 0xDA: 2, 0xDB: 4}, {0xC7: 1, 0xC8: 2, 0xC9: 4}
_LISTS, _MAPS = {0xDC: 2, 0xDD: 4}, {0xDE: 2, 0xDF: 4}
"""First byte -> bytes of the length behind it."""
_FIXED_EXTENSIONS = {0xD4: 1, 0xD5: 2, 0xD6: 4, 0xD7: 8, 0xD8: 16}


def open_msgpack(data: mmap, budget: Budget) -> Archive:
    """Reads the tree of arrays.

    Raises:
        UnreadableFile: If the file is malformed, cut short, or holds arrays of what numpy has no numbers for.
    """
    reader = _Reader(data, 0, len(data), budget)
    value = reader.value(0)
    if reader.position != len(data):
        raise damaged(f"the end of the tree at byte {len(data)}", f"{reader.position}")
    return Archive(value=value, contents=lambda storage: _joined(data, storage, budget), is_tree=True)


class _Reader:
    """Reads values one behind another, up to `end`."""

    def __init__(self, data: mmap, position: int, end: int, budget: Budget) -> None:
        self.data, self.position, self.end, self.budget = data, position, end, budget

    def take(self, size: int) -> bytes:
        self.skip(size)
        return self.data[self.position - size : self.position]

    def skip(self, size: int) -> int:
        """Passes over bytes and returns where they start."""
        if size > self.end - self.position:
            raise damaged(f"{size} more bytes at byte {self.position}", f"{self.end - self.position}")
        self.position += size
        return self.position - size

    def size(self, width: int) -> int:
        return int.from_bytes(self.take(width), "big")

    def value(self, depth: int) -> Any:
        self.budget.spend(ENTRY_COST)
        (code,) = self.take(1)
        if code < 0x80 or code >= 0xE0:
            return code if code < 0x80 else code - 0x100
        if code < 0x90 or code in _MAPS:
            return self.mapping(code & 0x0F if code < 0x90 else self.size(_MAPS[code]), depth)
        if code < 0xA0 or code in _LISTS:
            return self.elements(code & 0x0F if code < 0xA0 else self.size(_LISTS[code]), depth)
        if code < 0xC0 or code in _TEXTS:
            return self.text(code & 0x1F if code < 0xC0 else self.size(_TEXTS[code]))
        if code in _ATOMS:
            return _ATOMS[code]
        if code in _NUMBERS:
            layout = _NUMBERS[code]
            return struct.unpack(layout, self.take(struct.calcsize(layout)))[0]
        if code in _BYTES:
            return self.run(self.size(_BYTES[code]))
        if code in _EXTENSIONS or code in _FIXED_EXTENSIONS:
            size = self.size(_EXTENSIONS[code]) if code in _EXTENSIONS else _FIXED_EXTENSIONS[code]
            return self.extension(size)
        raise damaged("a value of MessagePack", f"byte {code:#x} at {self.position - 1}")

    def mapping(self, count: int, depth: int) -> Any:
        found: dict[str, Any] = {}
        for _ in range(self.counted(count, depth)):
            key = self.value(depth + 1)
            if not isinstance(key, str | int):
                raise UnreadableFile(f"expected a tree of Flax with names as keys, got {shown(key)}: {ANOTHER}")
            found[str(key)] = self.value(depth + 1)
        return self.whole(found) if found.get(CHUNKED) is True else found

    def elements(self, count: int, depth: int) -> list:
        return [self.value(depth + 1) for _ in range(self.counted(count, depth))]

    def counted(self, count: int, depth: int) -> int:
        if depth > DEEPEST:
            raise UnreadableFile(f"expected at most {DEEPEST} levels of dictionaries, got more")
        if count > self.end - self.position:
            raise damaged(f"{count} values behind byte {self.position}", f"{self.end - self.position} bytes")
        return count

    def text(self, size: int) -> str:
        self.budget.spend(4 * min(size, len(self.data)))
        try:
            return self.take(size).decode()
        except UnicodeDecodeError as error:
            raise damaged("UTF-8 text", f"other bytes before byte {self.position}") from error

    def run(self, size: int) -> tuple[int, int]:
        """Returns where a string of bytes lies: its start and its size."""
        return self.skip(size), size

    def extension(self, size: int) -> Any:
        """Reads an array, or a number; (real, imaginary) of a complex one."""
        (kind,) = self.take(1)
        start = self.skip(size)
        inner = _Reader(self.data, start, start + size, self.budget)
        if kind not in (ARRAY, COMPLEX, SCALAR):
            return f"extension {kind} of {size} bytes"
        value = inner.value(0)
        return f"complex {shown(value)}" if kind == COMPLEX else _tensor(value)

    def whole(self, chunks: dict[str, Any]) -> Tensor:
        """Returns an array of chunks as one, whose storage is the list of theirs."""
        match chunks:
            case {"shape": dict(shape), "chunks": dict(parts)} if parts:
                lengths, runs = tuple(shape.values()), list(parts.values())
                if _is_shape(lengths) and all(isinstance(run, Tensor) and run.dtype == runs[0].dtype for run in runs):
                    key = ",".join(run.storage.key for run in runs)
                    if sum(run.storage.count for run in runs) == math.prod(lengths):
                        return _window(key, runs[0].dtype, lengths)
        raise damaged("shape and chunks of an array", chunks)


def _tensor(value: Any) -> Tensor:
    match value:
        case (list(shape), str() | tuple() as name, (int(start), int(size))) if _is_shape(shape):
            dtype = DTYPES.get(name) if isinstance(name, str) else None
            if dtype is None:
                raise UnreadableFile(f"expected arrays of {', '.join(DTYPES)}, got {shown(name)}: convert them")
            if math.prod(shape) * dtype.itemsize != size:
                raise damaged(f"{math.prod(shape) * dtype.itemsize} bytes of an array", f"{size}")
            return _window(f"{start}:{start + size}", dtype, tuple(shape))
    raise UnreadableFile(f"expected shape, format and elements as Flax packs an array, got {shown(value)}: {ANOTHER}")


def _is_shape(lengths: Any) -> bool:
    return len(lengths) <= MOST_AXES and all(isinstance(length, int) and length >= 0 for length in lengths)


def _window(key: str, dtype: np.dtype, shape: tuple[int, ...]) -> Tensor:
    storage = Storage(key=key, dtype=dtype, count=math.prod(shape))
    return Tensor(storage=storage, dtype=dtype, offset=0, shape=shape, strides=strides_of(shape, fortran=False))


def _joined(data: mmap, storage: Storage, budget: Budget) -> np.ndarray:
    """Returns the elements of an array: a view, or its chunks copied together."""
    file = np.frombuffer(data, np.uint8)
    runs = [file[slice(*map(int, run.split(":")))] for run in storage.key.split(",")]
    if len(runs) == 1:
        return runs[0]
    budget.spend(sum(run.size for run in runs))
    return np.concatenate(runs)
