"""The tables of README.md, made from `results/full.json`.

python -m experiments.variety.table
"""

from typing import Any

import numpy as np

from experiments.lab import accuracies, markdown
from experiments.overview import results_of

SIDES = ("parents", "children")

QUALITIES = {"unet": "IoU", "fcos": "AP@0.5"}
"""By kind what its quality is; accuracy of all others."""


def main() -> None:
    """Prints how well networks do what they learned, and how often their parents are named."""
    runs = results_of("variety")["runs"]
    print(f"{qualities(runs)}\n\n{accuracies.table(runs)}")


def qualities(runs: dict[str, Any]) -> str:
    """Returns by kind how many families there are, and mean and worst of parents and of children, in %."""
    kinds = dict.fromkeys(run["variant"] for run in runs.values())
    rows = []
    for kind in kinds:
        of_kind = [run for run in runs.values() if run["variant"] == kind]
        cells = [
            f"{100 * np.mean([run['quality'][side] for run in of_kind]):.0f}"
            f" ({100 * min(run['worst'][side] for run in of_kind):.0f})"
            for side in SIDES
        ]
        rows.append([kind, QUALITIES.get(kind, "accuracy"), len(of_kind), *cells])
    return markdown.table(["kind", "quality", "families", *(f"{side} (worst)" for side in SIDES)], rows)


if __name__ == "__main__":
    main()
