"""The tables of README.md, made from `results/full.json`.

python -m experiments.fc_mnist_fmnist.table
"""

import json
from pathlib import Path
from typing import Any

from experiments.lab import markdown
from experiments.lab.markdown import arrows, percent
from lineage_jax import lineage

RESULTS = Path(__file__).parent / "results" / "full.json"


def main() -> None:
    """Prints both tables."""
    print(tables(json.loads(RESULTS.read_text())["variants"]))


def tables(variants: dict[str, Any]) -> str:
    """Returns the summary, then the whole grid, as Markdown."""
    return f"{summary(variants)}\n\n{grid(variants)}"


def summary(variants: dict[str, Any]) -> str:
    """Direct accuracy and that of both forms at their recommended alphas, a column per variant."""
    rows = []
    for measure in next(iter(variants.values()))["accuracy"]:
        forms = {"taylor": lineage.RECOMMENDED_ALPHA, "exact": lineage.RECOMMENDED_EXACT_ALPHA}
        alphas = {form: f"{by_measure[measure]:g}" for form, by_measure in forms.items()}
        cells = [
            arrows([row["direct"], *(row[form][alpha] for form, alpha in alphas.items())])
            for row in (variant["accuracy"][measure] for variant in variants.values())
        ]
        rows.append([f"{measure} ({', '.join(alphas.values())})", *cells])
    for baseline in next(iter(variants.values()))["weights"]:
        cells = [percent(variant["weights"][baseline]) for variant in variants.values()]
        rows.append([baseline.replace("_", " "), *cells])
    return markdown.table(["measure (alphas)", *variants], rows)


def grid(variants: dict[str, Any]) -> str:
    """Every accuracy: direct, Taylor and exact at every alpha."""
    alphas = list(next(iter(next(iter(variants.values()))["accuracy"].values()))["taylor"])
    head = ["variant", "measure", "direct", *(f"{form} {alpha}" for form in "TE" for alpha in alphas)]
    rows = [
        [name, measure, *map(percent, [row["direct"], *row["taylor"].values(), *row["exact"].values()])]
        for name, variant in variants.items()
        for measure, row in variant["accuracy"].items()
    ]
    return markdown.table(head, rows)


if __name__ == "__main__":
    main()
