"""The table of the README, from the results.

python -m experiments.strangers.table
"""

import json
from pathlib import Path

from experiments.lab import markdown

RESULTS = Path(__file__).parent / "results" / "full.json"


def table(path: Path = RESULTS) -> str:
    """Returns the table as Markdown: a row for every way to compare and every question."""
    rows = []
    for name, record in json.loads(path.read_text())["runs"].items():
        for question, asked in record["asked"].items():
            share = record["accuracy"][question]["right"]
            answers = ", ".join(f"{count} {relation}" for relation, count in record["relations"][question].items())
            rows.append([name, question, asked, f"{100 * share:.1f} %", answers])
    return markdown.table(["compared by", "shown with", "asked", "right", "answers"], rows)


if __name__ == "__main__":
    print(table())
