"""`index` and `search` say what they found, in words no surer than the estimates, and bad input in one line."""

import dataclasses
import json
import re
from pathlib import Path

import pytest

import converters
from lineage_jax import catalogue
from lineage_jax.cli._catalogue import sentence
from tests.catalogue.conftest import folder as folder
from tests.catalogue.conftest import random_network, tuned
from tests.cli.test_commands import run


@pytest.fixture
def said(folder, tmp_path, capsys, monkeypatch):
    """Returns what a command says: its status, stdout and stderr; a catalogue and a child are there."""
    command = lambda *arguments: run(capsys, monkeypatch, *arguments)
    status, out, err = command("index", folder, "--out", tmp_path / "index")
    assert (status, err.strip()) == (0, "")
    assert out.startswith(f"22 networks in {tmp_path / 'index'} (")
    assert out.endswith("MB): 22 read, 0 unchanged, 0 vanished\n")
    converters.write(tmp_path / "child.pth", tuned(random_network(102), seed=7))
    return command


def test_the_parent_stands_first_in_the_table_and_in_the_sentence(said, folder, tmp_path):
    status, out, err = said("search", tmp_path / "index", tmp_path / "child.pth", "--top", 3)
    assert (status, err.strip()) == (0, "")
    assert f"{folder.resolve() / 'p2.safetensors'} is related to child.pth: cosine 0.9" in out
    assert "deep/er/c20.pt" in out
    assert "lineage-jax detect says more" in out


def test_json_has_everything(said, folder, tmp_path):
    _, out, _ = said("search", tmp_path / "index", tmp_path / "child.pth", "--top", 2, "--json")
    found = json.loads(out)
    assert Path(found["hits"][0]["path"]).name == "p2.safetensors"
    assert len(found["hits"]) == 2
    assert found["sentence"].startswith(str(folder.resolve() / "p2.safetensors"))
    _, out, _ = said("index", folder, "--out", tmp_path / "index", "--json")
    assert (json.loads(out)["networks"], json.loads(out)["unchanged"]) == (22, 22)


def test_bad_files_are_named_and_the_rest_is_indexed(said, folder, tmp_path):
    for number in range(7):
        (folder / f"bad{number}.pth").write_text("no network")
    status, out, err = said("index", folder, "--out", tmp_path / "index")
    assert status == 0
    assert "7 read, 22 unchanged" in out
    assert "could not be read: bad0.pth: expected a file of torch.save" in err
    assert "and 2 more, listed by --json" in err


def test_the_network_itself_and_files_that_are_gone_are_said(said, folder, tmp_path):
    (folder / "deep" / "er" / "c10.pt").unlink()
    status, out, err = said("search", tmp_path / "index", folder / "p1.safetensors")
    assert status == 0
    assert "p1.safetensors is in the catalogue itself, as" in err
    assert "c10.pt: it has vanished since; run lineage-jax index again" in err
    assert "c11.pt is related to p1.safetensors" in out or "c10.pt is related to p1.safetensors" in out


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (("search", "nowhere", "child.pth"), "error: expected a catalogue at .*, got nothing there: make one with"),
        (("search", "index", "nowhere.pth"), "error: expected a checkpoint, got .*, where there is nothing"),
        (
            ("search", "index", "child.pth", "--top", "0"),
            "error: expected at least 1 network to be asked for, got top 0",
        ),
        (("search", "index", "text.pth"), "error: .*text.pth: expected a file of torch.save"),
        (("index", "nowhere", "--out", "new"), "error: expected a folder of checkpoints, got .*, where there is none"),
        (
            ("index", "empty", "--out", "new"),
            "error: expected checkpoints below .*, got none; 0 other files were passed",
        ),
        (("index", "networks", "--out", "text.pth"), "error: expected a catalogue or a new folder, got .*text.pth"),
    ],
)
def test_bad_input_ends_in_one_line(said, tmp_path, monkeypatch, arguments, line):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "text.pth").write_text("no network")
    (tmp_path / "empty").mkdir()
    status, out, err = said(*arguments)
    assert (status, out) == (2, "")
    assert "\n" not in err.strip()
    assert re.match(line, err.strip()), err


@pytest.fixture
def hit():
    return catalogue.Hit(
        path=Path("/networks/a.pth"),
        cosine=0.5,
        error=0.02,
        chance=0.01,
        compared=1.0,
        kernels=3,
        architecture=None,
        nesting="",
        parent_module="",
        child_module="",
        sha256="",
        stale=None,
    )


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"cosine": 1.0, "error": 0.0}, "a.pth is a copy of c.pth or nearly: cosine 1."),
        ({"cosine": 0.99999, "error": 1e-7}, "a.pth is a copy of c.pth or nearly: cosine 1 - 1e-05."),
        ({}, "a.pth is related to c.pth: cosine 0.500 ± 0.02 over 100% of its kernels."),
        ({"cosine": 0.04, "error": 0.03}, "None of 9 networks stands out as a relative of c.pth: the best cosine is"),
        (
            {"cosine": 0.12, "error": 0.02},
            "Whether /networks/a.pth is related to c.pth this does not tell: cosine 0.120",
        ),
        (
            {"cosine": 0.2, "chance": 0.1, "error": 0.001},
            "None of 9 networks is related to c.pth: the best cosine is 0.200.",
        ),
        ({"cosine": 0.01, "error": 0.001}, "None of 9 networks is related to c.pth: the best cosine is 0.010."),
        ({"cosine": 0.0, "error": 0.0, "compared": 0.0}, "None of 9 networks is related to c.pth"),
    ],
)
def test_the_sentence_is_no_surer_than_the_estimate(hit, changes, words):
    hits = (dataclasses.replace(hit, **changes),)
    found = catalogue.Found(
        folder=Path("/networks"), name="c.pth", kernels=3, networks=9, itself=(), hits=hits, notes=()
    )
    assert words in sentence(found)
    alone = dataclasses.replace(found, hits=())
    assert sentence(alone) == "None of 9 networks shares kernels with c.pth that could show it is related."
