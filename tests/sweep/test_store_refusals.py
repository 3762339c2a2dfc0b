"""What is no store, one of something else, or what no store can hold, is refused with what to do."""

import json
import os
import tempfile
from pathlib import Path

import jax.numpy as jnp
import numpy as np
import pytest

from lineage_jax import sweep
from tests.sweep import kill_store
from tests.sweep.stores import DESCRIBED, LABELS, PLAN, SCORES, block_of, opened, write, write_all


def refused(error, said, folder, **changes):
    before = kill_store.lasting(folder) if folder.is_dir() else None
    with pytest.raises(error, match=said) as caught, opened(folder, **changes):
        pass
    assert "\n" not in str(caught.value)
    assert before == (kill_store.lasting(folder) if folder.is_dir() else None)
    return str(caught.value)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (
            {"plan": {**PLAN, "memory": 2000}},
            r"memory is 2000, and was 1000; choose another folder, or delete this one",
        ),
        ({"plan": {**PLAN, "probes": {"seed": 4}}}, "plan of the store .*: probes.seed is 4, and was 3"),
        ({"plan": {**PLAN, "measures": ["l1"]}}, r"measures\[1\] is missing, and was \"cka\""),
        ({"plan": {**PLAN, "new": None}}, "new is null, and was missing"),
        ({"plan": {str(k): k for k in range(9)}}, "and more; choose"),
        ({"plan": {**PLAN, "memory": "m" * 999}}, r"memory is \"m+\.\.\., and was 1000"),
        (
            {"labels": {**LABELS, "child": [*LABELS["child"], "new"]}},
            r"labels .*: child\[7\] is \"new\", and was missing",
        ),
        ({"labels": {**LABELS, "alpha": [0.0, 0.3]}}, r"alpha\[1\] is 0.3, and was 0.1"),
        ({"described": {**DESCRIBED, "probes_sha256": "cd"}}, r"probes_sha256 is \"cd\", and was \"ab\""),
        ({"dtype": "float64"}, r"dtype is \"float64\", and was \"float32\""),
    ],
)
def test_another_plan_is_refused_with_what_differs(filled, changes, said):
    assert len(refused(ValueError, said, filled, **changes)) < 600
    with opened(filled) as store:
        assert len(store.done) == 6


def test_other_versions_are_told_and_the_store_keeps_its_own(filled, caplog):
    with opened(filled, described={**DESCRIBED, "versions": {"jax": "0.12"}}):
        pass
    assert 'versions.jax is "0.12", and was "0.10"; scores may differ' in caplog.text
    assert sweep.open(filled).attrs["versions"] == {"jax": "0.10"}


def attributes(folder, **changes):
    path = folder / "scores.zarr" / "zarr.json"
    described = json.loads(path.read_text())
    described["attributes"].update(changes)
    path.write_text(json.dumps(described))


def test_a_store_of_another_version_is_refused(filled):
    attributes(filled, version=2)
    refused(ValueError, "expected a store of version 1, got version 2 at .*: use the release", filled)
    for read in (sweep.open, sweep.status):
        with pytest.raises(ValueError, match="expected a store of version 1, got version 2"):
            read(filled)


def test_scores_that_something_else_has_written_are_refused(filled):
    attributes(filled, format="mine")
    refused(ValueError, r"whose scores.zarr something else has written", filled)


