"""numpy's own files: `.npy`, one array behind a header, and `.npz`, a zip archive of these by name.

The header is a dictionary in Python's syntax; it is matched as the text that numpy writes, and never evaluated. A lone
array is no network, except one that holds a single object: `np.save` wraps a dictionary so, pickled, and the pickle
machine reads it.

References:
    `numpy.lib.format`, versions 1.0 to 3.0.
"""

import dataclasses
import math
import re
from mmap import mmap
from typing import Any

import numpy as np

from converters._archive import Archive
from converters._machine import Machine
from converters._numpy import MOST_AXES, OBJECTS, is_number, number_format, strides_of
from converters._pickle import PLAIN, content_of, nowhere, refuse_reference
from converters._tensors import Storage, Tensor
from converters._unreadable import Budget, UnreadableFile, damaged, shown
from converters._zip import Entry, unpack

MAGIC = b"\x93NUMPY"
HEADER = re.compile(
    r"\{'descr': (?P<format>'[^']*'|\[.*\]), 'fortran_order': (?P<fortran>True|False), "
    r"'shape': \((?P<shape>(?:\d{1,20}L?, ?)*(?:\d{1,20}L?)?)\), ?\}\s*"
)
LONGEST_HEADER = 1 << 16


def open_npy(data: mmap, budget: Budget) -> Archive:
    """Reads the dictionary that `np.save` has pickled into an array of one object.

    Raises:
        UnreadableFile: If it is a lone array, as such files are as a rule.
    """
    tensor, start = read_array(np.frombuffer(data, np.uint8), budget)
    if tensor.dtype != OBJECTS:
        raise UnreadableFile(
            f"expected a network, got a single array of shape {tensor.shape}: save all of them by name with numpy.savez"
        )
    machine = Machine(data, position=start, budget=budget, rebuild=PLAIN, persistent=refuse_reference)
    value = content_of(machine.run())
    return Archive(value=value, contents=nowhere, globals=tuple(machine.globals))


def open_npz(data: mmap, entries: dict[str, Entry], budget: Budget) -> Archive:
    """Reads the arrays of an archive by their names without `.npy`; those of an archive that is stored are views.

    Raises:
        UnreadableFile: If an array is malformed, or holds objects.
    """
    file = np.frombuffer(data, np.uint8)
    values: dict[str, Any] = {}
    texts: dict[str, str] = {}
    names: dict[str, None] = {}
    for entry_name, entry in entries.items():
        name = entry_name.removesuffix(".npy")
        if name == entry_name:
            texts[name] = "no array"
            continue
        content = unpack(file, entry, budget)
        tensor, start = read_array(content, budget)
        stored = content[start:]
        if tensor.dtype == OBJECTS:
            budget.spend(stored.size)
            machine = Machine(stored.tobytes(), budget=budget, rebuild=PLAIN, persistent=refuse_reference)
            values[name] = content_of(machine.run())
            names |= machine.globals
            continue
        size = tensor.storage.count * tensor.dtype.itemsize
        if is_number(tensor.dtype) and stored.size != size:
            raise damaged(f"{size} bytes of array {shown(name)}", f"{stored.size}")
        tensor.storage = dataclasses.replace(tensor.storage, content=stored)
        values[name] = tensor
    return Archive(value=values, contents=nowhere, globals=tuple(names), texts=texts, is_tree=True)


def read_array(content: np.ndarray, budget: Budget) -> tuple[Tensor, int]:
    """Returns what a header describes, and where the elements start.

    Raises:
        UnreadableFile: If the header is none of numpy's.
    """
    start = content[:12].tobytes()
    if not start.startswith(MAGIC) or len(start) < 12:
        raise damaged("the header of an array", start)
    width = 2 if start[6] == 1 else 4
    size = int.from_bytes(start[8 : 8 + width], "little")
    budget.spend(8 * min(size, LONGEST_HEADER))
    words = content[8 + width : 8 + width + min(size, LONGEST_HEADER)].tobytes().decode("latin-1")
    if 8 + width + size > content.size:
        raise damaged(f"a header of {size} bytes", f"{content.size - 8 - width}")
    match = HEADER.fullmatch(words)
    if match is None:
        raise UnreadableFile(
            f"expected a header with descr, fortran_order and shape as numpy writes it, got {shown(words)}: load the "
            "arrays and save them again with numpy.savez"
        )
    shape = tuple(int(length) for length in re.findall(r"\d+", match["shape"]))
    if len(shape) > MOST_AXES:
        raise damaged(f"at most {MOST_AXES} axes", f"{len(shape)}")
    dtype, swapped = number_format(match["format"].strip("'")) if match["format"][0] == "'" else (OBJECTS, False)
    storage = Storage(key="", dtype=dtype, count=math.prod(shape), swapped=swapped)
    strides = strides_of(shape, fortran=match["fortran"] == "True")
    return Tensor(storage=storage, dtype=dtype, offset=0, shape=shape, strides=strides), 8 + width + size
