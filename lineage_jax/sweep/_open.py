"""A sweep on disk as scores that are read when they are asked for."""

import functools
import os
from pathlib import Path
from typing import TYPE_CHECKING

from lineage_jax import io
from lineage_jax.pairs import AtATime
from lineage_jax.sweep._described import SCORES, grid_of, read_attributes
from lineage_jax.sweep._records import ROLES, is_done, read_done, read_known, recorded

if TYPE_CHECKING:
    import xarray


def open(path: str | os.PathLike) -> "xarray.DataArray":
    """Opens the scores of a sweep: what `lineage.score` returns, but values are read from disk when they are asked for.

    Everything that reads scores reads them. Chunks are read whole: choose names first, `scores.sel(parent=..., ...)`,
    and then compute. A sweep may be opened while it is written; blocks that are not done when they are read are NaN.

    Args:
        path: the folder of the store.

    Returns:
        `xarray.DataArray` as of `lineage.score`, with its `not_shared` (sorted), and beside it: the attributes `plan`
        (JSON), `plan_sha256`, `blocks`, what the store was described with (`versions`, `device_kind`,
        `probes_sha256`), and `complete`, whether all blocks were done when it was opened; the coordinates
        `parent_sha256` and `child_sha256`, empty for networks that were not read yet or failed.

    Raises:
        FileNotFoundError: If there is nothing at `path`.
        ValueError: If it is no store, or one of another version. When values are read, if the checksum of a chunk does
            not match them: the disk has altered it; delete the block's record and run the sweep again.
    """
    folder = Path(path).absolute()
    attributes = read_attributes(folder)
    scores = io.open_grid(folder / SCORES, shown=functools.partial(is_done, folder))
    labels = {role: scores[role].values.tolist() for role in ROLES}
    grid = grid_of(labels, AtATime(*attributes["blocks"]))
    sums, not_shared = {}, set[str]()
    for role, count in zip(ROLES, grid, strict=True):
        known = [read_known(folder, role, number) for number in range(count)]
        of_role = {name: digest for one in known for name, digest in one.sha256.items()}
        sums[f"{role}_sha256"] = (role, [of_role.get(name, "") for name in labels[role]])
        not_shared.update(path for one in known for path in one.not_shared)
    scores = scores.assign_coords(sums)
    return scores.assign_attrs(not_shared=sorted(not_shared), **attributes, complete=_is_complete(folder, grid))


def _is_complete(folder: Path, grid: tuple[int, int]) -> bool:
    """Tells whether all blocks are done; their records are looked into only where there are enough of them."""
    blocks = grid[0] * grid[1]
    if len(recorded(folder)) < blocks:
        return False
    return len(read_done(folder, grid)) == blocks
