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


def recommended(forms: dict[str, Any]) -> str:
    """Accuracy on validation families and on others: direct, then both forms at the alpha chosen on the former."""
    lines = [
        "| measure | validation: direct | Taylor (alpha) | exact (alpha) "
        "| others: direct | Taylor (worst) | exact (worst) |",
        "|---|---|---|---|---|---|---|",
    ]
    for measure in forms["taylor"]:
        taylor, exact = (forms[form][measure] for form in ("taylor", "exact"))
        cells = [measure, percent(taylor["validation"]["direct"])]
        cells += [f"{percent(row['validation']['accuracy'])} ({row['alpha']:g})" for row in (taylor, exact)]
        cells.append(percent(taylor["test"]["direct"]))
        cells += [f"{percent(r['test']['accuracy'])} ({percent(r['test']['worst family'])})" for r in (taylor, exact)]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def families(result: dict[str, Any]) -> str:
    """How far children went, how well the tangent explains them, who is named: direct, Taylor, exact."""
    measures = ("l2", "cosine", "cka", "dc", "debiased_cka")
    chosen = result["recommended"]
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
        *measures,
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
            places = {form: result["config"]["alphas"].index(chosen[form][measure]["alpha"]) for form in chosen}
            named = [accuracy["direct"], *(accuracy[form][place] for form, place in places.items())]
            row.append(" → ".join(map(percent, named)))
        row.append(percent(family["accuracy"]["weights"]["weight_l2"]))
        lines.append(f"| {' | '.join(map(str, row))} |")
    return "\n".join(lines)


def percent(share: float) -> str:
    """Formats a share of one hundred children."""
    return f"{100 * share:.0f}"


if __name__ == "__main__":
    main()
