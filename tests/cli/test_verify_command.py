"""`lineage-jax verify`: a table, what else should be known, the claim last, and a status for use in CI."""

import json

import numpy as np
import pytest

from lineage_jax import evidence
from tests.cli.test_commands import refused, run
from tests.evidence.test_verify import mlp, moved, written


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    place = tmp_path_factory.mktemp("files")
    written(place / "parent.pt", mlp(0))
    written(place / "child.pt", moved(mlp(0), 9))
    written(place / "stranger.pt", mlp(1))
    written(place / "small.pt", {"alien": {"kernel": np.eye(3, dtype=np.float32)}})
    (place / "notes.pt").write_text("no network")
    return place


@pytest.mark.parametrize(
    ("against", "status"),
    [(("parent", "stranger"), 0), (("stranger",), 3), (("stranger", "small"), 4), (("stranger", "notes"), 4)],
)
def test_the_status_says_whether_somebody_is_related(files, capsys, monkeypatch, against, status):
    paths = [files / f"{name}.pt" for name in against]
    ended, out, _ = run(capsys, monkeypatch, "verify", files / "child.pt", "--against", *paths, "--json")
    assert ended == status
    assert json.loads(out) == evidence.verify(files / "child.pt", paths).as_dict()


def test_the_claim_comes_last_after_a_table_and_a_page_is_written(files, capsys, monkeypatch, tmp_path):
    given = "verify", files / "child.pt", "--against", files / "parent.pt", files / "stranger.pt", "--fpr", "1e-6"
    status, out, _ = run(capsys, monkeypatch, *given, "--report", tmp_path / "page.html")
    found = evidence.verify(files / "child.pt", [files / "parent.pt", files / "stranger.pt"], fpr=1e-6)
    assert status == 0
    assert out.endswith("\n".join([*found.notes, found.sentence]) + "\n")
    (row,) = [line.split() for line in out.splitlines() if line.startswith(" parent ")]
    assert row[:2] == ["parent", "related"]
    assert "<html" in (tmp_path / "page.html").read_text()


def test_bad_input_ends_in_one_line_and_status_2(files, capsys, monkeypatch):
    one = "verify", files / "child.pt", "--against"
    refused(capsys, monkeypatch, "between 0 and 1", *one, files / "parent.pt", "--fpr", "1.5")
    refused(capsys, monkeypatch, "notes.pt", *one, files / "notes.pt")
    refused(capsys, monkeypatch, "gone.pt", "verify", files / "gone.pt", "--against", files / "parent.pt")
