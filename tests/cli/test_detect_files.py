"""`detect` on files and folders as people have them: equal stems, one candidate, bad files, copies, other forms."""

import json
import shutil

import numpy as np
import pytest

import converters
from tests.cli.test_commands import refused, run


def network(seed, like=None, step=0.1):
    """Returns the arrays of a network of no known architecture."""
    rng = np.random.default_rng(seed)
    shapes = {"first.weight": (24, 3, 3, 3), "second.weight": (40, 24), "second.bias": (40,)}
    drawn = {name: rng.normal(size=shape).astype(np.float32) for name, shape in shapes.items()}
    return drawn if like is None else {name: like[name] + np.float32(step) * array for name, array in drawn.items()}


@pytest.fixture
def place(tmp_path):
    """Writes networks; returns where."""

    def write(name, tensors):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        converters.write(path, tensors)
        return path

    return write


@pytest.fixture
def detect(capsys, monkeypatch):
    """Returns what `detect --json` says and what it says beside that."""

    def answer(parents, child, *options):
        status, out, err = run(
            capsys, monkeypatch, "detect", "--parents", *parents, "--child", child, "--json", *options
        )
        assert status == 0
        return json.loads(out), err

    return answer


def test_equal_stems_are_told_apart_by_the_part_of_the_path_that_differs(place, detect):
    runs = [place(f"runs/{name}/weights/best.pt", network(seed)) for seed, name in enumerate(("train", "train2"))]
    child = place("runs/train9/weights/best.pt", network(9, like=network(1)))
    said, _ = detect(runs, child)
    assert (said["child"], said["prediction"], said["nearest"]) == ("train9", "train2", "train2")
    assert said["shared"]["by parent"].keys() == {"train", "train2"}


def test_a_link_is_called_by_its_own_name(place, detect, tmp_path):
    """Caches of downloads keep files under their sums and link to them."""
    blobs = [place(f"blobs/{number}f3c.safetensors", network(number)) for number in (0, 1)]
    links = [tmp_path / name / "model.safetensors" for name in ("base", "large")]
    for link, blob in zip(links, blobs, strict=True):
        link.parent.mkdir()
        link.symlink_to(blob)
    said, _ = detect(links, place("child.pt", network(9, like=network(1))))
    assert said["prediction"] == "large"


def test_one_candidate_is_enough(place, detect):
    mine, stranger = place("mine.pt", network(0)), place("stranger.pt", network(1))
    child = place("child.pt", network(9, like=network(0)))
    said, _ = detect([mine], child)
    assert (said["prediction"], said["relation"]) == ("mine", "related")
    assert said["scores"][0]["margin"] is None
    said, _ = detect([stranger], child)
    assert (said["prediction"], said["relation"]) == (None, "none of these")
    assert said["verdict"].startswith("child is not related to stranger: ")


def test_a_bad_file_among_many_is_said_and_skipped(place, detect, tmp_path, capsys, monkeypatch):
    mine, child = place("mine.pt", network(0)), place("child.pt", network(9, like=network(0)))
    (tmp_path / "notes.pt").write_text("no network")
    said, err = detect([mine, tmp_path / "notes.pt", tmp_path / "gone.pt"], child)
    assert said["prediction"] == "mine"
    assert said["skipped"].keys() == {"notes", "gone"}
    assert sum(line.startswith("skipped ") for line in err.splitlines()) == 2
    refused(capsys, monkeypatch, "notes.pt", "detect", "--parents", mine, "--child", tmp_path / "notes.pt")
    refused(capsys, monkeypatch, "notes.pt", "detect", "--parents", tmp_path / "notes.pt", "--child", child)


def test_the_child_and_copies_of_it_are_left_out(place, detect, tmp_path):
    parent, child = place("parent.pt", network(0)), place("child.pt", network(9, like=network(0)))
    shutil.copy(child, tmp_path / "copy.pt")
    place("resaved.safetensors", network(9, like=network(0)))
    given = [parent, child, tmp_path / "copy.pt", tmp_path / "resaved.safetensors", parent]
    said, err = detect(given, child)
    assert (said["prediction"], said["child"]) == ("parent", "child")
    assert said["left out"] == {
        "child": "the same place",
        "copy": "an equal file",
        "resaved": "all 3 tensors are bit for bit equal",
    }
    assert "parent.pt is given 2 times, and taken once" in err
    said, _ = detect([child], child)
    assert (said["prediction"], said["relation"]) == ("child", "same network")
    assert said["verdict"] == "child is itself the only candidate."
    said, _ = detect([tmp_path / "copy.pt"], child)
    assert said["verdict"] == "child is the same network as copy: an equal file."


def test_what_shares_nothing_gets_an_answer(place, detect):
    parent, child = place("parent.pt", network(0)), place("child.pt", {"other.weight": network(0)["second.weight"][:9]})
    said, _ = detect([parent], child)
    assert (said["prediction"], said["relation"], said["compared"]) == (None, "cannot be compared", 0)
    assert "0 of its 1 tensors have a counterpart of equal name and shape" in said["verdict"]


def test_averages_and_equal_tensors_are_said(place, detect):
    start = network(0)
    tuned = [network(seed, like=start, step=0.5) for seed in (1, 2)]
    files = [place(f"tuned-{number}.pt", tensors) for number, tensors in enumerate(tuned)]
    average = {name: (array + tuned[1][name]) / 2 for name, array in tuned[0].items()}
    said, _ = detect(files, place("average.pt", average))
    assert said["relation"] == "mixture"
    np.testing.assert_allclose(list(said["mixture"].values()), 0.5, atol=1e-5)  # averages are float32
    frozen = network(5, like=start) | {"first.weight": start["first.weight"]}
    said, _ = detect([place("start.pt", start)], place("frozen.pt", frozen))
    assert said["identical"] == 1
    assert "1 of 3 tensors are bit for bit equal" in said["verdict"]


@pytest.mark.torch
def test_a_network_among_several_is_chosen_by_its_nesting(place, detect, tmp_path):
    torch = pytest.importorskip("torch")
    both = {
        "generator": {name: torch.from_numpy(array) for name, array in network(0).items()},
        "discriminator": {name: torch.from_numpy(array) for name, array in network(1).items()},
    }
    torch.save(both, tmp_path / "both.pt")
    child = tmp_path / "child.pt"
    torch.save({"discriminator": {n: torch.from_numpy(a) for n, a in network(9, like=network(1)).items()}}, child)
    said, _ = detect([tmp_path / "both.pt"], child, "--nesting", "discriminator")
    assert said["prediction"] == "both"
