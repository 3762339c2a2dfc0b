"""A folder is read once; later only what changed, and nothing that was in place is lost."""

import errno
import json
import multiprocessing
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import converters
from lineage_jax import catalogue, checkpoints, io
from lineage_jax.catalogue import _index
from tests.catalogue.conftest import random_network, tuned

INDEX_SLOWLY = """
import sys
from lineage_jax import catalogue
from lineage_jax.catalogue import _index
_index.PORTION = 3
catalogue.index(sys.argv[1], sys.argv[2], progress=lambda done, total: print(done, flush=True))
"""


def paths(place):
    return [entry.path for entry in catalogue.open(place).entries]


def counts(done):
    return done.networks, done.read, done.unchanged, done.dropped


@pytest.fixture
def read(monkeypatch):
    """Returns the names of the checkpoints that were read since the last look."""
    seen = []
    original = checkpoints.read

    def noted(path, nesting=None):
        seen.append(Path(path).name)
        return original(path, nesting)

    monkeypatch.setattr(checkpoints, "read", noted)

    def look():
        names = sorted(seen)
        seen.clear()
        return names

    return look


def test_files_that_have_not_changed_are_not_read_again(folder, tmp_path, read):
    out = tmp_path / "index"
    assert counts(catalogue.index(folder, out)) == (22, 22, 0, 0)
    assert len(read()) == 22
    before = (out / "catalogue.json").read_bytes()
    assert counts(catalogue.index(folder, out)) == (22, 0, 22, 0)
    assert (out / "catalogue.json").read_bytes() == before
    os.utime(folder / "p0.safetensors", (1, 1))  # as it was, by its sum
    (folder / "p1.safetensors").unlink()
    converters.write(folder / "p1.safetensors", random_network(1234))
    (folder / "p2.safetensors").unlink()
    converters.write(folder / "new.pth", random_network(4321))
    read()
    assert counts(catalogue.index(folder, out)) == (22, 2, 20, 1)
    assert read() == ["new.pth", "p1.safetensors"]
    assert "p2.safetensors" not in paths(out)
    found = catalogue.search(catalogue.open(out), tuned_tree(1234))
    assert found.hits[0].path.name == "p1.safetensors"
    assert all(hit.stale is None for hit in found.hits)


def tuned_tree(seed):
    return converters.as_tree(tuned(random_network(seed), 3))


def test_an_index_that_grew_is_the_one_that_was_made_at_once(folder, tmp_path):
    late = [path.rename(tmp_path / path.name) for path in (folder / "deep").glob("s*.pth")]
    catalogue.index(folder, tmp_path / "grown")
    for path in late:
        path.rename(folder / "deep" / path.name)
    catalogue.index(folder, tmp_path / "grown")
    catalogue.index(folder, tmp_path / "whole")
    grown, whole = (catalogue.open(tmp_path / name) for name in ("grown", "whole"))
    assert paths(tmp_path / "grown") == paths(tmp_path / "whole")
    for one, other in zip(grown.entries, whole.entries, strict=True):
        np.testing.assert_array_equal(grown.sketches[one.row], whole.sketches[other.row])
        assert (one.sha256, one.size, one.mtime_ns) == (other.sha256, other.size, other.mtime_ns)


def test_bad_files_are_recorded_skipped_and_tried_again_once_they_changed(folder, tmp_path, read):
    (folder / "cut.pth").write_bytes((folder / "deep" / "s1.pth").read_bytes()[:500])
    (folder / "tokens.model").write_text("no network")
    converters.write(folder / "nan.pth", random_network(3) | {"fc.weight": np.full((10, 32), np.nan, np.float32)})
    (folder / "h.safetensors").write_bytes(b"")
    done = catalogue.index(folder, tmp_path / "index")
    assert done.networks == 22
    assert sorted(done.failed) == ["cut.pth", "h.safetensors", "nan.pth", "tokens.model"]
    assert all(reason and "\n" not in reason and str(folder) not in reason for reason in done.failed.values())
    assert "NaN" in done.failed["nan.pth"]
    read()
    assert catalogue.index(folder, tmp_path / "index").failed == done.failed
    assert read() == []
    (folder / "cut.pth").write_bytes((folder / "deep" / "s1.pth").read_bytes())
    again = catalogue.index(folder, tmp_path / "index")
    assert read() == ["cut.pth"]
    assert again.networks == 23
    assert "cut.pth" not in again.failed