@pytest.mark.parametrize("name", ["thesis.tex", "runs", "lockfile"])
def test_a_folder_that_is_something_else_is_refused_and_left_alone(tmp_path, name):
    (tmp_path / name).mkdir()
    refused(ValueError, f"expected a store, a new folder or an empty one, got .* which holds '{name}'", tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [name]


@pytest.mark.parametrize("read", [sweep.open, sweep.status])
def test_what_is_no_store_is_not_read(tmp_path, read):
    with pytest.raises(FileNotFoundError, match=r"expected the folder of a sweep, got .*, where there is nothing"):
        read(tmp_path / "none")
    with pytest.raises(ValueError, match=r"expected the folder of a sweep, got .*, which holds no scores.zarr"):
        read(tmp_path)


def test_a_file_in_place_of_the_folder_is_refused(tmp_path):
    (tmp_path / "file").touch()
    refused(
        OSError, "expected a folder for the store that can be made and written, got .*: File exists", tmp_path / "file"
    )
    refused(OSError, "got .*: Not a directory .*choose another place", tmp_path / "file" / "store")


@pytest.fixture
def of_another_user():
    """A folder that may be read and not written: for root, by going on as somebody else."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_all(folder / "store")
        for path in (folder, *folder.rglob("*")):
            path.chmod(0o555 if path.is_dir() else 0o444)
        if os.getuid() == 0:
            os.seteuid(65534)
        yield folder
        os.seteuid(os.getuid())
        for path in (folder, *folder.rglob("*")):
            path.chmod(0o755)


def test_a_folder_that_may_not_be_written_is_refused(of_another_user):
    said = "expected a folder for the store that can be made and written, got .*: Permission denied"
    for name in ("new", "store"):
        with pytest.raises(PermissionError, match=said) as caught, opened(of_another_user / name):
            pass
        assert "\n" not in str(caught.value)


def test_a_store_that_may_not_be_written_is_read(of_another_user):
    np.testing.assert_array_equal(sweep.open(of_another_user / "store").values, SCORES)
    status = sweep.status(of_another_user / "store")
    assert (status.complete, status.writers) == (True, [])


@pytest.mark.parametrize(
    ("changes", "error", "said"),
    [
        ({"plan": {"key": jnp.ones(2)}}, TypeError, "expected a plan and a description that JSON can hold"),
        ({"described": {"plan": "mine"}}, ValueError, "expected a description without .*, got 'plan'"),
        (
            {"labels": {**LABELS, "child": ["a", "b", "a"]}},
            ValueError,
            "child names must be unique, 'a' occurs more than",
        ),
        (
            {"labels": {**LABELS, "child": ["a\udcff"]}},
            ValueError,
            r"expected child names that are Unicode, got 'a\\udcff'",
        ),
        ({"labels": {**LABELS, "parent": []}}, ValueError, "expected at least one parent, got none"),
        (
            {"labels": {"child": ["a"], "parent": ["b"]}},
            ValueError,
            "expected labels of parent, child and .*, got those of",
        ),
    ],
)
def test_what_cannot_be_stored_is_refused_before_a_folder_is_made(tmp_path, changes, error, said):
    refused(error, said, tmp_path / "new", **changes)
    assert not list(tmp_path.iterdir())


def test_a_block_of_another_place_shape_or_kind_is_refused(tmp_path):
    with opened(tmp_path) as store:
        sound = block_of(0, 0)
        for place, values, record, said in (
            ((2, 0), sound, {}, r"expected a block of 2 x 3, got \(2, 0\)"),
            ((0, -1), sound, {}, r"expected a block of 2 x 3, got \(0, -1\)"),
            ((1, 0), sound, {}, r"expected \(1, 3, 2, 2, 2, 2\) scores of float32 in block \(1, 0\), got \(2, 3"),
            ((0, 0), sound.astype(np.float64), {}, "scores of float32 in block .* of float64"),
            (
                (0, 0),
                sound,
                {"failed": {"child": {"child 6": "x"}}},
                r"networks in block \(0, 0\), got child 'child 6'",
            ),
        ):
            with pytest.raises(ValueError, match=said):
                store.write(*place, values, sweep.Record(**record))
        assert store.done == set()


def test_a_network_that_has_changed_since_is_refused(tmp_path):
    with opened(tmp_path) as store:
        write(store, 0, 0)
        other = {"parent": {"anna": "another"}}
        with pytest.raises(ValueError, match=r"expected parent 'anna' as it was .*, sha256 anna!, got another: put"):
            write(store, 0, 1, sha256=other)
    with opened(tmp_path) as again, pytest.raises(ValueError, match="expected parent 'anna' as it was"):
        write(again, 0, 1, sha256=other)
    assert sweep.status(tmp_path).done == 1


def test_a_network_that_failed_may_be_mended(tmp_path):
    with opened(tmp_path) as store:
        write(store, 0, 0, failed={"parent": {"anna": "cut short"}})
        assert sweep.open(tmp_path).parent_sha256.values.tolist() == ["", "bert!", ""]
        write(store, 0, 0, sha256={"parent": {"anna": "mended"}})
    assert sweep.open(tmp_path).parent_sha256.values.tolist() == ["mended", "bert!", ""]
