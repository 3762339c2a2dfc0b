"""The study of who came first: its bookkeeping on families without training, and what its results promise."""

import json

import numpy as np
import pytest

from experiments.evidence import direction_table
from experiments.evidence.direction import count
from experiments.evidence.direction_cases import ALL, BETWEEN, COPY, ORIGINAL, TRAINED, case_of, truth
from experiments.evidence.direction_families import (
    EDITED_FROM,
    PARENT_OF,
    Families,
    ancestors,
    pruned,
    quantised,
    quantised_by_unit,
)
from lineage_jax import lineage

RESULTS = direction_table.RESULTS
EDIT = {
    "pruned": lambda kernel, step: pruned(kernel, share=0.9),
    "pruned in two steps": lambda kernel, step: pruned(kernel, share=0.9),
    "int8 by kernel": lambda kernel, step: quantised(kernel),
    "int8 by unit": lambda kernel, step: quantised_by_unit(kernel),
    "float16": lambda kernel, step: kernel.astype(np.float16).astype(np.float32),
}


@pytest.fixture(scope="module")
def walks():
    """One family whose networks take steps in directions of their own, and fade."""
    rng = np.random.default_rng(0)
    draw = lambda size: rng.normal(size=(80, 60)).astype(np.float32) * size
    made = {"root": draw(1), "twin": draw(1)}
    for role, above in (PARENT_OF | EDITED_FROM).items():
        step = 0.15 if role in PARENT_OF else 0.1
        made[role] = EDIT.get(role, lambda kernel, step: 0.85 * kernel + draw(step * kernel.std()))(made[above], step)
    own = {role: 0 if role in EDIT else 100 for role in made}
    seen = {role: own[role] + sum(own[above] for above in ancestors(role)) for role in made}
    return Families(kernels={role: [{"fc1": kernel}] for role, kernel in made.items()}, seen=seen, own=own)


def test_who_came_first_is_known():
    assert truth("root", "grandchild") == "candidate"
    assert truth("grandchild", "parent") == "child"
    assert truth("short", "long") == truth("twin", "root") == "neither"
    assert truth(COPY, "int8 by kernel") == "candidate"  # a copy of what that came from
    assert truth(COPY, ORIGINAL) == "child"


def test_third_relatives_are_told_apart():
    assert case_of("parent", "short", "uncle") == "parent and child, third descends from neither"
    assert case_of("parent", "short", "root") == "parent and child, third is an ancestor of both"
    assert case_of("uncle", "short", "root") == "siblings, third is an ancestor of both"
    assert case_of("root", "short", "parent") == "parent and child, third came between"
    assert case_of("uncle", "parent", "short") == "siblings, third descends from one of them"
    assert case_of("short", "parent", "sibling") == "parent and child, third descends from the older"
    assert case_of("root", "parent", "sibling") == "parent and child, third descends from the younger"
    assert case_of("parent", "short", "long") == "parent and child, one trained further on the same images"


def test_every_question_is_counted_once_and_steps_without_drift_are_placed_rightly(walks):
    found = count(walks, seed=0)
    asked = {cue: sum(sum(of.values()) for of in cases.values()) for cue, cases in found["cases"].items()}
    roles = len(walks.kernels)
    pairs, trained = roles * (roles - 1) // 2, len(TRAINED)
    assert asked["outgroup"] == asked[BETWEEN] == trained * (trained - 1) // 2 * (trained - 2)
    assert asked[ALL] == trained * (trained - 1) // 2
    assert asked["zeros"] == asked["rounding"] == pairs
    for cue in ("outgroup", "zeros", "rounding", "batch counters"):
        assert found["drawn"][cue] == [0, 1]
    for cue in ("outgroup", BETWEEN, ALL):
        outcomes = [(of["right"], of["wrong"] + of["siblings"]) for of in found["cases"][cue].values()]
        assert [sum(each) > 0 for each in zip(*outcomes, strict=True)] == [True, False]
    set_back = found["cases"]["batch counters"]["parent and child, set back at every start"]
    assert set_back["right"] == 0


def test_the_library_repeats_what_was_measured():
    assert direction_table.measured(json.loads(RESULTS.read_text())["runs"]) == dict(sorted(lineage.MEASURED.items()))


def test_the_page_shows_the_tables_of_the_results():
    page, results = (RESULTS.parent.parent / "direction.md").read_text(), json.loads(RESULTS.read_text())["runs"]
    assert direction_table.table_of_cues(results) in page
    assert direction_table.table_of_cases(results) in page


def test_with_a_third_relative_at_most_one_answer_in_a_hundred_is_wrong_whatever_it_is():
    kinds = [run for run in json.loads(RESULTS.read_text())["runs"].values() if "cases" in run]
    for cue in ("outgroup", ALL, BETWEEN):
        for case in next(iter(kinds))["cases"][cue]:
            counts = [kind["cases"][cue][case] for kind in kinds]
            asked = sum(sum(of.values()) for of in counts)
            assert sum(of["wrong"] + of["siblings"] for of in counts) <= 0.01 * asked, (cue, case)
