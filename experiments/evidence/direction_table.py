"""The tables of who came first, and what stands in `lineage.MEASURED`, from the results.

python -m experiments.evidence.direction_table
"""

import collections
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from experiments.lab import markdown
from lineage_jax import lineage

RESULTS = Path(__file__).parent / "results" / "direction.json"
OUTCOMES = ("right", "wrong", "siblings", "abstained")
"""Of one question: the right one named, the wrong one, neither though one descends from the other, nothing said."""
SHOWN = {"batches at the start": "batch counters"}
"""Cues that are answers to one question -> the name under which they are counted together."""


def measured(done: Mapping[str, Any]) -> dict[str, tuple[int, int]]:
    """Returns for each cue errors and families that it decides in, over all kinds and the published ones."""
    total: dict[str, collections.Counter] = {}
    for counted in done.values():
        for cue, (wrong, tried) in counted.get("drawn", {}).items():
            total.setdefault(cue, collections.Counter()).update(wrong=wrong, tried=tried)
    return {cue: (of["wrong"], of["tried"]) for cue, of in sorted(total.items())}


def table_of_cues(done: Mapping[str, Any]) -> str:
    """Returns a row for every cue: one decision of every family."""
    rows = [
        [cue, tried, wrong, f"{100 * lineage.cue_error(wrong, tried):.1f} %"]
        for cue, (wrong, tried) in measured(done).items()
    ]
    return markdown.table(["cue", "families that it decides in", "wrong in", "error at most, at 95 %"], rows)


def table_of_cases(done: Mapping[str, Any]) -> str:
    """Returns a row for every case, over all kinds: outcomes as shares of all that were asked."""
    total: dict[tuple[str, str], collections.Counter] = {}
    for counted in done.values():
        for cue, of in counted.get("cases", {}).items():
            for case, outcomes in of.items():
                total.setdefault((SHOWN.get(cue, cue), case), collections.Counter()).update(outcomes)
    rows = [
        [cue, case, outcomes.total(), *(f"{100 * outcomes[each] / outcomes.total():.1f} %" for each in OUTCOMES)]
        for (cue, case), outcomes in sorted(total.items())
    ]
    return markdown.table(["cue", "case", "asked", "right", "wrong", "taken for siblings", "silent"], rows)


if __name__ == "__main__":
    found = json.loads(RESULTS.read_text())["runs"]
    print(f"{table_of_cues(found)}\n\n{table_of_cases(found)}")
