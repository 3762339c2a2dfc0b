"""Scores on disk that are filled block by block: one Zarr v3 group. No other module knows zarr.

The group holds the array `score` and a coordinate for each of its dimensions, so that `xarray.open_zarr` reads it
without this library. A block of pairs is one chunk, hence one file, `score/c.<i>.<j>.0...`: no two writers touch one
file. Chunks are stored as they are, not compressed, with a checksum behind them. So each of them has the same size,
which tells a whole one from one that was cut short, and equal scores are equal bytes whatever the version of a
compressor.
"""

import errno
import functools
import json
import logging
import os
import tempfile
import warnings
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from lineage_jax.io._whole import sync

if TYPE_CHECKING:
    import xarray

logger = logging.getLogger(__name__)

NAME = "score"
METADATA = "zarr.json"
CHECKSUM = 4
"""Bytes behind each chunk."""

Place = tuple[int, int]
"""A block: its row among blocks of parents, and its column among blocks of children."""


def make_grid(
    folder: str | os.PathLike,
    labels: Mapping[str, Sequence[Any]],
    *,
    block: tuple[int, int],
    dtype: str,
    attributes: Mapping[str, Any],
) -> None:
    """Makes a grid of scores that are all NaN, completely or not at all.

    Args:
        folder: the new folder, in one that exists.
        labels: by dimension its labels, texts or numbers; the first two dimensions are cut into blocks.
        block: labels of the first two dimensions in a block.
        dtype: of the scores, floating-point.
        attributes: what JSON can hold.

    Raises:
        FileExistsError: If the folder exists.
        OSError: If it cannot be made.

    Examples:
        >>> labels = {"parent": ["a", "b"], "child": ["c"], "layer": ["fc"]}
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     make_grid(f"{folder}/g", labels, block=(1, 1), dtype="float32", attributes={"step": 1})
        ...     write_chunk(f"{folder}/g", (1, 0), np.ones((1, 1, 1), np.float32))
        ...     grid_attributes(f"{folder}/g"), whole_chunks(f"{folder}/g")
        ...     open_grid(f"{folder}/g", shown=lambda place: True).values.ravel().tolist()
        ({'step': 1}, {(1, 0)})
        [nan, 1.0]
    """
    folder = Path(folder)
    with tempfile.TemporaryDirectory(prefix=f"{folder.name}.unfinished-", dir=folder.parent) as unfinished:
        grid = Path(unfinished, "grid")
        _write_empty(grid, labels, block, dtype, attributes)
        for path in (grid, *grid.rglob("*")):
            sync(path)
        try:
            grid.rename(folder)
        except OSError as error:
            if error.errno not in (errno.ENOTEMPTY, errno.EEXIST, errno.ENOTDIR):
                raise
            raise FileExistsError(f"expected a new path for the grid, got {folder}, which exists") from error
    sync(folder.parent)


def grid_attributes(folder: str | os.PathLike) -> dict[str, Any]:
    """Returns what was written with a grid, without reading anything else of it.

    Raises:
        FileNotFoundError: If there is no grid.
        ValueError: If its description is damaged.
    """
    return _metadata(Path(folder))["attributes"]


def grid_labels(folder: str | os.PathLike) -> dict[str, list[Any]]:
    """Returns by dimension its labels, as plain texts and numbers."""
    import zarr

    names = _metadata(Path(folder, NAME))["dimension_names"]
    arrays = {dim: zarr.open_array(Path(folder, dim), mode="r", zarr_format=3) for dim in names}
    return {dim: np.asarray(array[:]).tolist() for dim, array in arrays.items()}


def write_chunk(folder: str | os.PathLike, place: Place, values: np.ndarray) -> None:
    """Writes the scores of one block, and returns once they have reached the disk.

    Raises:
        OSError: If they cannot be written; what was there before stays.
    """
    import zarr

    from lineage_jax.io._zarr_stores import Whole

    array = zarr.open_array(Whole(Path(folder, NAME)), mode="r+", zarr_format=3)
    corner = [k * size for k, size in zip(place, array.chunks[:2], strict=True)]
    where = tuple(slice(start, start + size) for start, size in zip(corner, values.shape[:2], strict=True))
    array.with_config({"write_empty_chunks": True})[where] = values  # NaN is an answer too


