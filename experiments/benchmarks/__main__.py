"""Runs benchmarks of this folder in turn, writes `results/NAME.json` and prints a table at the end.

python -m experiments.benchmarks              # every one
python -m experiments.benchmarks ntk similarity_speed
"""

import argparse
import importlib
import json
import pkgutil
from pathlib import Path

import rich
from rich.table import Table

from experiments.benchmarks._timing import Row, shortened, show

FOLDER = Path(__file__).parent
COLUMNS = ("bench", "variant", "seconds", "ratio", "gflops", "first_seconds", "peak_mb", "max_relative_difference")


def main() -> None:
    """Runs the benchmarks one after another; each result is on disk before the next one starts."""
    names = sorted(module.name for module in pkgutil.iter_modules([str(FOLDER)]) if not module.name.startswith("_"))
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="name", help=", ".join(names))
    chosen = parser.parse_args().names or names
    if unknown := sorted(set(chosen) - set(names)):
        parser.error(f"expected names among {', '.join(names)}, got {', '.join(unknown)}")
    rows = []
    for name in chosen:
        measured = importlib.import_module(f"experiments.benchmarks.{name}").main()
        show(measured)
        _write(name, measured)
        rows += measured
    rich.print(_table(rows))


def _write(name: str, rows: list[Row]) -> None:
    path = FOLDER / "results" / f"{name}.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps([shortened(row) for row in rows], indent=2) + "\n")


def _table(rows: list[Row]) -> Table:
    table = Table(*COLUMNS)
    for row in map(shortened, rows):
        table.add_row(*("" if row.get(column) is None else str(row[column]) for column in COLUMNS))
    return table


if __name__ == "__main__":
    main()
