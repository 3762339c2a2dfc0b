"""The tables of the README, from the results.

python -m experiments.catalogue.table
"""

import json
import statistics
from pathlib import Path
from typing import Any

from experiments.lab import markdown

RESULTS = Path(__file__).parent / "results" / "full.json"

PLACES = ("at 1", "at 10", "at 1 by the cosine alone")
"""Where the parent stands among the hits."""


def recall(path: Path = RESULTS) -> str:
    """Returns how often the parent of a child is found, by how children came about and lie in their files."""
    record = json.loads(path.read_text())["runs"]["small networks"]
    rows = [
        [group, record["children"][group], *(f"{100 * record['accuracy'][group][place]:.1f} %" for place in PLACES)]
        for group in record["accuracy"]
    ]
    return markdown.table(["children", "asked", "parent first", "parent among ten", "first by the cosine alone"], rows)


def costs(path: Path = RESULTS) -> str:
    """Returns sizes and times, of the small networks and of those of ResNet-18's shapes."""
    records = json.loads(path.read_text())["runs"]
    rows = [[name, *_costs(record)] for name, record in records.items()]
    head = [
        "networks",
        "files",
        "MB of files",
        "MB of the catalogue",
        "share",
        "read alone, MB/s",
        "indexed, MB/s",
        "ratio",
    ]
    return markdown.table(head, rows)


def seconds(path: Path = RESULTS) -> str:
    """Returns how long a search takes."""
    record: dict[str, Any] = json.loads(path.read_text())["runs"]["small networks"]
    rows = [
        ["the whole command, by the clock", *_spread(record["search seconds"])],
        ["the whole command, of the processor", *_spread(record["search processor seconds"])],
        ["a search in a catalogue that is open", *_spread(record["search seconds within a process"])],
    ]
    return markdown.table(["seconds of", "median", "least", "most"], rows)


def _costs(record: dict[str, Any]) -> list[str]:
    files, own = (record[f"bytes of {what}"] / 1e6 for what in ("networks", "the catalogue"))
    reading = record["reading"]
    alone, indexed = (statistics.median(reading[f"megabytes a second {how}"]) for how in ("alone", "indexed"))
    sizes = [f"{record['networks']:,}", f"{files:,.1f}", f"{own:,.2f}", f"{100 * record['share']:.2g} %"]
    return [*sizes, f"{alone:.0f}", f"{indexed:.0f}", f"{reading['ratio']:.2f}"]


def _spread(times: list[float]) -> list[str]:
    return [f"{each:.2f}" for each in (statistics.median(times), min(times), max(times))]


if __name__ == "__main__":
    print(f"{recall()}\n\n{costs()}\n\n{seconds()}")
