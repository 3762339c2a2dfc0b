"""Laws of grids and single files: a chunk a block, whole or not there, and readable without this library."""

import errno
import hashlib
import os
import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import xarray

from lineage_jax import io
from lineage_jax.io import _whole

LABELS = {
    "parent": ["anna", "bert", "中文"],
    "child": ["", "ä", "c" * 300, "d e"],
    "layer": ["fc"],
    "alpha": [0.0, 0.1],
}
SCORES = np.random.default_rng(0).normal(size=(3, 4, 1, 2)).astype(np.float32)
BLOCK = (2, 3)
PLACES = [(0, 0), (0, 1), (1, 0), (1, 1)]
ALL = dict.fromkeys(PLACES)


def values_of(place):
    return SCORES[2 * place[0] : 2 * place[0] + 2, 3 * place[1] : 3 * place[1] + 3]


@pytest.fixture
def grid(tmp_path):
    io.make_grid(tmp_path / "grid", LABELS, block=BLOCK, dtype="float32", attributes={"about": {"step": [1]}})
    return tmp_path / "grid"


@pytest.fixture
def filled(grid):
    for place in PLACES:
        io.write_chunk(grid, place, values_of(place))
    return grid


def chunks(grid):
    return sorted(path for path in io.chunks_folder(grid).iterdir() if path.name != "zarr.json")


def chunk(grid, place):
    return io.chunks_folder(grid) / f"c.{place[0]}.{place[1]}.0.0"


def sums(folder):
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file()
    }


