"""The initialisers of an ONNX model: its weights, under the names that the exporter gave them.

The file is a message of Protocol Buffers that is walked where it lies, so that elements stay in the file, and the onnx
package is not needed. Elements may lie in files beside the model; those are read too where they lie in its folder.

References:
    ONNX, `onnx/onnx.proto`: ModelProto, GraphProto, TensorProto; "External Data".
"""

import dataclasses
import functools
import math
import mmap
from pathlib import Path
from typing import Any

import numpy as np

from converters._archive import Archive
from converters._numpy import strides_of
from converters._protobuf import RUN, VARINT, fields, varints
from converters._safe_path import path_within
from converters._tensors import DTYPES, Storage, Tensor
from converters._unreadable import Budget, UnreadableFile, damaged, shown

GRAPH, PRODUCER = 7, 2
INITIALISER = 5
DIMS, DATA_TYPE, NAME, RAW, EXTERNAL, LOCATION = 1, 2, 8, 9, 13, 14
FLOATS, INTEGERS, TEXTS, LONGS, DOUBLES, UNSIGNED = 4, 5, 6, 7, 10, 11
FORMATS = {
    **{1: "float32", 2: "uint8", 3: "int8", 4: "uint16", 5: "int16", 6: "int32", 7: "int64", 9: "bool"},
    **{10: "float16", 11: "float64", 12: "uint32", 13: "uint64", 14: "complex64", 15: "complex128", 16: "bfloat16"},
    **{17: "float8_e4m3fn", 18: "float8_e4m3fnuz", 19: "float8_e5m2", 20: "float8_e5m2fnuz", 24: "float8_e8m0fnu"},
}
"""Number of a format in TensorProto -> its name."""
STRING = 8
TYPED = {FLOATS: "float32", DOUBLES: "float64"}
"""Fields whose elements lie there as they are."""
MOST_AXES = 64


@dataclasses.dataclass(kw_only=True, slots=True)
class _Initialiser:
    """What was found of a TensorProto; `runs` are (start, end) in the file."""

    name: str = ""
    data_type: int = 0
    shape: list[int] = dataclasses.field(default_factory=list)
    raw: tuple[int, int] | None = None
    typed: dict[int, list[tuple[int, int]]] = dataclasses.field(default_factory=dict)
    external: dict[str, str] = dataclasses.field(default_factory=dict)
    outside: bool = False


def open_onnx(data: mmap.mmap, budget: Budget, path: Path) -> Archive:
    """Reads the initialisers of the model at `path`, which is mapped as `data`.

    Raises:
        UnreadableFile: If the model is malformed, or a format has no numbers in numpy, or elements lie elsewhere.
    """
    tensors: dict[str, Tensor] = {}
    texts: dict[str, str] = {}
    for number, wire, start, end in fields(data, 0, len(data), budget):
        if number == PRODUCER and wire == RUN:
            texts["producer"] = shown(data[start : min(end, start + 80)].decode(errors="replace"))
        if number != GRAPH or wire != RUN:
            continue
        for inner, inner_wire, first, last in fields(data, start, end, budget):
            if inner == INITIALISER and inner_wire == RUN:
                found = _initialiser(data, first, last, budget)
                if found.data_type == STRING:
                    texts[found.name] = "texts"
                    continue
                if found.name in tensors:
                    raise damaged("initialisers of different names", f"{shown(found.name)} twice")
                tensors[found.name] = _tensor(found, data, budget, path)
    if not tensors:
        raise UnreadableFile("expected an ONNX model with initialisers, got one without: export it with its weights")

    @functools.cache
    def outside(location: str) -> np.ndarray:
        with path_within(path.parent, location).open("rb") as file:
            return np.frombuffer(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ), np.uint8)

    def contents(storage: Storage) -> np.ndarray:
        start, location = storage.key.split(":", 1)
        content = outside(location) if location else np.frombuffer(data, np.uint8)
        return content[int(start) : int(start) + storage.count * storage.dtype.itemsize]

    return Archive(value=tensors, contents=contents, texts=texts)


