"""The tables of README.md and docs/results.md, made from `results/full.json` of several experiments.

python -m experiments.overview
"""

import json
from pathlib import Path
from typing import Any

import numpy as np

from experiments.lab import accuracies, markdown
from experiments.lab.markdown import percent

HERE = Path(__file__).parent

EXPECTED = {"l2": "l2", "cosine": "cosine", "cka": "CKA", "dc": "distance correlation"}
"""The measures of the first table, and how they are called there."""

LEARNED = (
    ("detector_fc", "checkpoints", "30 unseen parents", "a short run on small images", "30 checkpoints of one run"),
    ("fewshot", "30 unseen parents", "5 a class", "5 images a class", "30 checkpoints of one run"),
    ("imbalanced", "30 unseen parents", "ratio 100", "class ratio 100", "30 checkpoints of one run"),
    ("hybrid", "vit, checkpoints", "layers, unseen parents", "blocks of a ViT", "9 checkpoints of one run"),
    ("hybrid", "vit, checkpoints", "whole networks, unseen parents", "all blocks at once", "9 checkpoints of one run"),
    ("fc", "30 unseen parents", "plain", "published size, plain", "30 checkpoints of one run"),
    ("lineage300", "300 networks", "parent", "parents of 300 networks", "all of the generation before"),
    ("generations", "independent, G1", "G4, unseen", "roots of the fourth generation", "10 independent roots"),
    ("generations", "checkpoints, G1", "G4, unseen", "roots of the fourth generation", "10 checkpoints of one run"),
)
"""The rows of the second table: experiment, variant and group of children in its results; setting and candidates."""


def main() -> None:
    """Prints both tables."""
    print(f"{expected()}\n\n{learned('experiments/{}/README.md')}")


def expected() -> str:
    """Returns what features name of children that had no part in choosing alpha, in %, by measure and form."""
    forms = results_of("linearization")["recommended"]
    groups = ("independent", "near")
    head = ["measure", *(f"{group}: {form}" for group in groups for form in ("direct", "Taylor", "exact"))]
    rows = [
        [
            title,
            *(
                percent(share)
                for group in groups
                for of_taylor, of_exact in [(forms[form][measure]["test"][group] for form in ("taylor", "exact"))]
                for share in (of_taylor["direct"], of_taylor["accuracy"], of_exact["accuracy"])
            ),
        ]
        for measure, title in EXPECTED.items()
    ]
    return markdown.table(head, rows)


def learned(link: str) -> str:
    """Returns what features, weights and both detectors name of children of unseen parents, in %, means over seeds.

    Args:
        link: where the page that shows the table finds an experiment, with `{}` for its name.
    """
    named_by = ["features (best form)", "weights (best)", "detector of the family", "shipped detector"]
    head = ["experiment", "setting", "candidates", *named_by]
    rows = []
    for experiment, variant, group, setting, candidates in LEARNED:
        shares = mean_shares(experiment, variant, group)
        best = [max(shares[method] for method in methods) for methods in _kinds(shares)]
        named = [percent(share) for share in best]
        bold = [f"**{each}**" if each == percent(max(best)) else each for each in named]
        rows.append([f"[{experiment}]({link.format(experiment)})", setting, candidates, *bold])
    return markdown.table(head, rows)


def _kinds(methods: dict[str, float]) -> tuple[list[str], ...]:
    weights = [method for method in methods if method.startswith("weights")]
    return ["direct", "taylor", "exact"], weights, ["detector"], ["universal"]


def mean_shares(experiment: str, variant: str, group: str) -> dict[str, float]:
    """Returns every method's share, as the mean over seeds."""
    of_seeds = accuracies.by_variant(results_of(experiment)["runs"])[variant]
    methods = accuracies.methods_of(of_seeds)
    return {method: float(np.mean(accuracies.shares_of(of_seeds, group, method))) for method in methods}


def results_of(experiment: str) -> dict[str, Any]:
    """Reads what a study measured."""
    return json.loads((HERE / experiment / "results" / "full.json").read_text())


if __name__ == "__main__":
    main()
