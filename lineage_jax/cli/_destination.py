"""Whether a result can be saved where the user wants it, found out before the work and not after."""

import os
from pathlib import Path

BLOCK = 4096
"""Bytes that are written to see whether the disk is full."""


def check_destination(path: Path, what: str) -> None:
    """Makes and removes a folder where a result is to be saved: parents that are missing, and a little content.

    Args:
        path: the new file or folder.
        what: what it is, for the message.

    Raises:
        FileExistsError: If it exists.
        OSError: If it cannot be made: no permission, a read-only or full disk, too long a name, a file on the way.

    Examples:
        >>> check_destination(Path(os.devnull, "a"), "folder to save to")
        Traceback (most recent call last):
        NotADirectoryError: expected a folder to save to that can be made, got /dev/null/a: Not a directory; choose ...
    """
    import tempfile  # it takes long to import, for what few commands do

    try:
        if os.path.lexists(path):
            raise FileExistsError(f"expected a new {what}, got {path}, which exists: choose another")
        base = path.absolute().parent
        missing: list[str] = []
        while not os.path.lexists(base):
            missing.insert(0, base.name)
            base = base.parent
        with tempfile.TemporaryDirectory(prefix=f"{path.name}.unfinished-", dir=base) as folder:
            probe = Path(folder, *missing)
            probe.mkdir(parents=True, exist_ok=True)
            (probe / "block").write_bytes(bytes(BLOCK))
    except OSError as error:
        if error.errno is None:
            raise
        reason = os.strerror(error.errno)
        raise type(error)(f"expected a {what} that can be made, got {path}: {reason}; choose another place") from error
