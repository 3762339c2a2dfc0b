"""The circle of a lineage: every network, every chord, and what was named wrongly on top."""

import pytest

from lineage_jax import genealogy, report
from lineage_jax.report._chords import _ordered, _spans

GENERATIONS = [["r0", "r1"], ["a", "b", "c"], ["x"]]
TRUTH = {"a": "r1", "b": "r0", "c": "r1", "x": "b"}
BLACK_STROKE = "stroke: #000000; stroke-width: 1.4"


def test_every_network_has_its_place_beside_its_siblings():
    ordered = _ordered(GENERATIONS, TRUTH)
    assert ordered == [["r0", "r1"], ["b", "a", "c"], ["x"]]
    spans = _spans(ordered)
    edges = [edge for names in ordered for name in names for edge in spans[name]]
    assert edges == sorted(edges)
    assert 0 < edges[0] < edges[-1] < 360


def test_wrong_parents_are_black_chords(tmp_path):
    report.chord_figure(GENERATIONS, TRUTH, tmp_path / "right.svg")
    report.chord_figure(GENERATIONS, TRUTH, tmp_path / "wrong.svg", found=TRUTH | {"c": "r0"})
    right, wrong = ((tmp_path / name).read_text() for name in ("right.svg", "wrong.svg"))
    assert right.count(BLACK_STROKE) == 0
    assert wrong.count(BLACK_STROKE) == 1
    assert "<!-- 4 of 4 parents found -->" in right
    assert "<!-- 3 of 4 parents found -->" in wrong
    assert "<!-- G3 -->" in right


def test_what_was_found_may_go_in_a_circle_but_the_truth_goes_down_the_generations(tmp_path):
    report.chord_figure(GENERATIONS, TRUTH, tmp_path / "circle.svg", found={"a": "x", "x": "a"})
    assert (tmp_path / "circle.svg").read_text().count(BLACK_STROKE) == 2
    with pytest.raises(ValueError, match="expected 'x', parent of 'a', in an earlier generation"):
        report.chord_figure(GENERATIONS, {"a": "x", "x": "a"}, tmp_path / "none.svg")


def test_more_roots_than_colours_of_the_short_list_are_drawn(tmp_path):
    report.chord_figure([[f"r{number}" for number in range(12)]], {}, tmp_path / "roots.png")
    assert (tmp_path / "roots.png").stat().st_size > 1000


@pytest.mark.parametrize(
    ("generations", "truth", "message"),
    [([["a"], []], {}, r"every generation, got \[1, 0\]"), ([["a"]], {"b": "a"}, "got 'b', which is in none")],
)
def test_what_does_not_fit_is_refused(tmp_path, generations, truth, message):
    with pytest.raises(ValueError, match=message):
        report.chord_figure(generations, truth, tmp_path / "none.png")
    assert not list(tmp_path.iterdir())


def test_a_merged_network_has_a_chord_to_each_parent(tmp_path):
    truth = genealogy.from_layers({"a": {"1": "r0", "2": "r1"}})
    report.chord_figure([["r0", "r1"], ["a"]], truth, tmp_path / "merged.svg", found={"a": "r1"})
    report.chord_figure([["r0", "r1"], ["a"]], {"a": "r1"}, tmp_path / "one.svg", found=truth)
    merged, one = ((tmp_path / name).read_text() for name in ("merged.svg", "one.svg"))
    assert "<!-- 1 of 1 parents found -->" in merged
    assert merged.count(BLACK_STROKE) == 0
    assert "<!-- 1 of 2 parents found -->" in one
    assert one.count(BLACK_STROKE) == 1
