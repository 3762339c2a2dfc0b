"""What of a folder are checkpoints, told by names alone: nothing is opened."""

import dataclasses
import os
from collections.abc import Iterator
from pathlib import Path

from lineage_jax.checkpoints import SUFFIXES, in_one_line

OF_ORBAX = frozenset({"_METADATA", "_CHECKPOINT_METADATA", "manifest.ocdbt"})
"""Files that make a folder a checkpoint of orbax, such as ours."""

SHARDED = ".index.json"
"""How the list of the shards of one network ends."""

BESIDE = ("optimizer", "scheduler", "rng_state", "training_args", "scaler", "random_states")
"""How files begin that trainers write beside a network."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Place:
    """Where a checkpoint lies, and what tells whether it is still the same.

    Attributes:
        path: a file or folder.
        size: bytes, of a folder those of its files.
        mtime_ns: when it was last written, of a folder the last of its files.
    """

    path: Path
    size: int
    mtime_ns: int


@dataclasses.dataclass(frozen=True, kw_only=True)
class Walk:
    """What a folder holds.

    Attributes:
        places: checkpoints by their path in the folder.
        unreadable: by path the folders and links that could not be followed, and why.
        passed_over: how many other files there are.
    """

    places: dict[str, Place]
    unreadable: dict[str, str]
    passed_over: int


def walk(folder: Path, *, without: Path) -> Walk:
    """Looks through a folder and all below it; hidden ones are left out, links are followed, nothing is taken twice.

    A folder of orbax is one network, and so are shards with their list; else every file that is called as networks are
    is one.

    Args:
        folder: where to begin.
        without: a folder that is left out, such as the catalogue itself.
    """
    places: dict[str, Place] = {}
    unreadable: dict[str, str] = {}
    seen, passed_over = {_identity(os.stat(without))} if without.exists() else set(), 0
    waiting = [folder]
    while waiting:
        here = waiting.pop()
        try:
            if _is_new(os.stat(here), seen):
                found, below, others = _look(here, seen)
                places |= {path.relative_to(folder).as_posix(): _place(path) for path in found}
                waiting += reversed(below)
                passed_over += others
        except OSError as error:
            unreadable[here.relative_to(folder).as_posix()] = in_one_line(error)
    return Walk(places=places, unreadable=unreadable, passed_over=passed_over)


def _look(folder: Path, seen: set[tuple[int, int]]) -> tuple[list[Path], list[Path], int]:
    """Returns the checkpoints of a folder, the folders in it that are to be looked through, and how many others."""
    with os.scandir(folder) as scanned:
        entries = sorted((entry for entry in scanned if not entry.name.startswith(".")), key=lambda each: each.name)
    if OF_ORBAX & {entry.name for entry in entries}:
        return [folder], [], 0
    below = [folder / entry.name for entry in entries if entry.is_dir()]
    files = [entry for entry in entries if entry.is_file()]
    if any(entry.name.endswith(SHARDED) for entry in files):
        return [folder], below, 0
    networks = [entry for entry in files if _is_called_as_networks_are(entry.name)]
    new = [folder / entry.name for entry in networks if _is_new(entry.stat(), seen)]
    return new, below, len(files) - len(networks)


def _is_called_as_networks_are(name: str) -> bool:
    return Path(name).suffix.lower() in SUFFIXES and not name.startswith(BESIDE)


def _place(path: Path) -> Place:
    stats = [file.stat() for file in _files(path)]
    return Place(path=path, size=sum(each.st_size for each in stats), mtime_ns=max(each.st_mtime_ns for each in stats))


def _files(path: Path) -> Iterator[Path]:
    """Yields the files of a checkpoint: of shards those beside their list, of orbax all below."""
    if path.is_file():
        yield path
    else:
        sharded = any(path.glob(f"*{SHARDED}"))
        yield from (file for file in (path.iterdir() if sharded else path.rglob("*")) if file.is_file())


def place_of(path: Path) -> Place | None:
    """Returns a checkpoint as it lies there now, or None where it has vanished."""
    try:
        return _place(path)
    except (OSError, ValueError):  # of no files there is no last one
        return None


def _is_new(stat: os.stat_result, seen: set[tuple[int, int]]) -> bool:
    """Says whether something was not met before, under whatever name, and remembers it."""
    identity = _identity(stat)
    new = identity not in seen
    seen.add(identity)
    return new


def _identity(stat: os.stat_result) -> tuple[int, int]:
    return stat.st_dev, stat.st_ino
