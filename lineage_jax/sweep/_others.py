"""What processes of a run know of each other at the end: who still writes, and which blocks are missing."""

import dataclasses
import logging
import os
import time
from pathlib import Path

from lineage_jax import io
from lineage_jax.pairs import AtATime
from lineage_jax.sweep._described import SCORES, grid_of, read_attributes
from lineage_jax.sweep._hosts import WAIT, Team, identity
from lineage_jax.sweep._lock import gate, writers
from lineage_jax.sweep._records import read_done
from lineage_jax.sweep._store import RUNS

logger = logging.getLogger(__name__)

PAUSE = 1.0
"""Seconds between two looks."""


def look_at_others(path: str | os.PathLike, team: Team) -> None:
    """Logs which blocks others have left undone; process 0 waits until no other writes, the rest look once.

    Whoever looks last tells, so that somebody does if process 0 has been killed.

    Args:
        path: of the store.
        team: of this process, which has done its own blocks.
    """
    if team.count == 1:
        return
    folder = Path(path).absolute()
    if team.index == 0:
        _wait(folder, team)
    if _write(folder):
        return
    for index, missing in _missing(folder, team).items():
        logger.error(
            f"process {index * len(team.processes)} has ended before its work was done: {len(missing)} of its blocks "
            f"are missing, the first is {min(missing)}; what is done is kept: run again to go on"
        )


def _wait(folder: Path, team: Team) -> None:
    """Waits for others to begin, for a time, and then to end, well or not."""
    start, others = time.monotonic(), range(1, team.count)
    while time.monotonic() - start < WAIT:
        if all((folder / RUNS / f"{identity()}.{other}.jsonl").exists() for other in others):
            break
        time.sleep(PAUSE)
    while _write(folder):
        time.sleep(PAUSE)


def _write(folder: Path) -> bool:
    """Says whether another process of this run writes."""
    with gate(folder, shared=True):
        return any(writer.run == identity() for writer in writers(folder))


def _missing(folder: Path, team: Team) -> dict[int, set[io.Place]]:
    """Returns by team which of its blocks are not done, where there are some."""
    blocks = AtATime(*read_attributes(folder)["blocks"])
    rows, columns = grid_of(io.grid_labels(folder / SCORES), blocks)
    done = read_done(folder, (rows, columns))
    shares = {index: dataclasses.replace(team, index=index).share(rows * columns) for index in range(team.count)}
    missing = {
        index: {(number % rows, number // rows) for number in share} - set(done) for index, share in shares.items()
    }
    return {index: places for index, places in missing.items() if places}
