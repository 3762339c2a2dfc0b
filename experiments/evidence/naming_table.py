"""The tables of names and verdicts after laundering, from the results.

python -m experiments.evidence.naming_table
"""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from experiments.evidence.rates import LEVEL, joined, upper
from experiments.evidence.statistics import unpacked
from experiments.lab import markdown
from lineage_jax.evidence import KIN

RESULTS = Path(__file__).parent / "results" / "naming.json"

RELATIONS = ("independent", "one start", "checkpoints of one training")
"""What the candidates of a family have in common."""

NOBODY = -1
"""Stands for a candidate where none is named."""

NEAR = 0.35
"""Cosine of kernels of child and parent down to which a laundered child is to be found."""

Records = Mapping[str, Mapping[str, Any]]
Columns = Mapping[str, np.ndarray]


def main() -> None:
    """Prints the tables."""
    print("\n\n".join(tables(json.loads(RESULTS.read_text())["runs"])))


def tables(records: Records) -> list[str]:
    """Returns the tables of what has been run."""
    return [names(records), *([published(records["published"])] if "published" in records else [])]


def names(records: Records) -> str:
    """Returns how often the parent is named as it is and laundered, by kind and by relation of the candidates."""
    families = {name: unpacked(record["children"]) for name, record in records.items() if "children" in record}
    rows = []
    for group in dict.fromkeys(name.rpartition(", ")[0] for name in families):
        kind, _, relation = group.partition(", ")
        rows += _rows(kind, relation, [of for name, of in families.items() if name.rpartition(", ")[0] == group])
    rows += _rows("all", "", families.values())
    rows += _rows("all", f"cosine ≥ {NEAR}", [_near(of) for of in families.values()])
    head = [
        "networks",
        "candidates",
        "children",
        "number",
        "named rightly in place",
        "after",
        "points",
        "other answers",
    ]
    return markdown.table(head, rows)


def _rows(kind: str, relation: str, families: Iterable[Columns]) -> list[list[object]]:
    """Returns a row for every way in which children were laundered."""
    rows: list[list[object]] = []
    for how in ("laundered", "turned"):
        asked = [of for of in families if how in of]
        if not asked:
            continue
        of = joined(asked, ["parent", "in place", how])
        before, after = (of[when] == of["parent"] for when in ("in place", how))
        points = f"{100 * (np.mean(after) - np.mean(before)):+.1f}"
        others = np.sum(of[how] != of["in place"])
        rows.append([kind, relation, how, f"{len(before):,}", np.sum(before), np.sum(after), points, others])
    return rows


def _near(of: Columns) -> Columns:
    return {name: values[of["cosine"] >= NEAR] for name, values in of.items()}


def published(record: Mapping[str, Any]) -> str:
    """Returns how many pairs of published files are called relatives, each child as it is and laundered."""
    rows: list[list[object]] = []
    for documented in ("strangers", "relatives"):
        for how in ("in place", "laundered"):
            found = [of[how] for of in record["pairs"].values() if of["documented"] == documented and how in of]
            alone, among = sum(p <= LEVEL for p, _ in found), sum(claim in KIN for _, claim in found)
            bound = f"{100 * upper(among, len(found)):.2g} %" if documented == "strangers" else ""
            rows.append([documented, how, f"{len(found):,}", alone, among, bound])
    head = ["documented", "child", "pairs", "p ≤ .01 of the pair", "called relatives among all candidates", "bound"]
    return markdown.table(head, rows)


if __name__ == "__main__":
    main()
