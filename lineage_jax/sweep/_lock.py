"""Who writes a store: one run at a time, of one or several processes, each with a lock that ends when it does.

A process that is killed leaves its file and no lock: the kernel holds it, by `flock`, for as long as the process or a
child that it forked lives. Locks are looked at and taken inside `gate`, one process after another, so that of two runs
which start at once at most one gets in. Processes of one run know each other by its identity, which all of them were
given; a process that outlived the rest of its run keeps others out until it is ended. On a network's disk the server
lets go of the locks of a host that has failed, with NFS 4 after a minute or two.
"""

import contextlib
import dataclasses
import errno
import fcntl
import json
import os
import socket
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO, Any

GATE = "lock"
PATIENCE = 60.0
"""Seconds in which every other process passes the gate, hundreds of them on a slow network's disk."""
UNKNOWN = {"run": "?", "process": 0, "processes": 1, "pid": 0, "host": "?", "since": "?"}
WITHOUT_LOCKS = (errno.ENOLCK, errno.ENOTSUP, errno.ENOSYS)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Writer:
    """A process that writes a store.

    Attributes:
        run: identity of its run.
        process: which of the run's processes it is.
        processes: how many there are.
        pid: the number by which its host knows it.
        host: where it runs.
        since: when it started, in UTC.
    """

    run: str
    process: int
    processes: int
    pid: int = dataclasses.field(default_factory=os.getpid)
    host: str = dataclasses.field(default_factory=socket.gethostname)
    since: str = dataclasses.field(default_factory=lambda: time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime()))

    @classmethod
    def of(cls, said: Mapping[str, Any]) -> "Writer":
        """Returns the writer that a lock or the first line of a log names."""
        return cls(**{name: said.get(name, unknown) for name, unknown in UNKNOWN.items()})

    def __str__(self) -> str:
        return (
            f"process {self.process} of {self.processes} of run {self.run} "
            f"(pid {self.pid} on {self.host}, since {self.since})"
        )


@contextlib.contextmanager
def gate(folder: Path, *, shared: bool = False) -> Iterator[None]:
    """Waits until no other process looks at locks or changes what processes share; readers do not wait for each other.

    Raises:
        BlockingIOError: If one of them stands in the gate and does not go on.
        OSError: If the file system knows no locks.
    """
    with open(folder / GATE, "rb" if shared else "ab") as file:
        deadline = time.monotonic() + PATIENCE
        while not _locked(file, fcntl.LOCK_SH if shared else fcntl.LOCK_EX):
            if time.monotonic() > deadline:
                raise BlockingIOError(
                    f"expected other processes to let go of {folder / GATE} within {PATIENCE:.0f} s, got none: one of "
                    "them has been stopped; end it, and run again"
                )
            time.sleep(0.01)
        with _let_go(file):
            yield


def writers(folder: Path) -> list[Writer]:
    """Returns who writes a store now; to be called inside the gate."""
    held = []
    for path in sorted(folder.glob(f"{GATE}.*")):
        with path.open("rb") as file:
            if _locked(file, fcntl.LOCK_SH):
                fcntl.flock(file, fcntl.LOCK_UN)
            else:
                held.append(Writer.of(_said(file.read())))
    return held


@contextlib.contextmanager
def taken(folder: Path, writer: Writer) -> Iterator[None]:
    """Holds the lock of a process; to be entered inside the gate.

    Raises:
        BlockingIOError: If another run writes the store, or this process of this run does already.
    """
    held = writers(folder)
    others = [other for other in held if other.run != writer.run or other.process == writer.process]
    with open(folder / f"{GATE}.{writer.process}", "a+b") as file:
        if others or not _locked(file, fcntl.LOCK_EX):
            raise BlockingIOError(
                f"expected a store that nobody else writes, got {folder}, which is written by "
                f"{others[0] if others else 'another'}: wait for it, or end it, and run again"
            )
        file.truncate(0)
        file.write(json.dumps(dataclasses.asdict(writer)).encode())
        file.flush()
        os.fsync(file.fileno())  # so that other hosts read it, on a network's disk
        with _let_go(file):
            yield


def _said(content: bytes) -> dict[str, Any]:
    """Returns what a lock says; where that is not to be read, it is held all the same."""
    with contextlib.suppress(ValueError):
        return json.loads(content)
    return {}


@contextlib.contextmanager
def _let_go(file: IO[Any]) -> Iterator[None]:
    """Lets go of a lock at the end; to close the file is not enough where a child was forked meanwhile."""
    try:
        yield
    finally:
        fcntl.flock(file, fcntl.LOCK_UN)


def _locked(file: IO[Any], kind: int) -> bool:
    """Takes a lock if nobody holds one that excludes it."""
    try:
        fcntl.flock(file, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:
        if error.errno not in WITHOUT_LOCKS:
            raise
        raise OSError(
            f"expected a file system with locks (flock), got {file.name}: {os.strerror(error.errno or 0)}; keep the "
            "store elsewhere"
        ) from error
    return True
