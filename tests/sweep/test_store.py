"""A store keeps what is done, whatever ends a run, takes nothing for done that is not, and is opened as scores."""

import contextlib
import errno
import json
import os
import subprocess
import tempfile
import types
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import xarray
from rich.console import Console

from lineage_jax import io, lineage, report, similarity, sweep
from lineage_jax.io import _whole
from lineage_jax.pairs import AtATime
from tests.sweep import kill_store

LABELS = {
    "parent": ["anna", "bert", "中文"],
    "child": [f"child {k}" for k in range(7)],
    "layer": ["fc1", "fc2"],
    "measure": ["l1", "cka"],
    "form": ["direct", "exact"],
    "alpha": [0.0, 0.1],
}
PLAN = {"measures": ["l1", "cka"], "memory": 1000, "probes": {"seed": 3}}
DESCRIBED = {"versions": {"jax": "0.10"}, "device_kind": "cpu", "probes_sha256": "ab"}
BLOCKS = AtATime(2, 3)
SHAPE = tuple(len(labels) for labels in LABELS.values())
SCORES = np.random.default_rng(0).normal(size=SHAPE).astype(np.float32)


def opened(folder, **changes):
    settings = {"plan": PLAN, "labels": LABELS, "blocks": BLOCKS, "described": DESCRIBED}
    return sweep.open_for_writing(folder, **{**settings, **changes})


def block_of(i, j, scores=SCORES):
    return scores[2 * i : 2 * i + 2, 3 * j : 3 * j + 3]


def sums_of(store, i, j):
    parents, children = store.names(i, j)
    return {"parent": {name: f"{name}!" for name in parents}, "child": {name: f"{name}!" for name in children}}


def write(store, i, j, scores=SCORES, **facts):
    facts = {"sha256": sums_of(store, i, j), "not_shared": ["params/head"], **facts}
    store.write(i, j, block_of(i, j, scores), sweep.Record(**facts), waited=1.0, computed=3.0)


def places(store):
    return [(i, j) for j in range(store.grid[1]) for i in range(store.grid[0])]


def write_all(folder, order=list, **changes):
    with opened(folder, **changes) as store:
        for place in order(places(store)):
            write(store, *place)


@pytest.fixture
def filled(tmp_path):
    write_all(tmp_path / "store")
    return tmp_path / "store"


def chunk(folder, i, j):
    return io.chunks_folder(folder / "scores.zarr") / f"c.{i}.{j}.0.0.0.0"


def bare(scores):
    """Leaves of an opened sweep what `lineage.score` returns."""
    return (
        scores.drop_vars(["parent_sha256", "child_sha256"])
        .assign_attrs()
        .pipe(lambda array: array.drop_attrs(deep=False).assign_attrs(not_shared=array.attrs["not_shared"]))
    )


# --- what is opened is what was scored -----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def scored():
    """Scores of small networks, and the same in a store."""
    keys = jax.random.split(jax.random.key(0), 9)
    network = lambda key: {"w": jax.random.normal(key, (4, 3)), "v": jax.random.normal(key, (3, 3))}
    parents = {name: network(key) for name, key in zip("abc", keys, strict=False)}
    children = {
        f"child of {name}": jax.tree.map(lambda leaf: leaf + 0.01, parent) | {"head": jnp.ones(2)}
        for name, parent in parents.items()
    }
    features = lambda params, x: {
        "one": jax.nn.relu(x @ params["w"]),
        "two": jax.nn.relu(x @ params["w"]) @ params["v"],
    }
    probes = jax.random.normal(keys[-1], (8, 4))
    measures = {"l1": similarity.l1, "cka": similarity.linear_cka}
    return lineage.score(features, parents, children, probes, measures=measures, alphas=(0.0, 0.1))


@pytest.fixture
def swept(scored, tmp_path):
    labels = {dim: scored[dim].values.tolist() for dim in scored.dims}
    with opened(tmp_path / "scored", labels=labels, blocks=AtATime(2, 2)) as store:
        for i, j in places(store):
            values = scored.values[2 * i : 2 * i + 2, 2 * j : 2 * j + 2]
            store.write(i, j, values, sweep.Record(not_shared=scored.attrs["not_shared"]))
    return sweep.open(tmp_path / "scored")


