"""What process 0 says at the end: it waits for processes that still write, and tells which blocks are missing."""

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


def wait_for_others(path: str | os.PathLike, team: Team) -> None:
    """Waits until every other team has ended, well or not, and logs what they have left undone.

    Args:
        path: of the store.
        team: of the process that waits, which has done its own blocks.
    """
    folder, start = Path(path).absolute(), time.monotonic()
    others = set(range(team.count)) - {team.index}
    while others and time.monotonic() - start < WAIT:  # for those that have not begun
        if all((folder / RUNS / f"{identity()}.{other}.jsonl").exists() for other in others):
            break
        time.sleep(PAUSE)
    while others and _write(folder):
        time.sleep(PAUSE)
    for index, missing in _missing(folder, team).items():
        first = min(missing)
        logger.error(
            f"process {index * len(team.processes)} has ended before its work was done: {len(missing)} of its blocks "
            f"are missing, the first is {first}; what is done is kept: run again to go on"
        )


def _write(folder: Path) -> bool:
    """Says whether another process of this run writes."""
    with gate(folder, shared=True):
        return any(writer.run == identity() for writer in writers(folder))


def _missing(folder: Path, team: Team) -> dict[int, set[io.Place]]:
    """Returns by team which of its blocks are not done, where there are some."""
    blocks = AtATime(*read_attributes(folder)["blocks"])
    rows, columns = grid_of(io.grid_labels(folder / SCORES), blocks)
    done = read_done(folder, (rows, columns), io.whole_chunks(folder / SCORES))
    shares = {index: dataclasses.replace(team, index=index).share(rows * columns) for index in range(team.count)}
    missing = {
        index: {(number % rows, number // rows) for number in share} - set(done) for index, share in shares.items()
    }
    return {index: places for index, places in missing.items() if places}
