"""How far a sweep is, told from what lies on disk: while it is written, and after a run has ended in whatever way."""

import contextlib
import dataclasses
import json
import logging
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from lineage_jax import io
from lineage_jax.pairs import AtATime
from lineage_jax.sweep._described import SCORES, grid_of, read_attributes
from lineage_jax.sweep._lock import Writer, gate, writers
from lineage_jax.sweep._records import ROLES, read_done
from lineage_jax.sweep._store import RUNS

logger = logging.getLogger(__name__)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Status:
    """How far a sweep is.

    Attributes:
        blocks: blocks in all.
        done: blocks that are done, those with errors among them.
        with_errors: blocks in which some network failed.
        errors: by reason the networks that failed, such as `child 'a'`, sorted.
        pairs: pairs in all.
        pairs_done: pairs in blocks that are done.
        pairs_a_second: of the last run that finished a block, all of its processes together, or None.
        seconds_left: at this rate, or None.
        waiting: share of the time in which devices waited for networks to be read, 0 to 1, or None where no run says.
        bound: what bounds, "reading" where more time goes into waiting than into computing, else "computing"; or None.
        processes: the processes that have written, oldest first, such as `process 0 of 1 of run ...`.
        writers: those that write now.
        bytes: on disk.
    """

    blocks: int
    done: int
    with_errors: int
    errors: Mapping[str, Sequence[str]]
    pairs: int
    pairs_done: int
    pairs_a_second: float | None
    seconds_left: float | None
    waiting: float | None
    bound: str | None
    processes: Sequence[str]
    writers: Sequence[str]
    bytes: int

    @property
    def complete(self) -> bool:
        """Whether all blocks are done."""
        return self.done == self.blocks

    def as_dict(self) -> dict[str, Any]:
        """Returns what JSON can hold."""
        return {**dataclasses.asdict(self), "complete": self.complete}


def status(path: str | os.PathLike) -> Status:
    """Tells how far a sweep is.

    Args:
        path: the folder of the store.

    Raises:
        FileNotFoundError: If there is nothing at `path`.
        ValueError: If it is no store, or one of another version.
    """
    folder = Path(path).absolute()
    blocks = AtATime(*read_attributes(folder)["blocks"])
    labels = io.grid_labels(folder / SCORES)
    rows, columns = grid_of(labels, blocks)
    done = read_done(folder, (rows, columns))
    heights, widths = (_sizes(len(labels[role]), most) for role, most in zip(ROLES, blocks, strict=True))
    pairs, pairs_done = sum(heights) * sum(widths), sum(heights[i] * widths[j] for i, j in done)
    said = _said(folder / RUNS)
    rate = _rate(said)
    waiting = _waiting(line for lines in said for line in lines)
    return Status(
        blocks=rows * columns,
        done=len(done),
        with_errors=sum(map(bool, done.values())),
        errors=_grouped(done.values()),
        pairs=pairs,
        pairs_done=pairs_done,
        pairs_a_second=rate,
        seconds_left=(pairs - pairs_done) / rate if rate else None,
        waiting=waiting,
        bound=None if waiting is None else "reading" if waiting > 0.5 else "computing",
        processes=[str(Writer.of(lines[0])) for lines in said],
        writers=[str(writer) for writer in _writers(folder)],
        bytes=_bytes(folder),
    )


def _sizes(count: int, most: int) -> list[int]:
    return [min(most, count - start) for start in range(0, count, most)]


def _grouped(failed: Iterable[Mapping[str, Mapping[str, str]]]) -> dict[str, list[str]]:
    reasons: dict[str, set[str]] = {}
    for of_block in failed:
        for role, of_role in of_block.items():
            for name, reason in of_role.items():
                reasons.setdefault(reason, set()).add(f"{role} '{name}'")
    return {reason: sorted(names) for reason, names in sorted(reasons.items())}


def _said(folder: Path) -> list[list[dict[str, Any]]]:
    """Returns what each process of each run has said, oldest first."""
    said = [list(_lines(file)) for file in folder.glob("*.jsonl")]
    return sorted(
        (lines for lines in said if lines and lines[0].get("event") == "start"), key=lambda lines: lines[0]["time"]
    )


def _lines(file: Path) -> Iterator[dict[str, Any]]:
    """Yields what one process has said; a line that a kill or a full disk has cut short is left out."""
    for line in file.read_bytes().split(b"\n"):
        with contextlib.suppress(ValueError):
            said = json.loads(line)
            yield said if isinstance(said, dict) else {}


def _rate(said: Sequence[Sequence[Mapping[str, Any]]]) -> float | None:
    """Returns pairs a second of the last run that has finished a block: its processes worked at the same time."""
    runs: dict[str, list[Mapping[str, Any]]] = {}
    for lines in said:
        runs.setdefault(lines[0]["run"], []).extend(lines)
    for lines in reversed(runs.values()):
        times = [line["time"] for line in lines if line.get("event") == "start" or "pairs" in line]
        pairs = sum(line.get("pairs", 0) for line in lines)
        if pairs and max(times) > min(times):
            return pairs / (max(times) - min(times))
    return None


def _waiting(lines: Iterable[Mapping[str, Any]]) -> float | None:
    measured = [(line["waited"], line["computed"]) for line in lines if {"waited", "computed"} <= line.keys()]
    waited, computed = (sum(seconds) for seconds in zip(*measured, strict=True)) if measured else (0.0, 0.0)
    return waited / (waited + computed) if waited + computed else None


def _writers(folder: Path) -> list[Writer]:
    """Returns who writes now, as far as that can be told: a copy may lie where there are no locks."""
    try:
        with gate(folder, shared=True):
            return writers(folder)
    except FileNotFoundError:
        return []
    except OSError as error:
        logger.warning("it cannot be told whether a run writes %s: %s", folder, error)
        return []


def _bytes(folder: Path) -> int:
    """Returns the bytes of all files; one that is renamed meanwhile is not counted."""
    total = 0
    with os.scandir(folder) as entries:
        for entry in entries:
            with contextlib.suppress(FileNotFoundError):
                total += _bytes(Path(entry.path)) if entry.is_dir() else entry.stat().st_size
    return total