def full_disk(monkeypatch):
    def fail(_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(_whole.os, "fsync", fail)


def test_xarray_alone_reads_it(filled):
    with xarray.open_zarr(filled) as dataset:
        assert dataset.attrs == {"about": {"step": [1]}}
        score = dataset["score"]
        assert score.dtype == np.float32
        assert {dim: score[dim].values.tolist() for dim in score.dims} == LABELS
        np.testing.assert_array_equal(score.values, SCORES)


def test_what_is_opened_is_what_was_written_with_labels_as_of_an_array_in_memory(filled):
    expected = xarray.DataArray(SCORES, dims=tuple(LABELS), coords=LABELS, name="score")
    opened = io.open_grid(filled, shown=ALL.__contains__)
    xarray.testing.assert_identical(opened, expected)
    assert {dim: coord.dtype for dim, coord in opened.coords.items()} == {
        dim: coord.dtype for dim, coord in expected.coords.items()
    }
    assert io.grid_labels(filled) == LABELS


def test_every_block_is_one_file_one_of_nan_too(grid):
    for count, place in enumerate(PLACES, 1):
        io.write_chunk(grid, place, np.full_like(values_of(place), np.nan))
        assert len(chunks(grid)) == count
    assert io.whole_chunks(grid) == set(PLACES)
    assert {path.stat().st_size for path in chunks(grid)} == {io.chunk_bytes(grid)} == {2 * 3 * 1 * 2 * 4 + 4}


def test_a_chunk_that_is_being_written_is_not_whole(grid):
    io.write_chunk(grid, (0, 0), values_of((0, 0)))
    partial = chunk(grid, (0, 0)).rename(f"{chunk(grid, (0, 0))}.{'0' * 32}{io.PARTIAL}")
    assert partial.stat().st_size == io.chunk_bytes(grid)
    assert io.whole_chunks(grid) == set()


def test_what_is_not_written_or_not_shown_is_nan(grid):
    for place in PLACES[1:]:
        io.write_chunk(grid, place, values_of(place))
    opened = io.open_grid(grid, shown={(0, 0), (1, 1)}.__contains__)
    assert np.isnan(opened.values[:2]).all()
    assert np.isnan(opened.values[2:, :3]).all()
    np.testing.assert_array_equal(opened.values[2:, 3:], SCORES[2:, 3:])


def test_a_block_shows_as_soon_as_it_is_written(grid):
    opened = io.open_grid(grid, shown=ALL.__contains__)
    assert np.isnan(opened.isel(parent=0, child=0).values).all()
    io.write_chunk(grid, (0, 0), values_of((0, 0)))
    np.testing.assert_array_equal(opened.isel(parent=0, child=0).values, SCORES[0, 0])


def read_files(monkeypatch):
    """Notes the chunks of scores that are read."""
    from zarr.storage import LocalStore

    get, read = LocalStore.get, []

    async def noting(self, key, *args, **kwargs):
        read.append(key)
        return await get(self, key, *args, **kwargs)

    monkeypatch.setattr(LocalStore, "get", noting)
    return read


def test_opening_reads_no_scores_and_one_pair_reads_one_chunk(filled, monkeypatch):
    read = read_files(monkeypatch)
    opened = io.open_grid(filled, shown=ALL.__contains__)
    assert not [key for key in read if key.startswith("score/c")]
    assert opened.sel(parent="中文", child="d e", alpha=0.1).item() == SCORES[2, 3, 0, 1]
    assert [key for key in read if key.startswith("score/c")] == ["score/c.1.1.0.0"]


def test_a_hundred_thousand_children_open_in_a_few_files(tmp_path, monkeypatch):
    labels = {"parent": [f"p{k}" for k in range(1000)], "child": [f"child {k}" for k in range(100_000)], "layer": ["a"]}
    io.make_grid(tmp_path / "grid", labels, block=(50, 500), dtype="float32", attributes={})
    io.write_chunk(tmp_path / "grid", (19, 199), np.ones((50, 500, 1), np.float32))
    read = read_files(monkeypatch)
    opened = io.open_grid(tmp_path / "grid", shown=lambda place: True)
    assert opened.sel(parent="p999", child="child 99999").item() == 1
    assert len(read) < 10  # the description, and a chunk for each dimension and for the score


def test_opened_scores_can_be_pickled(filled):
    opened = pickle.loads(pickle.dumps(io.open_grid(filled, shown=ALL.__contains__)))
    np.testing.assert_array_equal(opened.values, SCORES)


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("left", [0, 1, 20])
def test_a_chunk_that_is_cut_short_is_not_whole_reads_as_nan_and_is_written_again(filled, caplog, place, left):
    os.truncate(chunk(filled, place), left)
    assert io.whole_chunks(filled) == set(PLACES) - {place}
    opened = io.open_grid(filled, shown=ALL.__contains__)
    assert np.isnan(opened.values).sum() == values_of(place).size
    assert f"has {left} bytes of 52, and reads as NaN" in caplog.text
    io.write_chunk(filled, place, values_of(place))
    np.testing.assert_array_equal(io.open_grid(filled, shown=ALL.__contains__).values, SCORES)


def test_a_chunk_that_was_altered_is_not_read(filled):
    damaged = bytearray(chunk(filled, (0, 1)).read_bytes())
    damaged[3] ^= 1
    chunk(filled, (0, 1)).write_bytes(damaged)
    opened = io.open_grid(filled, shown=ALL.__contains__)
    np.testing.assert_array_equal(opened.isel(child=0).values, SCORES[:, 0])
    with pytest.raises(ValueError, match="checksum"):
        opened.load()


def test_a_chunk_has_reached_the_disk_before_it_has_its_name(grid, monkeypatch):
    happened = []
    fsync, replace = os.fsync, Path.replace
    name = lambda descriptor: Path(os.readlink(f"/proc/self/fd/{descriptor}")).name
    monkeypatch.setattr(_whole.os, "fsync", lambda d: (happened.append(("sync", name(d))), fsync(d)))
    monkeypatch.setattr(Path, "replace", lambda p, to: (happened.append(("name", to.name)), replace(p, to))[1])
    io.write_chunk(grid, (0, 1), values_of((0, 1)))
    (first, partial), second, third = happened
    assert first == "sync"
    assert partial.endswith(io.PARTIAL)
    assert (second, third) == (("name", "c.0.1.0.0"), ("sync", "score"))


def test_a_full_disk_leaves_what_was_there_and_nothing_else(filled, monkeypatch):
    before = sums(filled)
    full_disk(monkeypatch)
    with pytest.raises(OSError, match="No space left") as caught:
        io.write_chunk(filled, (1, 1), values_of((1, 1)) + 1)
    assert caught.value.errno == errno.ENOSPC
    assert sums(filled) == before


def test_equal_scores_are_equal_bytes_in_whatever_order_they_came(filled, tmp_path):
    io.make_grid(tmp_path / "again", LABELS, block=BLOCK, dtype="float32", attributes={"about": {"step": [1]}})
    for place in reversed(PLACES):
        io.write_chunk(tmp_path / "again", place, values_of(place))
    assert sums(tmp_path / "again") == sums(filled)


def test_a_grid_takes_the_place_of_nothing(filled, tmp_path):
    before = sums(filled)
    with pytest.raises(FileExistsError, match="expected a new path for the grid"):
        io.make_grid(filled, LABELS, block=BLOCK, dtype="float32", attributes={})
    assert sums(filled) == before
    assert [path.name for path in tmp_path.iterdir()] == ["grid"]


def test_a_grid_that_cannot_be_finished_is_not_there(tmp_path, monkeypatch):
    full_disk(monkeypatch)
    with pytest.raises(OSError, match="No space left"):
        io.make_grid(tmp_path / "grid", LABELS, block=BLOCK, dtype="float32", attributes={})
    assert not list(tmp_path.iterdir())


def test_a_damaged_description_is_told(grid):
    (grid / "zarr.json").write_text("{")
    with pytest.raises(ValueError, match=r"expected the description of an array, got .*damaged"):
        io.grid_attributes(grid)


@pytest.mark.parametrize("dtype", ["float16", "float64"])
def test_scores_of_other_precisions_come_back_bit_for_bit(tmp_path, dtype):
    values = SCORES.astype(dtype)
    io.make_grid(tmp_path / "grid", LABELS, block=(3, 4), dtype=dtype, attributes={})
    io.write_chunk(tmp_path / "grid", (0, 0), values)
    opened = io.open_grid(tmp_path / "grid", shown=lambda place: True)
    assert opened.values.tobytes() == values.tobytes()


@pytest.mark.parametrize("error", [OSError(errno.EIO, "broken"), KeyboardInterrupt()])
def test_a_file_that_cannot_be_written_is_the_old_one(tmp_path, monkeypatch, error):
    io.write_whole(tmp_path / "a", b"old")

    def fail(_):
        raise error

    monkeypatch.setattr(_whole.os, "fsync", fail)
    with pytest.raises(type(error)):
        io.write_whole(tmp_path / "a", b"new")
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [b"old"]


def test_only_partial_files_are_removed(tmp_path):
    for name in ("a", "a.0123.partial", "c.0.1.0.4567.partial", "partial"):
        (tmp_path / name).touch()
    assert io.remove_partial(tmp_path) == 2
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "partial"]


def test_nothing_that_takes_long_is_imported_before_it_is_needed():
    heavy = "{'jax', 'flax', 'orbax', 'xarray', 'zarr'}"
    script = f"import sys; from lineage_jax import io; io.write_whole; print({heavy} & set(sys.modules))"
    assert subprocess.run([sys.executable, "-c", script], capture_output=True, text=True).stdout == "set()\n"