def whole_chunks(folder: str | os.PathLike) -> set[Place]:
    """Returns the places of the chunks that are there in full length."""
    path = Path(folder, NAME)
    size = chunk_bytes(folder)
    with os.scandir(path) as entries:
        placed = ((_place(entry.name), entry) for entry in entries)
        return {place for place, entry in placed if place is not None and entry.stat().st_size == size}


def chunk_bytes(folder: str | os.PathLike) -> int:
    """Returns how many bytes each chunk takes on disk, those at the edges too."""
    described = _metadata(Path(folder, NAME))
    shape = described["chunk_grid"]["configuration"]["chunk_shape"]
    return int(np.prod(shape)) * np.dtype(described["data_type"]).itemsize + CHECKSUM


def chunks_folder(folder: str | os.PathLike) -> Path:
    """Returns where the chunks of a grid are, for what cleans up behind a writer that was killed."""
    return Path(folder, NAME)


def open_grid(folder: str | os.PathLike, *, shown: Callable[[Place], bool]) -> "xarray.DataArray":
    """Opens the scores; nothing but labels is read until values are asked for, and then only the chunks they are in.

    Args:
        folder: of the grid.
        shown: asked before a chunk is read; one that is not shown is NaN, and so is one that is cut short.
    """
    import xarray

    from lineage_jax.io._zarr_stores import Shown

    folder = Path(folder)
    shows = functools.partial(_shows, folder, chunk_bytes(folder), shown)  # it is pickled with the scores
    scores = xarray.open_zarr(Shown(folder, shows), chunks=None, consolidated=True)[NAME]
    texts = {dim: coord.values.tolist() for dim, coord in scores.coords.items() if coord.dtype.kind not in "iuf"}
    return scores.assign_coords(texts)  # of numpy's own kind, as those of an array in memory


def _shows(folder: Path, size: int, shown: Callable[[Place], bool], key: str) -> bool:
    """Tells whether a file is to be read: one of a block only where that is shown, and whole."""
    place = _place(key.removeprefix(f"{NAME}/")) if key.startswith(f"{NAME}/") else None
    if place is None:
        return True
    file = folder / key
    if not shown(place) or not file.is_file():
        return False
    if (found := file.stat().st_size) != size:
        logger.warning("%s has %d bytes of %d, and reads as NaN: run the sweep again", file, found, size)
    return found == size


def _write_empty(
    grid: Path, labels: Mapping[str, Sequence[Any]], block: tuple[int, int], dtype: str, attributes: Mapping[str, Any]
) -> None:
    import zarr
    from zarr.codecs import Crc32cCodec

    group = zarr.create_group(grid, zarr_format=3, attributes=dict(attributes))
    for dim, of_dim in labels.items():
        values = np.asarray(of_dim)
        kind = "string" if values.dtype.kind == "U" else values.dtype  # the one kind of text that Zarr v3 names
        array = group.create_array(
            dim, shape=values.shape, chunks=values.shape, dtype=kind, compressors=None, dimension_names=(dim,)
        )
        array[:] = values
    shape = tuple(len(of_dim) for of_dim in labels.values())
    group.create_array(
        NAME,
        shape=shape,
        chunks=(*(min(most, count) for most, count in zip(block, shape[:2], strict=True)), *shape[2:]),
        dtype=dtype,
        fill_value=np.nan,
        compressors=[Crc32cCodec()],
        chunk_key_encoding={"name": "default", "separator": "."},  # one folder, not five in each other for each block
        dimension_names=tuple(labels),
    )
    with warnings.catch_warnings():  # it is what xarray looks for first, and warns where it does not find it
        warnings.filterwarnings("ignore", message="Consolidated metadata")
        zarr.consolidate_metadata(grid)


def _metadata(path: Path) -> dict[str, Any]:
    file = path / METADATA
    try:
        return json.loads(file.read_bytes())
    except ValueError as error:
        raise ValueError(f"expected the description of an array, got {file}, which is damaged: {error}") from error


def _place(name: str) -> Place | None:
    """Returns which chunk a file holds, or None: `c.4.7.0.0` is (4, 7), and no chunk what is still being written."""
    first, *places = name.split(".")
    if first != "c" or len(places) < 2 or not all(place.isdecimal() for place in places):
        return None
    return int(places[0]), int(places[1])
