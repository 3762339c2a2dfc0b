"""A sweep on disk while it is written: one process's hold on it.

| in the folder | |
|---|---|
| `scores.zarr` | the scores, a chunk a block, and what they are of; NaN where nothing is computed |
| `blocks`, `networks` | what is known beside the scores, the same whatever run has written it |
| `runs/<run>.<process>.jsonl` | what each run did, and when |
| `lock`, `lock.<process>` | who writes now |

A block is written in this order: the sums of its networks, its chunk, its record. Each is whole under its name or not
there, and on the disk before the next begins, so that a record says: all of this block is there. A run that ends at any
moment, or whose machine does, leaves blocks that are done and blocks that are not.
"""

import dataclasses
import errno
import json
import os
import shutil
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from lineage_jax import io
from lineage_jax.pairs import AtATime
from lineage_jax.sweep._described import SCORES, grid_of
from lineage_jax.sweep._lock import Writer
from lineage_jax.sweep._records import ROLES, Known, Record, check_unchanged, known_of, remember, write_record

RUNS = "runs"
FULL = (errno.ENOSPC, errno.EDQUOT)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Store:
    """A sweep on disk that this process writes; made by `open_for_writing`.

    Attributes:
        folder: of the store.
        blocks: parents and children in a block; the last ones of either side may be fewer.
        labels: by dimension its labels, `parent` and `child` first.
        dtype: of the scores.
        writer: this process.
        done: the blocks that are done: those that were when the store was opened, and those that were written since.
        failed: of blocks with errors, by role and name why a network has no scores.
        known: what is known of the networks of a row or column of blocks; filled as blocks are written.
    """

    folder: Path
    blocks: AtATime
    labels: Mapping[str, Sequence[Any]]
    dtype: np.dtype
    writer: Writer
    done: set[io.Place]
    failed: dict[io.Place, dict[str, dict[str, str]]]
    known: dict[tuple[str, int], Known] = dataclasses.field(default_factory=dict)

    @property
    def grid(self) -> tuple[int, int]:
        """How many blocks of parents there are, and how many of children."""
        return grid_of(self.labels, self.blocks)

    def names(self, i: int, j: int) -> tuple[Sequence[str], Sequence[str]]:
        """Returns the parents and the children of block (i, j)."""
        starts = zip(ROLES, (i, j), self.blocks, strict=True)
        parents, children = (self.labels[role][k * most : (k + 1) * most] for role, k, most in starts)
        return parents, children

    def write(self, i: int, j: int, values: np.ndarray, record: Record, **measured: Any) -> None:
        """Writes one block, all of it or nothing; when it returns, the block is done and on the disk.

        Who divides blocks between processes sees to it that each is written by one. Two that wrote the same would do
        no harm: each file is replaced as a whole, by the same bytes.

        Args:
            i: which block of parents.
            j: which block of children.
            values: `[p, m, ...]`, as many as the block has names, NaN where a network failed.
            record: facts of the block.
            **measured: what the run's log says of the block beside its place and the number of its pairs; `waited` and
                `computed`, in seconds, tell `status` which of reading and computing bounds.

        Raises:
            ValueError: If there is no such block, the values are not of its shape and dtype, the record names other
                networks, or a network is another one than when other blocks were computed.
            OSError: If it cannot be written; what is done is untouched. A full disk is `errno.ENOSPC`.
        """
        self._check(i, j, values, record)
        started = time.monotonic()
        try:
            for role, number in zip(ROLES, (i, j), strict=True):
                self._remember(role, number, known_of(record, role))
            io.write_chunk(self.folder / SCORES, (i, j), values)
            write_record(self.folder, (i, j), record)
            self.done.add((i, j))
            self.failed.pop((i, j), None)
            if any(record.failed.values()):
                self.failed[i, j] = {role: dict(of_role) for role, of_role in record.failed.items() if of_role}
            pairs = values.shape[0] * values.shape[1]
            self.log(block=[i, j], pairs=pairs, writing=time.monotonic() - started, **measured)
        except OSError as error:
            if error.errno not in FULL:
                raise
            raise self._no_room(i, j, error) from error

    def log(self, **facts: Any) -> None:
        """Adds a line to what this process says of its run, with the time; texts, numbers and lists of them."""
        line = json.dumps({"time": time.time(), **facts}, ensure_ascii=False)
        with open(self.folder / RUNS / f"{self.writer.run}.{self.writer.process}.jsonl", "a", encoding="utf-8") as file:
            file.write(line + "\n")  # one write of one line: what a kill cuts short is the last one

    def _remember(self, role: str, number: int, new: Known) -> None:
        known = self.known.get((role, number), Known())
        check_unchanged(role, known, new)
        if not known.holds(new):
            self.known[role, number] = remember(self.folder, role, number, new)

    def _check(self, i: int, j: int, values: np.ndarray, record: Record) -> None:
        rows, columns = self.grid
        if not (0 <= i < rows and 0 <= j < columns):
            raise ValueError(f"expected a block of {rows} x {columns}, got ({i}, {j})")
        names = dict(zip(ROLES, self.names(i, j), strict=True))
        rest = [len(of_dim) for dim, of_dim in self.labels.items() if dim not in ROLES]
        shape = (*map(len, names.values()), *rest)
        if values.shape != shape or values.dtype != self.dtype:
            raise ValueError(
                f"expected {shape} scores of {self.dtype} in block ({i}, {j}), got {values.shape} of {values.dtype}"
            )
        for role, of_role in (*record.sha256.items(), *record.failed.items()):
            if other := of_role.keys() - set(names.get(role, ())):
                raise ValueError(f"expected a record of networks in block ({i}, {j}), got {role} '{min(other)}'")

    def _no_room(self, i: int, j: int, error: OSError) -> OSError:
        size = io.chunk_bytes(self.folder / SCORES)
        rows, columns = self.grid
        left = rows * columns - len(self.done)
        free = shutil.disk_usage(self.folder).free
        said = (
            f"{os.strerror(error.errno or 0)}: block ({i}, {j}) takes {size:,} bytes and {free:,} are free; the "
            f"{left:,} blocks that are not done here take {left * size:,}. What is done is kept: make room, run again"
        )
        return OSError(error.errno, said, str(self.folder))
