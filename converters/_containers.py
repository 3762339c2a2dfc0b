"""Which container a file is, told by how it starts whatever the file is called, and the opening of it."""

import pickle
import re
from mmap import mmap
from pathlib import Path

from converters import _hdf5, _npy
from converters._archive import Archive
from converters._foreign import STEPS, named, named_zip
from converters._hdf5 import open_hdf5, open_keras
from converters._msgpack import open_msgpack
from converters._npy import open_npy, open_npz
from converters._onnx import GRAPH, open_onnx
from converters._pickle import open_pickle
from converters._protobuf import RUN, VARINT, fields
from converters._safetensors import open_safetensors
from converters._tar import open_tar
from converters._unreadable import Budget, UnreadableFile, damaged, shown
from converters._zip import directory, open_zip, roots_of

USERBLOCKS = (0, 512, 1024, 2048)
"""Where the superblock of an HDF5 file may lie."""
LONGEST_JSON = 1 << 27
"""Bytes of the header of a safetensors file at most, as its package has it too."""
PIECES = re.compile(r"\.(distcp|data-\d{5}-of-\d{5})$")
"""How files end that are a piece of something, whatever they start with."""
ONNX_START = 0x08
"""The first byte of a model: its field 1, a number."""
ONNX_VERSIONS = range(1, 32)
ONNX_FIELDS = {1, 2, 3, 4, 5, 6, 7, 8, 14, 20, 25, 26}
MOST_FIELDS = 1 << 16
"""Fields of an unknown message that are looked at."""


def open_file(data: mmap, budget: Budget, path: Path) -> tuple[str, Archive]:
    """Opens a file by what it starts with.

    Returns:
        The name of the container, and what it holds.

    Raises:
        UnreadableFile: If it is of no kind that is read, or malformed.
    """
    kind = named(data, path) if PIECES.search(path.name) else None
    if kind is not None:
        raise UnreadableFile(f"expected a file with a network, got {kind}")
    if data[:4] in (b"PK\3\4", b"PK\5\6"):
        return _open_archive(data, budget)
    if data[257:262] == b"ustar":
        return "tar", open_tar(data, budget)
    if data[8:9] == b"{" and (header := int.from_bytes(data[:8], "little")) <= LONGEST_JSON:
        if header > len(data) - 8:
            raise damaged(f"a header of {header} bytes of a safetensors file", f"{len(data) - 8}")
        return "safetensors", open_safetensors(data, budget, path)
    if data[:1] == pickle.PROTO and data[1:2] in (b"\2", b"\3", b"\4", b"\5"):
        archive = open_pickle(data, budget)
        return archive.container or "legacy", archive
    if data[:6] == _npy.MAGIC:
        return "npy", open_npy(data, budget)
    if any(data[start : start + 8] == _hdf5.MAGIC for start in USERBLOCKS):
        return "hdf5", open_hdf5(data, budget)
    if _is_msgpack(data):
        return "msgpack", open_msgpack(data, budget)
    if (path.suffix == ".onnx" and data[0] == ONNX_START) or _message(data) == "onnx":
        return "onnx", open_onnx(data, budget, path)
    raise UnreadableFile(_unknown(data, path))


def _open_archive(data: mmap, budget: Budget) -> tuple[str, Archive]:
    """Opens a zip archive: of `torch.save`, `numpy.savez` or Keras."""
    entries = directory(data, budget)
    if len(roots_of(entries)) == 1:
        return "zip", open_zip(data, entries, budget)
    if _hdf5.KERAS_WEIGHTS in entries:
        return "keras", open_keras(data, entries, budget)
    if any(name.endswith(".npy") for name in entries):
        return "npz", open_npz(data, entries, budget)
    kind = named_zip(list(entries))
    if kind is not None:
        raise UnreadableFile(f"expected a file with a network, got {kind}")
    names = ", ".join(map(shown, list(entries)[:3])) or "none"
    raise UnreadableFile(f"expected one entry NAME/data.pkl in the zip archive, got {names}: unpack the file inside")


def _is_msgpack(data: mmap) -> bool:
    """Says whether a file starts as a dictionary of MessagePack whose first key is a word."""
    skipped = {0xDE: 3, 0xDF: 5}.get(data[0], 1)
    code = data[skipped : skipped + 1] if 0x81 <= data[0] <= 0x8F or skipped > 1 else b""
    if code == b"\xd9":
        start, size = skipped + 2, data[skipped + 1 : skipped + 2][0] if len(data) > skipped + 1 else 0
    else:
        start, size = skipped + 1, code[0] & 0x1F if code and 0xA0 <= code[0] < 0xC0 else 0
    word = data[start : start + size].decode("latin-1")
    return bool(word) and word.isascii() and word.isprintable()


def _message(data: mmap) -> str | None:
    """Says of which kind a message of Protocol Buffers is, or nothing where the file is none from end to end."""
    found: dict[int, int] = {}
    try:
        for count, (number, wire, *_) in enumerate(fields(data, 0, len(data), Budget(1 << 30))):
            found.setdefault(number, wire)
            if count == MOST_FIELDS:
                break
    except UnreadableFile:
        return None
    if found.get(1) == VARINT and data[1] in ONNX_VERSIONS and found.get(GRAPH) == RUN and found.keys() <= ONNX_FIELDS:
        return "onnx"
    if found.get(1) == VARINT and found.keys() == {1, 2}:
        return f"a SavedModel of TensorFlow: give its variables folder, {STEPS['tensorflow']}"
    if found.get(1) == VARINT and max(found) >= 200:
        return "a model of Core ML: take the network it was converted from"
    if found.get(1) == RUN and (100 in found or (found.keys() >= {1, 2} and 4 not in found)):
        return "a .caffemodel of Caffe: load it with caffe or cv2.dnn and save its arrays by name with numpy.savez"
    if found.get(1) == RUN and found.keys() <= {1, 2, 3, 4}:
        return "a graph of TensorFlow or a checkpoint of MindSpore: load it there and save its arrays with numpy.savez"
    return None


def _unknown(data: mmap, path: Path) -> str:
    """Says what a file is of which no network is read."""
    message = _message(data)
    kind = named(data, path) or (message if message != "onnx" else None)
    expected = "expected a file of torch.save, safetensors, numpy, Flax, Keras or ONNX"
    if kind is None:
        return f"{expected}, got one that starts with {data[:16]!r}: fetch the file itself"
    return f"{expected}, got {kind}"