def _initialiser(data: mmap.mmap, start: int, end: int, budget: Budget) -> _Initialiser:
    found = _Initialiser()
    for number, wire, first, last in fields(data, start, end, budget):
        if number == DIMS:
            found.shape += [first] if wire == VARINT else list(varints(data, first, last, budget))
        elif number == DATA_TYPE and wire == VARINT:
            found.data_type = first
        elif number == NAME and wire == RUN:
            found.name = _text(data, first, last, budget)
        elif number == RAW and wire == RUN:
            found.raw = first, last
        elif number == LOCATION and wire == VARINT:
            found.outside = first == 1
        elif number == EXTERNAL and wire == RUN:
            key, value = _entry(data, first, last, budget)
            found.external[key] = value
        elif number in (FLOATS, INTEGERS, LONGS, DOUBLES, UNSIGNED):
            if wire == VARINT:
                raise UnreadableFile("expected packed elements, got single ones: save the model again with onnx")
            found.typed.setdefault(number, []).append((first, last))
    return found


def _entry(data: mmap.mmap, start: int, end: int, budget: Budget) -> tuple[str, str]:
    texts = {}
    for number, wire, first, last in fields(data, start, end, budget):
        if wire == RUN:
            texts[number] = _text(data, first, last, budget)
    return texts.get(1, ""), texts.get(2, "")


def _text(data: mmap.mmap, start: int, end: int, budget: Budget) -> str:
    budget.spend(4 * (end - start))
    return data[start:end].decode(errors="replace")


def _tensor(found: _Initialiser, data: mmap.mmap, budget: Budget, path: Path) -> Tensor:
    if found.data_type not in FORMATS:
        raise UnreadableFile(
            f"expected initialisers in {', '.join(FORMATS.values())}, got format {found.data_type} of "
            f"{shown(found.name)}: export the model in float32"
        )
    dtype, shape = DTYPES[FORMATS[found.data_type]], tuple(found.shape)
    if len(shape) > MOST_AXES or any(length >= 1 << 62 for length in shape):
        raise damaged(f"the shape of {shown(found.name)}", shape)
    count = math.prod(shape)
    storage = Storage(key="0:", dtype=dtype, count=count)
    if found.outside:
        storage = _outside(found, storage, path)
    elif found.raw is not None or not found.typed:
        start, end = found.raw or (0, 0)
        if end - start != count * dtype.itemsize:
            raise damaged(f"{count * dtype.itemsize} bytes of {shown(found.name)}", f"{end - start}")
        storage = dataclasses.replace(storage, key=f"{start}:")
    else:
        storage = dataclasses.replace(storage, content=_typed(found, dtype, count, data, budget))
    return Tensor(storage=storage, dtype=dtype, offset=0, shape=shape, strides=strides_of(shape, fortran=False))


def _outside(found: _Initialiser, storage: Storage, path: Path) -> Storage:
    location, offset = found.external.get("location", ""), found.external.get("offset", "0")
    if not (offset.isascii() and offset.isdigit() and len(offset) < 20):
        raise damaged(f"the place of {shown(found.name)} in {shown(location)}", offset)
    size = path_within(path.parent, location).stat().st_size
    if int(offset) + storage.count * storage.dtype.itemsize > size:
        raise damaged(f"the elements of {shown(found.name)} in {shown(location)}", f"{size} bytes")
    return dataclasses.replace(storage, key=f"{offset}:{location}")


def _typed(found: _Initialiser, dtype: np.dtype, count: int, data: mmap.mmap, budget: Budget) -> np.ndarray:
    """Returns elements that lie in a field of their type: in four or eight bytes each, or as numbers of any length."""
    ((field, runs),) = found.typed.items() if len(found.typed) == 1 else ((0, []),)
    if field in TYPED:
        elements: Any = np.frombuffer(b"".join(data[start:end] for start, end in runs), np.uint8)
        budget.spend(2 * elements.size)
    else:
        values = [value for start, end in runs for value in varints(data, start, end, budget)]
        budget.spend(16 * len(values))
        elements = np.array(values, np.uint64)
        if dtype.kind not in "iub":  # half precision is written as its bits
            elements = elements.astype(f"u{dtype.itemsize}")
        elements = elements.astype(dtype if dtype.kind in "iub" else elements.dtype).view(np.uint8)
    if elements.size != count * dtype.itemsize:
        raise damaged(f"{count} elements of {shown(found.name)}", f"{elements.size // dtype.itemsize}")
    return elements
