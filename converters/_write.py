"""Writing a network's arrays as a file that PyTorch or safetensors reads: complete under its name, or not there."""

import math
import os
import pickle
import struct
import tempfile
import zipfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import safetensors
import safetensors.numpy

from converters._tensors import DTYPES, STORAGES
from converters._zip import LOCAL

ALIGNMENT = 64
"""Bytes on which `torch.save` lets the elements of a storage start."""
PADDING_FIELD = 0x4246
"""The extra field that fills up to the alignment, named as PyTorch names it: "FB"."""
TORCH_NAMES = {dtype: name for name, dtype in DTYPES.items()}
STORAGE_NAMES = {dtype: name for name, dtype in reversed(STORAGES.items())}


def write(path: str | os.PathLike, tensors: Mapping[str, np.ndarray]) -> None:
    """Writes arrays by name, as the suffix says: `.pt` or `.pth` for `torch.load`, `.safetensors` for safetensors.

    `torch.load(path, weights_only=True)` gives the `state_dict`, in the same order; safetensors files have an order of
    their own. Arrays that share memory are written once each.

    Raises:
        FileExistsError: If `path` exists; it is left untouched.
        ValueError: If the suffix is another one, or the format has no such numbers.
        TypeError: If a name is not a text or a value not an array.

    Examples:
        >>> import converters
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     converters.write(f"{folder}/a.safetensors", {"fc.bias": np.arange(3.0)})
        ...     converters.read(f"{folder}/a.safetensors").container
        'safetensors'
    """
    path = Path(path)
    writer = WRITERS.get(path.suffix)
    if writer is None:
        raise ValueError(f"expected a path that ends in {', '.join(WRITERS)}, got {path}: rename it")
    if os.path.lexists(path):
        raise FileExistsError(f"expected a new path for the network, got {path}, which exists: choose another")
    arrays = {name: _checked(name, array) for name, array in tensors.items()}
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f"{path.name}.unfinished-", dir=path.parent) as unfinished:
        file = Path(unfinished, path.name)
        writer(file, arrays)
        file.rename(path)


def _checked(name: str, array: np.ndarray) -> np.ndarray:
    """Returns the array with its elements in order and little-endian, which is how both formats store them."""
    if not isinstance(name, str) or not isinstance(array, np.ndarray):
        raise TypeError(f"expected arrays by name, got {type(array).__name__} under {name!r}: use numpy.asarray")
    array = np.ascontiguousarray(array).reshape(array.shape)
    array = array.astype(array.dtype.newbyteorder("<"), copy=False)
    if array.dtype not in TORCH_NAMES:
        raise ValueError(f"expected arrays of {', '.join(DTYPES)}, got {array.dtype} under {name!r}: convert it")
    return array


def _write_zip(path: Path, arrays: Mapping[str, np.ndarray]) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in (("data.pkl", _script(arrays)), ("byteorder", b"little"), ("version", b"3\n")):
            archive.writestr(zipfile.ZipInfo(f"archive/{name}"), content)
        for key, array in enumerate(arrays.values()):
            _write_storage(archive, f"archive/data/{key}", array)


def _write_storage(archive: zipfile.ZipFile, name: str, array: np.ndarray) -> None:
    """Writes the elements where a reader that maps the file finds them aligned."""
    entry = zipfile.ZipInfo(name)
    wide = array.nbytes > zipfile.ZIP64_LIMIT // 2
    start = archive.start_dir + LOCAL.size + len(name) + 4 + (20 if wide else 0)
    padding = -start % ALIGNMENT
    entry.extra = struct.pack("<HH", PADDING_FIELD, padding) + bytes(padding)
    with archive.open(entry, "w", force_zip64=wide) as file:
        file.write(array.reshape(-1).view(np.uint8).data)


def _script(arrays: Mapping[str, np.ndarray]) -> bytes:
    """Returns the pickle of an OrderedDict of tensors, as `torch.save` writes it in protocol 2."""
    ordered = _global("collections", "OrderedDict") + pickle.EMPTY_TUPLE + pickle.REDUCE
    entries = b"".join(_text(name) + _tensor(key, array, ordered) for key, (name, array) in enumerate(arrays.items()))
    return pickle.PROTO + b"\2" + ordered + pickle.MARK + entries + pickle.SETITEMS + pickle.STOP


def _tensor(key: int, array: np.ndarray, no_hooks: bytes) -> bytes:
    """Returns the call that rebuilds a tensor from storage `key`; formats without a storage class are named apart."""
    storage = STORAGE_NAMES.get(array.dtype)
    rebuild = "_rebuild_tensor_v2" if storage else "_rebuild_tensor_v3"
    count = array.size if storage else array.nbytes
    where = _global("torch", storage) if storage else _global("torch.storage", "UntypedStorage")
    reference = _tuple(_text("storage"), where, _text(str(key)), _text("cpu"), _integer(count)) + pickle.BINPERSID
    strides = (math.prod(array.shape[axis + 1 :]) for axis in range(array.ndim))
    window = (_integer(0), _tuple(*map(_integer, array.shape)), _tuple(*map(_integer, strides)))
    named_apart = () if storage else (_global("torch", TORCH_NAMES[array.dtype]),)
    arguments = _tuple(reference, *window, pickle.NEWFALSE, no_hooks, *named_apart)
    return _global("torch._utils", rebuild) + arguments + pickle.REDUCE


def _global(module: str, name: str) -> bytes:
    return pickle.GLOBAL + f"{module}\n{name}\n".encode()


def _tuple(*items: bytes) -> bytes:
    return pickle.MARK + b"".join(items) + pickle.TUPLE


def _text(text: str) -> bytes:
    return pickle.BINUNICODE + struct.pack("<I", len(text.encode())) + text.encode()


def _integer(number: int) -> bytes:
    if number < 1 << 31:
        return pickle.BININT + struct.pack("<i", number)
    return pickle.LONG1 + b"\x08" + struct.pack("<q", number)


def _write_safetensors(path: Path, arrays: Mapping[str, np.ndarray]) -> None:
    try:
        safetensors.numpy.save_file(dict(arrays), path, metadata={"format": "pt"})
    except safetensors.SafetensorError as error:
        raise ValueError(f"expected arrays that safetensors can hold: {error}; write .pth instead") from error


WRITERS = {".pt": _write_zip, ".pth": _write_zip, ".safetensors": _write_safetensors}
