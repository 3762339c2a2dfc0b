"""The container of PyTorch before 1.6: five pickles one after another, then the storages.

The pickles are a magic number, a protocol number, sizes of C types (all of no meaning today), the saved value, and the
keys of its storages in the order in which these follow: the count of elements in 8 bytes, then the elements, always
little-endian. A storage can be a view of another one.

References:
    `torch.serialization`, version 1.5: `_legacy_save`, `_legacy_load`.
"""

import dataclasses
from mmap import mmap
from typing import Any

import numpy as np

from converters._archive import Archive, stretch
from converters._machine import Machine
from converters._rebuild import REBUILD
from converters._tensors import Storage, as_storage
from converters._unreadable import Budget, UnreadableFile, damaged, shown

MAGIC = 0x1950A86A20F9469CFC6C
PROTOCOL = 1001


def open_legacy(data: bytes | mmap, budget: Budget, *, position: int = 0, end: int | None = None) -> Archive:
    """Runs the pickles and finds the storages, in the whole of `data` or from `position` to `end`.

    Raises:
        UnreadableFile: If the file is malformed or cut short.
    """
    roots: dict[str, Storage] = {}

    def persistent(identity: Any) -> Any:
        if isinstance(identity, tuple) and identity[:1] == ("module",):  # a class and its source code
            return identity[1] if len(identity) > 1 else None
        storage = as_storage(identity)
        roots.setdefault(storage.key, storage)
        match identity[5:]:
            case ((str(), int(start), int(count)),) if 0 <= start <= start + count <= roots[storage.key].count:
                return dataclasses.replace(storage, start=start, count=count)
        return storage

    machine = Machine(data, position=position, end=end, budget=budget, rebuild=REBUILD, persistent=persistent)
    first = machine.run()
    if first != MAGIC or machine.run() != PROTOCOL:
        raise UnreadableFile(
            f"expected a pickle of torch.save, got one of {shown(first)}: save model.state_dict() with it"
        )
    machine.run()
    value, keys = machine.run(), machine.run()
    file = np.frombuffer(data, np.uint8)[:end]
    positions = _positions(file, machine.position, keys, roots)
    return Archive(
        value=value,
        contents=lambda storage: stretch(file, positions[storage.key], storage),
        globals=tuple(machine.globals),
    )


def _positions(file: np.ndarray, position: int, keys: Any, roots: dict[str, Storage]) -> dict[str, int]:
    """Returns where the elements of each storage start; what the pickle says of it and what stands there must agree."""
    if not isinstance(keys, list) or not all(isinstance(key, str) for key in keys) or set(keys) != roots.keys():
        raise damaged(f"the keys of {len(roots)} storages", keys)
    positions = {}
    for key in keys:
        root = roots[key]
        count = int.from_bytes(file[position : position + 8].tobytes(), "little")
        positions[key] = position + 8
        position += 8 + root.count * root.dtype.itemsize
        if count != root.count or position > file.size:
            raise damaged(f"{root.count} elements of storage {key} before byte {file.size}", f"{count}")
    return positions