def test_a_sweep_is_identical_to_the_scores(scored, swept):
    assert scored.attrs["not_shared"] == ["head"]
    xarray.testing.assert_identical(bare(swept), scored)
    assert swept.dtype == scored.dtype
    assert {dim: swept[dim].dtype for dim in swept.dims} == {dim: scored[dim].dtype for dim in scored.dims}


def test_whoever_reads_scores_reads_sweeps(scored, swept, tmp_path):
    truth = {f"child of {name}": name for name in "abc"}
    xarray.testing.assert_equal(lineage.decide(swept).drop_vars("child_sha256"), lineage.decide(scored))
    accuracy = lineage.accuracy(lineage.decide(swept), truth)
    xarray.testing.assert_identical(accuracy, lineage.accuracy(lineage.decide(scored), truth))
    assert lineage.choose(swept, truth, list(truth)) == lineage.choose(scored, truth, list(truth))
    setting = {"layer": "one", "measure": "cka", "form": "exact", "alpha": 0.1}
    console = Console(width=200)
    for shown in (
        lambda scores: report.decision_table(lineage.decide(scores.sel(setting)), truth, title="t"),
        lambda scores: report.score_table({"cka": scores.sel(setting).sel(child="child of a")}, title="t"),
        lambda scores: report.accuracy_table(lineage.accuracy(lineage.decide(scores), truth)[0], title="t"),
    ):
        texts = []
        for scores in (scored, swept):
            with console.capture() as capture:
                console.print(shown(scores))
            texts.append(capture.get())
        assert texts[0] == texts[1]
    of_layers = {dim: label for dim, label in setting.items() if dim != "layer"}
    report.profile_figure(swept.sel(of_layers), tmp_path / "profile.svg")


def test_the_plan_and_the_sums_come_with_the_scores(filled):
    scores = sweep.open(filled)
    assert json.loads(scores.attrs["plan"]) == PLAN
    assert len(scores.attrs["plan_sha256"]) == 64
    assert {name: scores.attrs[name] for name in DESCRIBED} == DESCRIBED
    assert scores.attrs["complete"] is True
    assert scores.sel(parent="中文").parent_sha256.item() == "中文!"
    assert scores.child_sha256.values.tolist() == [f"child {k}!" for k in range(7)]


def test_what_is_not_done_is_nan_and_has_no_sums(tmp_path):
    with opened(tmp_path) as store:
        write(store, 0, 1)
        scores = sweep.open(tmp_path)
        assert scores.attrs["complete"] is False
        assert scores.attrs["not_shared"] == ["params/head"]
        assert np.isfinite(scores.values).sum() == block_of(0, 1).size
        assert scores.parent_sha256.values.tolist() == ["anna!", "bert!", ""]
        assert scores.child_sha256.values.tolist() == ["", "", "", "child 3!", "child 4!", "child 5!", ""]


def test_a_chunk_without_a_record_is_not_done_and_is_nan(filled):
    (filled / "blocks" / "1-1.json").unlink()
    scores = sweep.open(filled)
    assert np.isnan(scores.values).sum() == block_of(1, 1).size
    assert not scores.attrs["complete"]
    with opened(filled) as store:
        assert set(places(store)) - store.done == {(1, 1)}


def test_labels_of_paths_that_are_not_shared_are_those_of_all_blocks(tmp_path):
    with opened(tmp_path) as store:
        write(store, 0, 0, not_shared=["b", "a"])
        write(store, 1, 1, not_shared=["c", "b"])
        write(store, 0, 1, not_shared=[])
    assert sweep.open(tmp_path).attrs["not_shared"] == ["a", "b", "c"]


def test_a_record_comes_last_and_sums_come_first(tmp_path, monkeypatch):
    named, replace = [], Path.replace
    with opened(tmp_path) as store:
        monkeypatch.setattr(Path, "replace", lambda path, to: (named.append(to.parent.name), replace(path, to))[1])
        write(store, 0, 0)
        write(store, 0, 0)
    assert named == ["networks", "networks", "score", "blocks", "score", "blocks"]


# --- a run goes on where another ended -------------------------------------------------------------------------------


def test_a_run_finds_what_is_done_and_what_failed(tmp_path):
    with opened(tmp_path) as store:
        assert (store.done, store.failed, store.grid) == (set(), {}, (2, 3))
        write(store, 0, 0)
        write(store, 1, 2, failed={"child": {"child 6": "cut short"}, "parent": {}})
        assert store.done == {(0, 0), (1, 2)}
    with opened(tmp_path) as again:
        assert again.done == {(0, 0), (1, 2)}
        assert again.failed == store.failed == {(1, 2): {"child": {"child 6": "cut short"}}}
        assert [list(names) for names in again.names(1, 2)] == [["中文"], ["child 6"]]
        write(again, 1, 2)
        assert again.failed == {}
    with opened(tmp_path) as once_more:
        assert once_more.failed == {}


