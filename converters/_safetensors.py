"""Files of the safetensors package, which reads and checks the header; the arrays are views of the file.

The package proves that the tensors lie one behind another, without a gap, up to the end of the file. It is not asked
for the arrays themselves, because it copies them and gives no float8 to numpy.

References:
    Hugging Face, "Safetensors", section "Format".
"""

import math
import re
from mmap import mmap
from pathlib import Path

import numpy as np
import safetensors

from converters._archive import Archive, stretch
from converters._tensors import DTYPES, Storage, Tensor
from converters._unreadable import Budget, UnreadableFile, damaged, shown

FORMATS = {
    "F64": "float64",
    "F32": "float32",
    "F16": "float16",
    "BF16": "bfloat16",
    "F8_E4M3": "float8_e4m3fn",
    "F8_E4M3FNUZ": "float8_e4m3fnuz",
    "F8_E5M2": "float8_e5m2",
    "F8_E5M2FNUZ": "float8_e5m2fnuz",
    "F8_E8M0": "float8_e8m0fnu",
    "I64": "int64",
    "I32": "int32",
    "I16": "int16",
    "I8": "int8",
    "U64": "uint64",
    "U32": "uint32",
    "U16": "uint16",
    "U8": "uint8",
    "BOOL": "bool",
    "C64": "complex64",
}
"""Number format in the header -> its name in PyTorch."""
HEADER_COST = 16
"""Bytes charged for a byte of the header: its text, and what is made of it."""


def open_safetensors(data: mmap, budget: Budget, path: Path) -> Archive:
    """Reads the header of the file at `path`, which is mapped as `data`.

    Raises:
        UnreadableFile: If the header is refused or names a number format that numpy has not.
    """
    header = int.from_bytes(data[:8], "little")
    budget.spend(HEADER_COST * header)
    try:
        with safetensors.safe_open(path, "numpy") as opened:
            texts = opened.metadata() or {}
            slices = {name: opened.get_slice(name) for name in opened.offset_keys()}
            described = {name: (tensor.get_dtype(), tuple(tensor.get_shape())) for name, tensor in slices.items()}
    except safetensors.SafetensorError as error:
        if unknown := re.search("unknown variant `(\\w+)`", str(error)):
            raise UnreadableFile(f"expected tensors in {', '.join(FORMATS)}, got {unknown[1]}: convert them") from error
        raise damaged("a safetensors file", str(error)) from error
    tensors, position = {}, 8 + header
    for name, (number_format, shape) in described.items():
        if number_format not in FORMATS:
            raise UnreadableFile(
                f"expected tensors in {', '.join(FORMATS)}, got {number_format}: convert {shown(name)}"
            )
        dtype, count = DTYPES[FORMATS[number_format]], math.prod(shape)
        strides = tuple(math.prod(shape[axis + 1 :]) for axis in range(len(shape)))
        storage = Storage(key=str(position), dtype=dtype, count=count)
        tensors[name] = Tensor(storage=storage, dtype=dtype, offset=0, shape=shape, strides=strides)
        position += count * dtype.itemsize

    file = np.frombuffer(data, np.uint8)
    return Archive(
        value=tensors,
        contents=lambda storage: stretch(file, int(storage.key), storage),
        texts={f"__metadata__.{key}": shown(texts[key]) for key in texts},
    )
