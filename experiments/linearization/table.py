"""The tables of README.md, made from `results/full.json`.

python -m experiments.linearization.table
"""

import json
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parent / "results" / "full.json"


def main() -> None:
    """Prints both tables."""
    print(tables(json.loads(RESULTS.read_text())))


def tables(result: dict[str, Any]) -> str:
    """Returns the recommended alphas, then a row for each family, as Markdown."""
    return f"{recommended(result['recommended'])}\n\n{families(result)}"


def recommended(rows: dict[str, Any]) -> str:
    """Accuracy on validation families and on others: direct, and Taylor at the alpha chosen on the former."""
    lines = [
        "| measure | alpha | validation: direct → Taylor | others: direct → Taylor (worst family) |",
        "|---|---|---|---|",
    ]
    for measure, row in rows.items():
        chosen, shown = row["validation"], row["test"]
        lines.append(
            f"| {measure} | {row['alpha']:g} | {percent(chosen['direct'])} → {percent(chosen['taylor'])} "
            f"| {percent(shown['direct'])} → {percent(shown['taylor'])} ({percent(shown['worst family'])}) |"
        )
    return "\n".join(lines)


def families(result: dict[str, Any]) -> str:
    """How far every family's children went, how well the tangent explains them at the last tap, and who is named."""
    measures = ("l2", "cosine", "cka", "dc", "debiased_cka")
    shown = [f"{measure} ({result['recommended'][measure]['alpha']:g})" for measure in measures]
    head = [
        "network",
        "split",
        "steps",
        "rate",
        "width",
        "weights moved",
        "error",
        "explained",
        "cos",
        *shown,
        "weight l2",
    ]
    lines = [f"| {' | '.join(head)} |", "|---" * len(head) + "|"]
    for family in result["families"].values():
        last = list(family["error"])[-1]
        row = [family["network"], family["split"], family["length"], f"{family['learning_rate']:g}", family["width"]]
        row += [f"{family['weight change']:.2f}"]
        row += [f"{family[key][last][-1]:.2f}" for key in ("error", "explained", "cosine")]
        for measure in measures:
            accuracy = family["accuracy"]["features"][measure]
            place = result["config"]["alphas"].index(result["recommended"][measure]["alpha"])
            row.append(f"{percent(accuracy['direct'])} → {percent(accuracy['taylor'][place])}")
        row.append(percent(family["accuracy"]["weights"]["weight_l2"]))
        lines.append(f"| {' | '.join(map(str, row))} |")
    return "\n".join(lines)


def percent(share: float) -> str:
    """Formats a share of one hundred children."""
    return f"{100 * share:.0f}"


if __name__ == "__main__":
    main()
