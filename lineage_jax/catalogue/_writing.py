"""Writing a catalogue: numbers first, then the description that names them, by one process at a time."""

import contextlib
import dataclasses
import os
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import BinaryIO

import numpy as np

from lineage_jax import io
from lineage_jax.catalogue._catalogue import DESCRIPTION, Catalogue, Listed, Signature, as_json, files_of
from lineage_jax.catalogue._catalogue import open as open_catalogue
from lineage_jax.catalogue._fingerprint import NUMBERS, Fingerprint, Kernels

LOCK = "lock"


@contextlib.contextmanager
def writing(path: Path, folder: Path) -> "Iterator[Writer]":
    """Opens a catalogue for writing, or begins one, and keeps others from writing it.

    Raises:
        ValueError: If there is something else at `path`, or a catalogue of another folder or version.
        BlockingIOError: If another process is writing it.
        OSError: If it cannot be written, such as on a full disk.
    """
    import fcntl

    begun = (path / DESCRIPTION).exists()
    if not begun and os.path.lexists(path) and (not path.is_dir() or set(os.listdir(path)) - _begun(path)):
        raise ValueError(f"expected a catalogue or a new folder, got {path}, which is something else: choose another")
    path.mkdir(parents=True, exist_ok=True)
    with (path / LOCK).open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise BlockingIOError(f"expected {path} to be free, got another process writing it: wait for it") from error
        empty = Catalogue(path=path, folder=folder, sketches=np.zeros((0, NUMBERS), np.float16), norms=np.zeros(0))
        before = open_catalogue(path) if (path / DESCRIPTION).exists() else empty
        if before.folder != folder:
            raise ValueError(
                f"expected {before.folder}, which {path} is a catalogue of, got {folder}: choose another --out"
            )
        try:
            with Writer(before) as writer:
                yield writer
        except OSError as error:
            if error.errno is None or error.filename is not None:
                raise
            said = f"{os.strerror(error.errno)}; what was put in place before stays"
            raise OSError(error.errno, said, str(path)) from error


class Writer:
    """What stands in a catalogue while it is written, and its two open files."""

    def __init__(self, before: Catalogue) -> None:
        self.path, self._before = before.path, before
        self._entries = {entry.path: entry for entry in before.entries}
        self._signatures = {_key(each.kernels): each for each in before.signatures}
        self._places = {key: place for place, key in enumerate(self._signatures)}
        self._rows, self._norms = len(before.sketches), len(before.norms)
        self._changed = not (self.path / DESCRIPTION).exists()
        self._files: list[BinaryIO] = []

    def __enter__(self) -> "Writer":
        """Opens the files behind the last number that counts: what a killed process left there is written over."""
        self._forget_what_was_begun()
        for file, end in zip(files_of(self.path, self._before.generation), self._ends(), strict=True):
            file.touch()
            opened = file.open("r+b")
            opened.truncate(end)
            opened.seek(end)
            self._files.append(opened)
        return self

    def __exit__(self, *error: object) -> None:
        for file in self._files:
            file.close()

    @property
    def entries(self) -> list[Listed]:
        """The entries as they stand."""
        return list(self._entries.values())

    def knows(self, kernels: Kernels) -> bool:
        """Says whether a network of these kernels was met before."""
        return _key(kernels) in self._signatures

    def drop(self, paths: Collection[str]) -> None:
        """Leaves entries out."""
        for path in paths:
            del self._entries[path]
        self._changed |= bool(paths)

    def add(self, entry: Listed, taken: Fingerprint | None, architecture: str | None) -> None:
        """Puts an entry in the place of the one of its path, and its fingerprint behind the others."""
        if taken is not None:
            key = _key(taken.kernels)
            self._signatures.setdefault(key, Signature(kernels=taken.kernels, architecture=architecture))
            place = self._places.setdefault(key, len(self._places))
            entry = dataclasses.replace(entry, row=self._rows, norms=self._norms, signature=place)
            for file, numbers in zip(self._files, (taken.numbers, taken.norms), strict=True):
                file.write(numbers.tobytes())
            self._rows, self._norms = self._rows + 1, self._norms + len(taken.norms)
        self._entries[entry.path] = entry
        self._changed = True

    def commit(self) -> None:
        """Puts in place what was added: once its numbers are on disk, the description is."""
        if not self._changed:
            return
        for file in self._files:
            file.flush()
            os.fsync(file.fileno())
        self._describe(self._before.generation, self._rows, self._norms)
        self._changed = False

    def finish(self) -> None:
        """Leaves rows out that no entry names, once they are half of all."""
        self.commit()
        named = [entry for entry in self.entries if entry.row >= 0]
        if 2 * len(named) >= self._rows:
            return
        now = open_catalogue(self.path)
        generation = now.generation + 1
        kept: dict[str, Listed] = {entry.path: entry for entry in now.entries}
        count = 0
        with contextlib.ExitStack() as stack:
            sketches, norms = (stack.enter_context(file.open("wb")) for file in files_of(self.path, generation))
            for row, entry in enumerate(named):
                own = now.norms[entry.norms : entry.norms + len(now.signatures[entry.signature].kernels)]
                sketches.write(now.sketches[entry.row].tobytes())
                norms.write(own.tobytes())
                kept[entry.path] = dataclasses.replace(entry, row=row, norms=count)
                count += len(own)
            for file in (sketches, norms):
                file.flush()
                os.fsync(file.fileno())
        self._entries = kept
        self._describe(generation, len(named), count)
        for old in files_of(self.path, now.generation):
            old.unlink()

    def _describe(self, generation: int, rows: int, norms: int) -> None:
        """Puts the description in place, whole or not at all."""
        sketches = np.broadcast_to(np.float16(0), (rows, NUMBERS))
        described = dataclasses.replace(
            self._before,
            entries=tuple(self._entries[path] for path in sorted(self._entries)),
            signatures=tuple(self._signatures.values()),
            sketches=sketches,
            norms=np.broadcast_to(0.0, norms),
            generation=generation,
        )
        io.write_whole(self.path / DESCRIPTION, as_json(described).encode())

    def _forget_what_was_begun(self) -> None:
        """Removes what a process left that was killed while it described the catalogue, or left rows out."""
        io.remove_partial(self.path)
        own = {file.name for file in files_of(self.path, self._before.generation)}
        for file in (*self.path.glob("sketches-*.f16"), *self.path.glob("norms-*.f64")):
            if file.name not in own:
                file.unlink()

    def _ends(self) -> tuple[int, int]:
        return self._rows * NUMBERS * 2, self._norms * 8


def _key(kernels: Kernels) -> tuple[tuple[str, tuple[int, ...]], ...]:
    return tuple((path, tuple(shape)) for path, shape in kernels.items())


def _begun(path: Path) -> set[str]:
    """Returns the names of what a process may have left that was killed before the first description."""
    partial = path.glob(f"{DESCRIPTION}.*{io.PARTIAL}")
    return {LOCK, *(file.name for file in (*files_of(path, 0), *partial))}
