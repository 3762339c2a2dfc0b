"""Files that appear under their names only when they are whole and on the disk itself."""

import os
import uuid
from pathlib import Path

PARTIAL = ".partial"
"""How the name of a file that is not whole yet ends: ours, and those that zarr writes."""


def write_whole(path: str | os.PathLike, content: bytes) -> None:
    """Writes a file, or replaces it: at any moment it is the old one or the new one, whole.

    A rename alone is enough against the end of this process. Against the end of the machine it is not: without the two
    `fsync` the new name may survive a loss of power, and what it names may not. They take less than a millisecond on a
    solid-state disk.

    Raises:
        OSError: If it cannot be written; nothing of it is left, and an old file stays.

    Examples:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     write_whole(f"{folder}/a", b"text")
        ...     os.listdir(folder), Path(folder, "a").read_text()
        (['a'], 'text')
    """
    path = Path(path)
    partial = path.with_name(f"{path.name}.{uuid.uuid4().hex}{PARTIAL}")
    try:
        with partial.open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    except BaseException:  # an interrupt by the keyboard as well
        partial.unlink(missing_ok=True)
        raise
    sync(path.parent)


def sync(path: str | os.PathLike) -> None:
    """Returns once what was written to a file, or what was named in a folder, has reached the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def remove_partial(folder: str | os.PathLike) -> int:
    """Removes what writers that were killed have left in a folder; to be called while nobody writes to it.

    Returns:
        How many files that were.
    """
    with os.scandir(os.fspath(folder)) as entries:
        left = [entry.path for entry in entries if entry.name.endswith(PARTIAL)]
    for path in left:
        Path(path).unlink(missing_ok=True)
    return len(left)
