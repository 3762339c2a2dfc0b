"""Opening a store to write it: whose it is, what it is of, and what is done."""

import collections
import contextlib
import dataclasses
import functools
import logging
import os
import re
import shutil
import uuid
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from lineage_jax import io
from lineage_jax.pairs import AtATime
from lineage_jax.sweep._described import SCORES, attributes_of, check_same, grid_of, other_surroundings, read_attributes
from lineage_jax.sweep._lock import GATE, Writer, gate, taken, writers
from lineage_jax.sweep._records import BLOCKS, NETWORKS, ROLES, read_done
from lineage_jax.sweep._store import RUNS, Store

logger = logging.getLogger(__name__)

PARTS = (BLOCKS, NETWORKS, RUNS)
RUN = re.compile(r"[\w-]+")
UNFINISHED = f"{SCORES}.unfinished-"
BEGUN = (f"{GATE}.", UNFINISHED)
"""Beside the gate and the folders, what a run that was killed while it made a store has left."""


@contextlib.contextmanager
def open_for_writing(
    path: str | os.PathLike,
    *,
    plan: Mapping[str, Any],
    labels: Mapping[str, Sequence[Any]],
    blocks: AtATime,
    described: Mapping[str, Any],
    dtype: Any = np.float32,
    process: int = 0,
    processes: int = 1,
    run: str | None = None,
) -> Iterator[Store]:
    """Opens a store to go on with it, or makes it, and keeps other runs out until the block of code ends.

    What a run that was killed has left half-written is removed, by the first process of a run and before another can
    write. Where runs differ in versions or the kind of device, a line is logged and the store keeps what it was made
    with; each run's log has its own.

    Args:
        path: the folder: a store, an empty one, or a new one.
        plan: what is computed, as JSON can hold it; a store of another plan is refused.
        labels: by dimension its labels: `parent`, `child`, and those of the scores of a pair.
        blocks: parents and children in a block of a new store; one that exists keeps its own, `Store.blocks`.
        described: what the scores depend on beside the plan, as JSON can hold it: `versions`, `device_kind`, and
            `probes_sha256`, which must be that of the store.
        dtype: of the scores.
        process: which process of the run this is.
        processes: how many processes the run has.
        run: identity of the run, letters and digits, the same for all of its processes and drawn anew for each run;
            may be left out where there is one process.

    Yields:
        The `Store`.

    Raises:
        BlockingIOError: If another run writes the store.
        ValueError: If the folder is something else than a store, or one of another version, plan, labels or probes; if
            names repeat or are no text that can be stored, or a run of several processes has no identity.
        OSError: If the folder cannot be made or written.
        TypeError: If JSON cannot hold the plan or the description.

    Examples:
        >>> import tempfile
        >>> from lineage_jax import sweep
        >>> labels = {"parent": ["a", "b"], "child": ["c"], "layer": ["fc"]}
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     with sweep.open_for_writing(
        ...         folder, plan={"seed": 1}, labels=labels, blocks=AtATime(1, 1), described={}
        ...     ) as store:
        ...         store.write(1, 0, np.ones((1, 1, 1), np.float32), sweep.Record())
        ...     sweep.open(folder).values.ravel().tolist()
        [nan, 1.0]
    """
    folder = Path(path).absolute()
    labels = _checked_labels(labels)
    attributes = attributes_of(plan, blocks, np.dtype(dtype), described)
    writer = _writer(run, process, processes)
    with contextlib.ExitStack() as stack:
        with _reasons(folder):
            _check_folder(folder)
            folder.mkdir(parents=True, exist_ok=True)
            with gate(folder):
                for part in PARTS:
                    (folder / part).mkdir(exist_ok=True)
                stack.enter_context(taken(folder, writer))
                if writers(folder) == [writer]:
                    _remove_leftovers(folder)
                if not (folder / SCORES).exists():
                    block, name = (blocks.parents, blocks.children), np.dtype(dtype).name
                    io.make_grid(folder / SCORES, labels, block=block, dtype=name, attributes=attributes)
            check_same(folder, attributes, labels)
            store = _store(folder, labels, writer)
            if process == 0 and (others := other_surroundings(folder, attributes)):
                logger.warning("%s was made otherwise: %s; scores may differ in their last digits", folder, others)
            store.log(event="start", **dataclasses.asdict(writer), described=dict(described))
        stack.push(functools.partial(_log_end, store))
        yield store


