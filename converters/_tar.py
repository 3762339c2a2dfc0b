"""The container of PyTorch before 0.1.12, a tar archive of `storages`, `tensors` and `pickle`.

`storages` is a pickled count and then, for each, a pickled (key, location, class), the count of elements in 8 bytes and
the elements; last a pickled list of views (key, root key, offset, count). `tensors` is a pickled count and then, for
each, a pickled (key, storage key, class), the count of axes in 8 bytes, shape, strides and offset. `pickle` refers to
tensors by their keys.

References:
    `torch.serialization`, version 2.13: `legacy_load` inside `_legacy_load`; POSIX.1-1988, "ustar".
"""

import dataclasses
import struct
from mmap import mmap
from typing import Any

import numpy as np

from converters._archive import Archive, stretch
from converters._machine import Machine, Placeholder
from converters._rebuild import REBUILD
from converters._tensors import Storage, Tensor, storage_dtype
from converters._unreadable import Budget, UnreadableFile, damaged, shown

BLOCK = 512
MEMBERS = {"storages", "tensors", "pickle"}


def open_tar(data: mmap, budget: Budget) -> Archive:
    """Reads storages and tensors, and runs the pickle that holds them.

    Raises:
        UnreadableFile: If the archive is malformed, cut short, or none of `torch.save`.
    """
    members = _members(data)
    if not members.keys() >= MEMBERS:
        names = ", ".join(map(shown, list(members)[:3])) or "none"
        raise UnreadableFile(
            f"expected entries {', '.join(sorted(MEMBERS))} in the tar archive, got {names}: unpack the file inside"
        )
    tensors: dict[Any, Tensor] = {}

    def persistent(identity: Any) -> Any:
        if isinstance(identity, tuple) and identity:  # a class and its source code
            return identity[0]
        if not isinstance(identity, str) or identity not in tensors:
            raise damaged(f"a reference to one of {len(tensors)} tensors", identity)
        return tensors[identity]

    machine = Machine(data, position=members["storages"], budget=budget, rebuild=REBUILD, persistent=persistent)
    storages = _storages(machine)
    machine.position = members["tensors"]
    tensors |= _tensors(machine, storages)
    machine.position = members["pickle"]
    file = np.frombuffer(data, np.uint8)
    return Archive(
        value=machine.run(),
        contents=lambda storage: stretch(file, int(storage.key), storage),
        globals=tuple(machine.globals),
    )


def _members(data: mmap) -> dict[str, int]:
    """Returns where the content of each plain file in the archive starts."""
    members, position = {}, 0
    while data[position : position + 1].strip(b"\0"):
        header = data[position : position + BLOCK]
        digits = header[124:136].strip(b"\0 ")
        if header[124:125] == b"\x80":  # sizes of 8 GiB and more
            digits = oct(int.from_bytes(header[125:136], "big"))[2:].encode()
        if not digits.isdigit() or set(digits) & set(b"89"):
            raise damaged("the octal size of an entry in the tar archive", digits)
        if header[156:157] in b"0\0":
            members[header[:100].rstrip(b"\0").decode(errors="replace")] = position + BLOCK
        position += BLOCK + -(-int(digits, 8) // BLOCK) * BLOCK
    return members


def _storages(machine: Machine) -> dict[int, Storage]:
    """Returns the storages by key; what they are found by in the file is the place of their first byte."""
    storages: dict[int, Storage] = {}
    for _ in range(_count(machine.run())):
        match machine.run():
            case (int(key), str(), Placeholder(name=name)):
                dtype, count = storage_dtype(name), int.from_bytes(machine.take(8), "little")
                storages[key] = Storage(key=str(machine.position), dtype=dtype, count=count)
                machine.position += count * dtype.itemsize
            case other:
                raise damaged("key, location and class of a storage", other)
    views = machine.run()
    for view in views if isinstance(views, list) else [views]:
        match view:
            case (int(key), int(root), int(start), int(count)) if root in storages and min(start, count) >= 0:
                storages[key] = dataclasses.replace(storages[root], start=start, count=count)
            case other:
                raise damaged("a view of a storage", other)
    return storages


def _tensors(machine: Machine, storages: dict[int, Storage]) -> dict[str, Tensor]:
    """Returns the tensors by what the pickle calls them."""
    tensors = {}
    for _ in range(_count(machine.run())):
        match machine.run():
            case (int(key), int(root), Placeholder()) if root in storages:
                storage, axes = storages[root], int.from_bytes(machine.take(4), "little")
                numbers = struct.unpack(f"<4x{2 * axes + 1}Q", machine.take(4 + 8 * (2 * axes + 1)))
                arguments = (storage, numbers[-1], numbers[:axes], numbers[axes:-1])
                tensors[str(key)] = REBUILD["torch._utils._rebuild_tensor"](arguments, machine.budget)
            case other:
                raise damaged("key, storage and class of a tensor", other)
    return tensors


def _count(value: Any) -> int:
    if not isinstance(value, int):
        raise damaged("a count", value)
    return value
