"""Tables say what the numbers say."""

import io

import numpy as np
import xarray
from rich.console import Console

from lineage_jax import lineage, report


def printed(table, width=100):
    console = Console(width=width, record=True, file=io.StringIO())
    console.print(table)
    return console.export_text()


def scores(values):
    return xarray.DataArray(values, coords={"parent": [f"p{i}" for i in range(len(values))]}, dims="parent")


def test_each_score_names_its_parent_and_margin():
    text = printed(report.score_table({"l1 direct": scores([-3.0, -1.0]), "cka": scores([0.9, 0.25])}, title="child c"))
    rows = {line.split("  ")[0].strip(): line.split() for line in text.splitlines()}
    assert rows["l1 direct"][2:] == ["-3.000", "-1.000", "p1", "2"]
    assert rows["cka"][1:] == ["0.900", "0.250", "p0", "0.65"]


def test_of_many_candidates_the_best_are_shown_and_the_rest_counted():
    values = np.linspace(0, 1, 30)
    text = printed(report.score_table({"l1": scores(values)}, title="child c", most=3))
    assert "27 more candidates are not shown" in text
    assert all(name in text for name in ("p27", "p28", "p29"))
    assert "p26" not in text


def test_decisions_stand_beside_the_truth():
    table = xarray.DataArray([[1.0, 0.0], [0.0, 5.0]], coords={"parent": ["a", "b"], "child": ["c", "d"]})
    text = printed(report.decision_table(lineage.decide(table), {"c": "b", "d": "b"}, title="t"))
    lines = {line.split()[1]: line.split() for line in text.splitlines() if line.startswith("│")}
    assert [cell for cell in lines["c"] if cell != "│"] == ["c", "a", "b", "1"]
    assert [cell for cell in lines["d"] if cell != "│"] == ["d", "b", "b", "5"]


def test_direct_accuracy_is_shown_once():
    coords = {"measure": ["l1"], "form": ["direct", "taylor"], "alpha": [0.1, 1.0]}
    accuracies = xarray.DataArray([[[0.5, 0.5], [0.75, 1.0]]], coords=coords, dims=tuple(coords))
    text = printed(report.accuracy_table(accuracies, title="t"))
    row = next(line for line in text.splitlines() if "l1" in line)
    assert [cell for cell in row.split() if cell != "│"] == ["l1", "50.0", "75.0", "100.0"]
