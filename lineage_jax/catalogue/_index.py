"""Making a catalogue of a folder, and bringing it up to date: what has not changed is not read again."""

import collections
import concurrent.futures
import contextlib
import dataclasses
import functools
import hashlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path

from lineage_jax import checkpoints
from lineage_jax.catalogue._catalogue import Listed
from lineage_jax.catalogue._files import Place, walk
from lineage_jax.catalogue._fingerprint import Fingerprint, Kernels, fingerprint
from lineage_jax.catalogue._writing import Writer, writing

WORKERS = 2
"""Threads: one reads and sums up a file while the other sketches the one before."""

LARGE = 4 << 20
"""Bytes of a checkpoint from which that pays: with small ones threads wait for each other more than they work."""

PORTION = 2000
"""Networks after which what is done is put in place, so that hours are not lost."""

PORTION_BYTES = 4 << 30
"""Bytes read after which that is done too."""

UNREADABLE = (ValueError, TypeError, OSError, ImportError)
"""What reading a network raises for a file or folder that is none, is damaged, or needs an extra."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Indexed:
    """What was done.

    Attributes:
        networks: how many can be found now.
        read: how many were read, new ones and those that have changed.
        unchanged: how many were as before.
        dropped: how many have vanished.
        failed: by path in the folder why a checkpoint could not be read.
        passed_over: how many other files there are.
        bytes: that the catalogue takes.
    """

    networks: int
    read: int
    unchanged: int
    dropped: int
    failed: dict[str, str]
    passed_over: int
    bytes: int


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Taken:
    """A checkpoint that was looked at: an entry without its place, and what belongs to it."""

    entry: Listed
    fingerprint: Fingerprint | None = None
    architecture: str | None = None


def index(
    folder: str | os.PathLike,
    out: str | os.PathLike,
    *,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Indexed:
    """Takes the fingerprint of every checkpoint below a folder, or of those that are new or have changed.

    A file counts as unchanged if its size and time are, and otherwise if its SHA-256 is. A checkpoint that cannot be
    read is recorded with the reason, and tried again once it has changed.

    Args:
        folder: where checkpoints lie, at any depth: files that are called as networks are, folders with shards and
            their list, checkpoints of orbax such as ours. Hidden ones are left out; links are followed.
        out: the catalogue, a folder, which may lie in `folder`. It is new, or of the same folder.
        progress: called with how many were read, and how many are to be.

    Raises:
        FileNotFoundError: If there is no such folder.
        ValueError: If there is no checkpoint in it, which leaves the catalogue as it is, or `out` is a catalogue of
            another folder or version, or no catalogue.
        BlockingIOError: If another process is writing the catalogue.
        OSError: If it cannot be written; what was put in place before stays.

    Examples:
        >>> import tempfile, numpy as np
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     np.savez(f"{folder}/anna.npz", **{"fc.weight": np.eye(8)})
        ...     done = [index(folder, f"{folder}/index") for _ in range(2)]
        >>> [(each.networks, each.read, each.unchanged) for each in done]
        [(1, 1, 0), (1, 0, 1)]
    """
    folder, out = Path(folder).resolve(), Path(out)
    if not folder.is_dir():
        raise FileNotFoundError(f"expected a folder of checkpoints, got {folder}, where there is none")
    found = walk(folder, without=out)
    if not found.places:
        first = next(iter(found.unreadable.items()), None)
        reason = f" ({first[0]}: {first[1]})" if first else ""
        raise ValueError(
            f"expected checkpoints below {folder}, got none{reason}; {found.passed_over:,} other files were passed over"
        )
    with writing(out, folder) as writer:
        before = {entry.path: entry for entry in writer.entries}
        changed = {
            path: place
            for path, place in found.places.items()
            if path not in before or (before[path].size, before[path].mtime_ns) != (place.size, place.mtime_ns)
        }
        gone = before.keys() - found.places.keys()
        writer.drop(gone)
        read = _take_all(writer, changed, before, progress)
        writer.finish()
        failed = {entry.path: entry.error for entry in writer.entries if entry.error is not None}
        networks = len(writer.entries) - len(failed)
    return Indexed(
        networks=networks,
        read=read,
        unchanged=len(found.places) - read,
        dropped=len(gone),
        failed=failed | found.unreadable,
        passed_over=found.passed_over,
        bytes=sum(file.stat().st_size for file in out.iterdir()),
    )


def _take_all(
    writer: Writer, changed: dict[str, Place], before: dict[str, Listed], progress: Callable[[int, int], None]
) -> int:
    """Reads what has changed, puts it in place portion by portion, and returns how many were not as before."""
    read, count, size = 0, 0, 0
    progress(0, len(changed))
    try:
        for done, taken in enumerate(_ahead(writer, changed, before), start=1):
            writer.add(taken.entry, taken.fingerprint, taken.architecture)
            read += taken.fingerprint is not None or taken.entry.error is not None
            count, size = count + 1, size + taken.entry.size
            if count >= PORTION or size >= PORTION_BYTES:
                writer.commit()
                count, size = 0, 0
            progress(done, len(changed))
    finally:
        writer.commit()
    return read


def _ahead(writer: Writer, places: dict[str, Place], before: dict[str, Listed]) -> Iterator[Taken]:
    """Yields what was taken in the order of the places, a few ahead."""
    with concurrent.futures.ThreadPoolExecutor(WORKERS) as pool:
        waiting: collections.deque[Callable[[], Taken]] = collections.deque()
        try:
            for path, place in places.items():
                take = functools.partial(_take, path, place, before.get(path), writer.knows)
                waiting.append(take if place.size < LARGE else pool.submit(take).result)
                if len(waiting) > 2 * WORKERS:
                    yield waiting.popleft()()
            while waiting:
                yield waiting.popleft()()
        finally:
            pool.shutdown(cancel_futures=True)


def _take(path: str, place: Place, before: Listed | None, knows: Callable[[Kernels], bool]) -> Taken:
    """Reads one checkpoint and takes its fingerprint, or says why not."""
    seen = Listed(path=path, size=place.size, mtime_ns=place.mtime_ns)
    try:
        if before is not None and before.sha256 and place.path.is_file() and _sum(place.path) == before.sha256:
            return Taken(entry=dataclasses.replace(before, size=place.size, mtime_ns=place.mtime_ns))
        loaded = checkpoints.read(place.path)
        taken = fingerprint(loaded.tree)
        entry = dataclasses.replace(
            seen, sha256=loaded.sha256 or "", nesting=loaded.file.nesting if loaded.file else ""
        )
        architecture = None if knows(taken.kernels) else checkpoints.architecture_of(loaded)
        return Taken(entry=entry, fingerprint=taken, architecture=architecture)
    except UNREADABLE as error:
        return Taken(entry=dataclasses.replace(seen, error=_reason(error, place.path)))


def _reason(error: Exception, path: Path) -> str:
    """Says why in one line, without the path that it stands beside; a package that nobody names is no reason to end."""
    with contextlib.suppress(ImportError):
        return checkpoints.in_one_line(error).removeprefix(f"{path}: ")
    return str(error)


def _sum(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
