"""Strangers in smoke mode on real files, and what the full run found."""

import json

import pytest

from experiments.strangers import run as strangers_run
from experiments.strangers.table import RESULTS, table
from lineage_jax import lineage


@pytest.mark.data
def test_no_stranger_is_named_in_smoke_mode(smoke):
    result = smoke(strangers_run.main)
    for path, record in result["runs"].items():
        assert record["wrong"] == [], path
        assert record["accuracy"]["each stranger alone"] == {"right": 1.0}
        assert 0 < record["largest cosine of a stranger"] < lineage.UNRELATED


def test_the_full_run_named_no_stranger_and_every_documented_parent_by_every_way():
    runs = json.loads(RESULTS.read_text())["runs"]
    assert list(runs) == ["weights", "features on images", "features on noise", "detector"]
    for path, record in runs.items():
        assert record["wrong"] == [], path
        assert ("everyone else" in record["accuracy"]) == (path != "detector")


def test_the_readme_shows_the_table_of_the_results():
    assert table() in (RESULTS.parent.parent / "README.md").read_text()