def test_what_is_a_checkpoint_is_told_by_names(tmp_path):
    place = tmp_path / "all"
    tree = converters.as_tree(random_network(1))
    io.save(place / "ours", tree, description={"tree of": "ours"})
    sharded = place / "sharded"
    sharded.mkdir()
    weights = random_network(2)
    for number, name in enumerate(weights, start=1):
        shard = f"model-{number:05}-of-{len(weights):05}.safetensors"
        converters.write(sharded / shard, {name: weights[name]})
    shards = {
        name: f"model-{number:05}-of-{len(weights):05}.safetensors" for number, name in enumerate(weights, start=1)
    }
    (sharded / "model.safetensors.index.json").write_text(json.dumps({"weight_map": shards}))
    (sharded / "vae").mkdir()
    converters.write(sharded / "vae" / "w.pth", random_network(3))
    (place / ".hidden").mkdir()
    converters.write(place / ".hidden" / "h.pth", random_network(4))
    converters.write(place / "upper.pth", random_network(5))
    (place / "upper.pth").rename(place / "UPPER.PTH")
    for name in ("a.py", "b.png", "notes.txt", "optimizer.pt", "noending"):
        (place / name).write_text("something else")
    (place / "loop").symlink_to(place)
    (place / "again.pth").symlink_to(place / "UPPER.PTH")
    (place / "gone.pth").symlink_to(place / "nowhere.pth")
    done = catalogue.index(place, place / "index")
    assert paths(place / "index") == ["UPPER.PTH", "ours", "sharded", "sharded/vae/w.pth"]
    assert done.failed == {}
    assert done.passed_over == 5
    assert counts(catalogue.index(place, place / "index")) == (4, 0, 4, 0)


def test_steps_of_orbax_are_networks_of_their_own(tmp_path):
    import orbax.checkpoint as ocp

    with ocp.CheckpointManager(tmp_path / "run") as manager:
        for step in (1, 2):
            manager.save(
                step, args=ocp.args.StandardSave({"params": converters.as_tree(random_network(step))["params"]})
            )
    catalogue.index(tmp_path / "run", tmp_path / "index")
    assert paths(tmp_path / "index") == ["1", "2"]
    found = catalogue.search(catalogue.open(tmp_path / "index"), tuned_tree(2))
    assert found.hits[0].path.name == "2"


def test_rows_that_no_entry_names_are_left_out_once_they_are_most(folder, tmp_path):
    out = tmp_path / "index"
    catalogue.index(folder, out)
    size = catalogue.index(folder, out).bytes
    for path in (folder / "deep").glob("s*.pth"):
        path.unlink()
    catalogue.index(folder, out)
    assert len(catalogue.open(out).sketches) == 22  # 10 of 22
    for path in (folder / "deep" / "er").glob("*.pt"):
        path.unlink()
    assert catalogue.index(folder, out).bytes < size / 2
    opened = catalogue.open(out)
    assert len(opened.sketches) == 4
    assert sorted(file.suffix for file in out.iterdir()) == ["", ".f16", ".f64", ".json"]
    assert catalogue.search(opened, tuned_tree(101)).hits[0].path.name == "p1.safetensors"


