"""The second table of README.md, made from `results/full.json`: how far ahead, how sure, and how often nobody.

python -m experiments.universal.table
"""

import json
from pathlib import Path

from experiments.lab import markdown

RESULTS = Path(__file__).parent / "results" / "full.json"

BESIDE = ("weight distance", "information")
"""Scores that the detector is compared with: what it starts from, and the best one."""


def main() -> None:
    """Prints the table."""
    print(table())


def table() -> str:
    """Returns a row for each kind and seed."""
    head = [
        *("kind", "seed", "children", *(f"ahead of {name}" for name in BESIDE), "calibration error"),
        *("nobody: strangers", "parent missing", "wrongly"),
    ]
    rows = []
    for record in json.loads(RESULTS.read_text())["runs"].values():
        ahead = [_points(*record["ahead"]["all"][name]) for name in BESIDE]
        nobody = [f"{100 * record['nobody'][way]:.1f}" for way in ("strangers alone", "parent struck", "named")]
        rows.append(
            [
                record["variant"],
                record["seed"],
                record["cases"]["all"],
                *ahead,
                f"{record['calibration error']:.3f}",
                *nobody,
            ]
        )
    return markdown.table(head, rows)


def _points(mean: float, low: float, high: float) -> str:
    """Formats a difference.

    Examples:
        >>> _points(0.25, 0.1, 0.4)
        '+25.0 (+10.0 to +40.0)'
    """
    return f"{100 * mean:+.1f} ({100 * low:+.1f} to {100 * high:+.1f})"


if __name__ == "__main__":
    main()
