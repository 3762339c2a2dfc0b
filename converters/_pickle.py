"""Pickles that `torch.save` did not write: `pickle.dump` of a state_dict, of numpy's arrays, of jax's.

A tensor that Python pickles by itself brings each of its storages along as the bytes of a whole legacy file; such a
file is opened where it lies, and its storage is a view of it.

References:
    `torch.storage.TypedStorage.__reduce__` and `_load_from_bytes`, PyTorch 2.13.
"""

from mmap import mmap
from typing import Any

from converters._archive import Archive
from converters._legacy import MAGIC, open_legacy
from converters._machine import Machine, Rebuild, Run
from converters._numpy import OBJECTS, NumpyTensor
from converters._rebuild import REBUILD
from converters._tensors import Storage
from converters._unreadable import Budget, UnreadableFile, damaged, shown

JOBLIB = "joblib."
PADDLE = "StructuredToParameterName@@"


def open_pickle(data: mmap, budget: Budget) -> Archive:
    """Opens a file that starts with a pickle, of `torch.save` before 1.6 or of `pickle.dump`.

    Raises:
        UnreadableFile: If it is malformed, cut short, or refers to what lies outside of it.
    """
    machine = Machine(data, budget=budget, rebuild=PLAIN, persistent=refuse_reference)
    try:
        value = machine.run()
    except UnreadableFile as error:
        if any(name.startswith(JOBLIB) for name in machine.globals):
            raise UnreadableFile(
                "expected a network, got a file of joblib, with arrays between pickles: save them with numpy.savez"
            ) from error
        raise
    if value == MAGIC:
        return open_legacy(data, budget)
    notes = []
    if isinstance(value, dict) and PADDLE in value:
        notes.append("this is a file of Paddle, where dense weights lie [in, out]: compare it with files of Paddle")
    return Archive(
        value=content_of(value),
        contents=nowhere,
        globals=tuple(machine.globals),
        notes=tuple(notes),
        container="pickle",
    )


def content_of(value: Any) -> Any:
    """Returns what was saved inside a single-object array of numpy, as `np.save` does to a dictionary."""
    if isinstance(value, NumpyTensor) and value.dtype == OBJECTS and value.items is not None and len(value.items) == 1:
        return value.items[0]
    return value


def _storage_from_bytes(arguments: tuple, budget: Budget) -> Any:
    """(the bytes of a legacy file,), whose value is a storage."""
    match arguments:
        case (Run(data=data, start=start, stop=stop),):
            archive = open_legacy(data, budget, position=start, end=stop)
        case (bytes(short),):
            archive = open_legacy(short, budget)
        case _:
            raise damaged("the bytes of a storage", arguments)
    if not isinstance(archive.value, Storage):
        raise damaged("a storage", archive.value)
    content = archive.contents(archive.value)
    return Storage(key="", dtype=archive.value.dtype, count=archive.value.count, content=content)


def refuse_reference(identity: Any) -> Any:
    """Stands for the look-up of what lies outside of a pickle."""
    raise UnreadableFile(
        f"expected a pickle that is whole in itself, got one that refers to {shown(identity)}: save it with torch.save"
    )


def nowhere(storage: Storage) -> Any:
    """Stands for the contents of a file that has every storage inside its pickle."""
    raise damaged("a storage inside the pickle", storage.key)


PLAIN: dict[str, Rebuild] = {**REBUILD, "torch.storage._load_from_bytes": _storage_from_bytes}
"""The allow-list of such pickles."""