def _checked_labels(labels: Mapping[str, Sequence[Any]]) -> dict[str, list[Any]]:
    """Returns labels as they come back from disk."""
    if tuple(labels)[:2] != ROLES:
        raise ValueError(f"expected labels of parent, child and what a pair gives, got those of {', '.join(labels)}")
    plain = {dim: np.asarray(list(of_dim)).tolist() for dim, of_dim in labels.items()}
    for dim, of_dim in plain.items():
        if not of_dim:
            raise ValueError(f"expected at least one {dim}, got none")
        if dim in ROLES and len(set(of_dim)) < len(of_dim):
            twice = collections.Counter(of_dim).most_common(1)[0][0]
            raise ValueError(f"{dim} names must be unique, {twice!r} occurs more than once; rename it")
        for label in of_dim:
            if isinstance(label, str) and not _is_text(label):
                raise ValueError(f"expected {dim} names that are Unicode, got {label!r}; rename the file")
    return plain


def _is_text(label: str) -> bool:
    """Tells whether a name is text: bytes of a file's name that are none come as halves of characters."""
    try:
        label.encode()
    except UnicodeEncodeError:
        return False
    return True


def _writer(run: str | None, process: int, processes: int) -> Writer:
    if not 0 <= process < processes:
        raise ValueError(f"expected a process of 0 to {processes - 1}, got {process}")
    if run is None and processes > 1:
        raise ValueError(
            f"expected an identity that the {processes} processes of the run share, got none; give run=..."
        )
    run = uuid.uuid4().hex[:12] if run is None else run
    if not RUN.fullmatch(run):
        raise ValueError(f"expected an identity of letters and digits, got {run!r}")
    return Writer(run=run, process=process, processes=processes)


@contextlib.contextmanager
def _reasons(folder: Path) -> Iterator[None]:
    """Says of an error of the system what was expected and what to do."""
    try:
        yield
    except OSError as error:
        if error.errno is None:  # it says so already
            raise
        reason = f"{os.strerror(error.errno)} ({error.filename})" if error.filename else os.strerror(error.errno)
        raise type(error)(
            f"expected a folder for the store that can be made and written, got {folder}: {reason}; make room or "
            "choose another place"
        ) from error


def _check_folder(folder: Path) -> None:
    """Refuses what is no store before anything is written there."""
    if (folder / SCORES).is_dir():
        read_attributes(folder)
    elif folder.is_dir():
        names = {entry.name for entry in folder.iterdir()}
        begun = GATE in names and {name for name in names if name in (GATE, *PARTS) or name.startswith(BEGUN)}
        if others := sorted(names - (begun or set())):
            raise ValueError(
                f"expected a store, a new folder or an empty one, got {folder}, which holds '{others[0]}' and no "
                f"{SCORES}; choose another folder"
            )


def _remove_leftovers(folder: Path) -> None:
    """Removes what was being written when the last writer ended; nobody writes now."""
    inside = [folder / part for part in (BLOCKS, NETWORKS)] + [io.chunks_folder(folder / SCORES)]
    count = sum(io.remove_partial(part) for part in inside if part.is_dir())
    for unfinished in folder.glob(f"{UNFINISHED}*"):
        shutil.rmtree(unfinished)
        count += 1
    if count:
        logger.info("removed %d files that a run had not finished when it ended", count)


def _store(folder: Path, labels: Mapping[str, Sequence[Any]], writer: Writer) -> Store:
    attributes = read_attributes(folder)
    blocks = AtATime(*attributes["blocks"])
    done = read_done(folder, grid_of(labels, blocks))
    return Store(
        folder=folder,
        blocks=blocks,
        labels=labels,
        dtype=np.dtype(attributes["dtype"]),
        writer=writer,
        done=set(done),
        failed={place: failed for place, failed in done.items() if failed},
    )


def _log_end(store: Store, kind: type[BaseException] | None, error: BaseException | None, *_: Any) -> None:
    with contextlib.suppress(OSError):  # a full disk has been told of already
        store.log(event="end", error=None if error is None else f"{type(error).__name__}: {error}")
