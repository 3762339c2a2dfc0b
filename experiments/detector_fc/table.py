"""The tables of README.md, made from `results/full.json`.

python -m experiments.detector_fc.table
"""

import json
from pathlib import Path
from typing import Any

import numpy as np

RESULTS = Path(__file__).parent / "results" / "full.json"


def main() -> None:
    """Prints the table."""
    print(table(json.loads(RESULTS.read_text())["runs"]))


def table(runs: dict[str, Any]) -> str:
    """Returns accuracy in % as mean (least to greatest over the seeds): a row for each variant and method."""
    first = next(iter(runs.values()))["accuracy"]
    lines = [f"| parents | method | {' | '.join(first)} |", "|---" * (len(first) + 2) + "|"]
    for variant in dict.fromkeys(run["variant"] for run in runs.values()):
        of_seeds = [run["accuracy"] for run in runs.values() if run["variant"] == variant]
        for method in first["test"]:
            cells = [spread([accuracy[children][method] for accuracy in of_seeds]) for children in first]
            lines.append(f"| {variant} | {method} | {' | '.join(cells)} |")
    return "\n".join(lines)


def spread(shares: list[float]) -> str:
    """Formats shares of one hundred children."""
    mean, least, most = (f"{100 * value:.0f}" for value in (np.mean(shares), min(shares), max(shares)))
    return mean if least == most else f"{mean} ({least} to {most})"


if __name__ == "__main__":
    main()