def test_a_process_that_is_killed_leaves_what_was_in_place(folder, tmp_path):
    out = tmp_path / "index"
    for path in sorted((folder / "deep").glob("s*.pth"))[:5]:
        path.rename(tmp_path / path.name)
    catalogue.index(folder, out)
    before = paths(out)
    for path in tmp_path.glob("s*.pth"):
        path.rename(folder / "deep" / path.name)
    for after in (1, 4, 5):
        command = [sys.executable, "-c", INDEX_SLOWLY, str(folder), str(out)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            for line in process.stdout:
                if int(line) >= after:
                    process.send_signal(signal.SIGKILL)
                    break
        opened = catalogue.open(out)
        assert set(before) <= set(paths(out))
        assert catalogue.search(opened, tuned_tree(103)).hits[0].path.name == "p3.safetensors"
    assert counts(catalogue.index(folder, out))[0] == 22
    catalogue.index(folder, tmp_path / "whole")
    assert paths(out) == paths(tmp_path / "whole")


def test_what_a_killed_process_wrote_behind_the_rows_is_written_over(folder, tmp_path):
    out = tmp_path / "index"
    catalogue.index(folder, out)
    for file in (*out.glob("*.f16"), *out.glob("*.f64")):
        with file.open("ab") as stream:
            stream.write(b"half a row")
    (out / f"catalogue.json.12{io.PARTIAL}").write_text("{")
    (out / "sketches-7.f16").write_bytes(b"of another generation")
    converters.write(folder / "new.pth", random_network(4321))
    catalogue.index(folder, out)
    assert catalogue.search(catalogue.open(out), tuned_tree(4321)).hits[0].path.name == "new.pth"
    assert sorted(path.name for path in out.iterdir()) == ["catalogue.json", "lock", "norms-0.f64", "sketches-0.f16"]


def test_a_catalogue_that_was_begun_and_not_described_is_made(folder, tmp_path):
    out = tmp_path / "index"
    out.mkdir()
    for name in ("lock", "sketches-0.f16", "norms-0.f64", f"catalogue.json.12{io.PARTIAL}"):
        (out / name).write_text("half")
    assert counts(catalogue.index(folder, out)) == (22, 22, 0, 0)
    assert not list(out.glob(f"*{io.PARTIAL}"))


def test_a_full_disk_is_said_and_leaves_what_was_in_place(folder, tmp_path, monkeypatch):
    out = tmp_path / "index"
    catalogue.index(folder, out)
    before = (out / "catalogue.json").read_bytes()
    converters.write(folder / "new.pth", random_network(4321))

    def full(descriptor):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(OSError, match="No space left on device; what was put in place before stays") as raised:
            catalogue.index(folder, out)
    assert raised.value.filename == str(out)
    assert (out / "catalogue.json").read_bytes() == before
    assert catalogue.search(catalogue.open(out), tuned_tree(103)).hits[0].path.name == "p3.safetensors"
    assert counts(catalogue.index(folder, out)) == (23, 1, 22, 0)


def test_what_was_done_before_an_error_is_in_place(folder, tmp_path, monkeypatch):
    original, calls = _index._take, []

    def failing(*args):
        calls.append(args)
        if len(calls) > 7:
            raise KeyboardInterrupt
        return original(*args)

    monkeypatch.setattr(_index, "_take", failing)
    with pytest.raises(KeyboardInterrupt):
        catalogue.index(folder, tmp_path / "index")
    assert 1 <= len(paths(tmp_path / "index")) <= 7


def _hold(out, ready, done):
    from lineage_jax.catalogue._writing import writing

    with writing(out, Path(out).parent):
        ready.set()
        done.wait(30)


def test_two_processes_do_not_write_one_catalogue(folder, tmp_path):
    spawn = multiprocessing.get_context("spawn")
    ready, done = spawn.Event(), spawn.Event()
    holder = spawn.Process(target=_hold, args=(tmp_path / "index", ready, done))
    holder.start()
    assert ready.wait(30)
    with pytest.raises(BlockingIOError, match="got another process writing it: wait for it"):
        catalogue.index(folder, tmp_path / "index")
    done.set()
    holder.join()
    catalogue.index(folder, tmp_path / "index")


def test_bad_input_is_said_in_a_line_and_nothing_is_lost(folder, tmp_path):
    out = tmp_path / "index"
    with pytest.raises(FileNotFoundError, match="expected a folder of checkpoints"):
        catalogue.index(tmp_path / "nowhere", out)
    with pytest.raises(FileNotFoundError, match="got nothing there: make one with lineage-jax index"):
        catalogue.open(out)
    with pytest.raises(FileNotFoundError, match="got something else"):
        catalogue.open(folder)
    with pytest.raises(ValueError, match="expected a catalogue or a new folder"):
        catalogue.index(folder, folder / "deep")
    with pytest.raises(ValueError, match="expected a catalogue or a new folder"):
        catalogue.index(folder, folder / "p0.safetensors")
    catalogue.index(folder, out)
    before = (out / "catalogue.json").read_text()
    with pytest.raises(ValueError, match=r"which .* is a catalogue of, got"):
        catalogue.index(folder / "deep", out)
    moved = folder.rename(tmp_path / "elsewhere")
    folder.mkdir()
    (folder / "a.txt").write_text("no network")
    with pytest.raises(ValueError, match=r"expected checkpoints below .*, got none; 1 other files were passed over"):
        catalogue.index(folder, out)
    assert (out / "catalogue.json").read_text() == before
    (out / "catalogue.json").write_text(before.replace('"version": 1', '"version": 0'))
    for opens in (catalogue.open, lambda place: catalogue.index(moved, place)):
        with pytest.raises(ValueError, match=r"expected a catalogue of version 1, got version 0 .*: make it anew"):
            opens(out)
    (out / "catalogue.json").write_text(before[:100])
    with pytest.raises(ValueError, match=r"got catalogue\.json cut short"):
        catalogue.open(out)
    (out / "catalogue.json").write_text('{"of": "something else"}')
    with pytest.raises(ValueError, match="of something else"):
        catalogue.open(out)
    (out / "catalogue.json").write_text(before)
    (out / "sketches-0.f16").write_bytes(b"")
    with pytest.raises(ValueError, match="the catalogue is damaged"):
        catalogue.open(out)


def test_a_catalogue_is_small_beside_the_networks(tmp_path):
    place = tmp_path / "networks"
    place.mkdir()
    network = converters.names_of("torchvision/resnet18")
    rng = np.random.default_rng(0)
    converters.write(
        place / "resnet18.pth", {name: rng.normal(size=shape).astype(np.float32) for name, shape in network.items()}
    )
    done = catalogue.index(place, tmp_path / "index")
    assert done.bytes < 0.01 * (place / "resnet18.pth").stat().st_size
    assert done.bytes < 100_000
    assert catalogue.open(tmp_path / "index").signatures[0].architecture == "torchvision/resnet18"
