"""The tables of README.md, made from `results/full.json`.

python -m experiments.unrelated.table
"""

import json
import math
from pathlib import Path
from typing import Any

from experiments.lab import markdown

SCORES = ("plain", "centred")


def main() -> None:
    """Prints the tables."""
    print(table(json.loads((Path(__file__).parent / "results" / "full.json").read_text())["runs"]))


def table(runs: dict[str, Any]) -> str:
    """Returns a row for every record and group of pairs: least, median and greatest of each column."""
    columns = [*SCORES, "deviations", *(f"{score}, shuffled" for score in SCORES)]
    rows = []
    for name, record in runs.items():
        half = "chooses" if record["chooses"] else "shows"
        for group, spread in record["spread"].items():
            if group != "not compared":
                cells = (ranged(spread[column]) if column in spread else "" for column in columns)
                rows.append([name, half, group, spread["plain"]["pairs"], *cells])
    return markdown.table(["networks", "half", "pairs of", "pairs", *columns], rows)


def ranged(spread: dict[str, Any]) -> str:
    """Returns least, median and greatest.

    Examples:
        >>> ranged({"quantiles": {"0": -0.01, "0.5": 0.0, "1": 0.02}})
        '-0.010 / 0.000 / 0.020'
    """
    return " / ".join(f"{spread['quantiles'][q]:.3f}" for q in ("0", "0.5", "1"))


def margins(runs: dict[str, Any], *, chooses: bool, score: str = "centred") -> tuple[float, float]:
    """Returns the greatest score of strangers and the least of relatives, over one half."""
    strangers, relatives = [-math.inf], [math.inf]
    for record in runs.values():
        if record["chooses"] == chooses:
            for group, spread in record["spread"].items():
                ends = [spread[score]["quantiles"][q] for q in ("0", "1")]
                if group == "strangers":
                    strangers.append(ends[1])
                elif group != "not compared":
                    relatives.append(ends[0])
    return max(strangers), min(relatives)


if __name__ == "__main__":
    main()