def test_runs_of_one_plan_write_the_same_bytes_whatever_their_order(tmp_path):
    write_all(tmp_path / "a")
    write_all(tmp_path / "b", order=reversed)
    with opened(tmp_path / "c") as store:
        write(store, 1, 1, failed={"child": {"child 3": "cut short"}})  # and is mended later
        for place in places(store)[::2]:
            write(store, *place)
    for process in (1, 0):
        with opened(tmp_path / "c", run="r", process=process, processes=2) as store:
            for place in places(store)[process::2]:
                write(store, *place)
    assert (
        kill_store.lasting(tmp_path / "a") == kill_store.lasting(tmp_path / "b") == kill_store.lasting(tmp_path / "c")
    )
    assert len(kill_store.lasting(tmp_path / "a")) > 6 * 2 + 5


def test_the_order_of_keys_in_a_plan_makes_no_difference(filled):
    with opened(filled, plan=dict(reversed(PLAN.items()))) as store:
        assert len(store.done) == 6


def test_a_store_keeps_its_blocks(filled):
    with opened(filled, blocks=AtATime(1, 1)) as store:
        assert store.blocks == BLOCKS


def test_blocks_may_be_larger_than_all_there_is(tmp_path):
    with opened(tmp_path, blocks=AtATime(64, 64)) as store:
        assert store.grid == (1, 1)
        store.write(0, 0, SCORES, sweep.Record())
    np.testing.assert_array_equal(sweep.open(tmp_path).values, SCORES)


@pytest.mark.parametrize("record", [b"", b'{"failed": {', b"[]", b'{"failed": [1]}', b"{}", b"\xff", b'{"other": {}}'])
def test_a_record_that_cannot_be_read_makes_nothing_done(filled, caplog, record):
    (filled / "blocks" / "1-0.json").write_bytes(record)
    assert not sweep.open(filled).attrs["complete"]
    assert sweep.status(filled).done == 5
    with opened(filled) as store:
        assert set(places(store)) - store.done == {(1, 0)}
        assert "1-0.json is damaged" in caplog.text
        write(store, 1, 0)
    np.testing.assert_array_equal(sweep.open(filled).values, SCORES)


@pytest.mark.parametrize("damage", ["missing", "empty", "short"])
def test_a_block_without_its_whole_chunk_is_not_done(filled, caplog, damage):
    path = chunk(filled, 1, 2)
    path.unlink() if damage == "missing" else os.truncate(path, 0 if damage == "empty" else 10)
    scores = sweep.open(filled)
    assert not scores.attrs["complete"]
    assert np.isnan(scores.values).sum() == block_of(1, 2).size
    with opened(filled) as store:
        assert set(places(store)) - store.done == {(1, 2)}
        assert "1 blocks of" in caplog.text
        write(store, 1, 2)
    np.testing.assert_array_equal(sweep.open(filled).values, SCORES)


def test_sums_that_cannot_be_read_are_not_known_and_scores_stay(filled, caplog):
    (filled / "networks" / "parent-1.json").write_text("{")
    scores = sweep.open(filled)
    assert scores.parent_sha256.values.tolist() == ["anna!", "bert!", ""]
    assert "parent-1.json is damaged" in caplog.text
    np.testing.assert_array_equal(scores.values, SCORES)
    with opened(filled) as store:
        assert len(store.done) == 6
        write(store, 1, 0)
    assert sweep.open(filled).parent_sha256.values.tolist() == ["anna!", "bert!", "中文!"]


def test_what_a_killed_run_has_left_is_removed_before_anything_is_written(filled):
    left = ["blocks/0-0.json.12.partial", "networks/child-0.json.12.partial", "scores.zarr/score/c.0.0.0.12.partial"]
    for name in left:
        (filled / name).write_text("half")
    (filled / "scores.zarr.unfinished-12").mkdir()
    (filled / "scores.zarr.unfinished-12" / "grid").write_text("half")
    with opened(filled) as store:
        assert len(store.done) == 6
        assert not [name for name in (*left, "scores.zarr.unfinished-12") if (filled / name).exists()]


def test_what_another_process_of_the_run_is_writing_is_left_alone(filled):
    with opened(filled, run="r", process=0, processes=2):
        (filled / "blocks" / "0-0.json.12.partial").write_text("half")
        with opened(filled, run="r", process=1, processes=2):
            assert (filled / "blocks" / "0-0.json.12.partial").exists()


def test_a_store_that_was_begun_and_not_made_is_made(tmp_path):
    for name in ("blocks", "networks", "scores.zarr.unfinished-1"):
        (tmp_path / name).mkdir()
    for name in ("lock", "lock.0"):
        (tmp_path / name).touch()
    write_all(tmp_path)
    np.testing.assert_array_equal(sweep.open(tmp_path).values, SCORES)


# --- what is refused -------------------------------------------------------------------------------------------------


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


# --- a disk that is full, and a process that is killed ---------------------------------------------------------------


def check_after_full_disk(folder, error, written):
    assert error.errno == errno.ENOSPC
    assert "\n" not in str(error)
    assert "blocks that are not done here take" in str(error)
    assert "What is done is kept: make room, run again" in str(error)
    assert not [path for path in folder.rglob("*") if path.name.endswith(io.PARTIAL)]
    assert sweep.status(folder).done == len(written)
    scores = sweep.open(folder)
    for i, j in written:
        np.testing.assert_array_equal(block_of(i, j, scores.values), block_of(i, j))


@pytest.mark.parametrize("ends_at", ["networks", "score", "blocks"])
def test_a_full_disk_at_any_file_is_told_and_keeps_what_is_done(tmp_path, monkeypatch, ends_at):
    with opened(tmp_path) as store:
        write(store, 0, 0)

        def fsync(descriptor):
            if ends_at in os.readlink(f"/proc/self/fd/{descriptor}"):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        with monkeypatch.context() as patched:
            patched.setattr(_whole, "os", types.SimpleNamespace(**{**vars(os), "fsync": fsync}))
            with pytest.raises(OSError, match="No space left on device: block") as caught:
                write(store, 1, 1)
        check_after_full_disk(tmp_path, caught.value, [(0, 0)])
        write(store, 1, 1)
    with opened(tmp_path) as again:
        assert again.done == {(0, 0), (1, 1)}


@pytest.fixture
def small_disk(tmp_path):
    """A disk of its own with 600 kB."""
    (tmp_path / "disk").mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=600k", "tmpfs", str(tmp_path / "disk")]
    with contextlib.suppress(FileNotFoundError):
        if subprocess.run(command, capture_output=True).returncode == 0:
            yield tmp_path / "disk"
            subprocess.run(["umount", "--lazy", str(tmp_path / "disk")], check=True)
            return
    pytest.skip("needs the right to mount a small disk")


def test_a_small_disk_that_fills_up_keeps_what_is_done(small_disk):
    labels = {**LABELS, "layer": [f"layer {k}" for k in range(1000)]}
    scores = np.random.default_rng(0).normal(size=(3, 7, 1000, 2, 2, 2)).astype(np.float32)
    written = []

    def write_until_full(store):
        for place in places(store):
            write(store, *place, scores)
            written.append(place)

    with opened(small_disk / "store", labels=labels) as store:
        with pytest.raises(OSError, match="No space left on device: block") as caught:
            write_until_full(store)
        assert 0 < len(written) < 6
        assert "takes 192,004 bytes" in str(caught.value)
        assert not [path for path in small_disk.rglob("*") if path.name.endswith(io.PARTIAL)]
    with opened(small_disk / "store", labels=labels) as again:
        assert again.done == set(written)
    opened_scores = sweep.open(small_disk / "store").values
    for place in written:
        np.testing.assert_array_equal(block_of(*place, opened_scores), block_of(*place, scores))


def test_a_disk_without_room_for_a_store_is_told(small_disk):
    labels = {**LABELS, "child": [f"child {'x' * 100} {k}" for k in range(10_000)]}
    with (
        pytest.raises(OSError, match=r"expected a folder for the store .*: No space left on device.*make room or"),
        opened(small_disk / "store", labels=labels),
    ):
        pass


def test_a_run_that_is_killed_while_it_writes_loses_nothing(tmp_path):
    kill_store.study(tmp_path, moments=3, longest=0.05, children=100, seed=0)
