"""The tables of README.md, made from `results/full.json`.

python -m experiments.linearization.table
"""

import itertools
import json
from pathlib import Path
from typing import Any

from experiments.lab import markdown
from experiments.lab.markdown import arrows, percent
from experiments.linearization.recommend import FORMS, GROUPS, SPLITS, UPPER, along, fewer, of_group

RESULTS = Path(__file__).parent / "results" / "full.json"

SHOWN = ("l2", "cosine", "cka", "dc", "debiased_cka")
"""The measures of the tables with a row for each family."""


def main() -> None:
    """Prints all tables."""
    result = json.loads(RESULTS.read_text())
    print("\n\n".join(table(result) for table in TABLES))


def recommended(result: dict[str, Any]) -> str:
    """The alphas chosen, and accuracy by split and group: direct, then both forms at these alphas."""
    forms = result["recommended"]
    taylor = next(iter(forms["taylor"].values()))
    groups = [(split, group) for split in SPLITS for group in GROUPS]
    shown = [f"{TITLES[split]}: {taylor[split][group]['families']} {group}" for split, group in groups]
    rows = []
    for measure in forms["taylor"]:
        of = [forms[form][measure] for form in FORMS]
        alphas = [f"{of[0]['alpha']:g} (< {UPPER['taylor'][measure]:g})", f"{of[1]['alpha']:g}"]
        named = [
            arrows([of[0][split][group]["direct"], *(row[split][group]["accuracy"] for row in of)])
            for split, group in groups
        ]
        fewer_than_direct = " / ".join(
            str(sum(row[split][group]["families with fewer than direct"] for split, group in groups)) for row in of
        )
        rows.append([measure, *alphas, *named, fewer_than_direct])
    return markdown.table(["measure", "Taylor alpha", "exact alpha", *shown, "fewer than direct"], rows)


def strengths(result: dict[str, Any]) -> str:
    """The Taylor form along alpha over both splits: what is named, and in how many families fewer than directly."""
    alphas, networks = result["config"]["alphas"], result["config"]["networks"]
    rows = []
    for measure, network, group in itertools.product(SHOWN, networks, GROUPS):
        found = of_group(result["families"], group, network=network)
        direct, shares = along(found, measure, "taylor")
        counts = zip(shares.mean(axis=0), fewer(direct, shares), strict=True)
        cells = [f"{percent(share)} ({count})" for share, count in counts]
        rows.append([measure, network, f"{len(found)} {group}", percent(direct.mean()), *cells])
    return markdown.table(["measure", "network", "families", "direct", *(f"{alpha:g}" for alpha in alphas)], rows)


def near(result: dict[str, Any]) -> str:
    """The families of near candidates: how near, how far children went, who is named."""
    head = ["network", "split", "candidates", "apart", *HOW[:-1], *EVIDENCE, *SHOWN, "weight l2"]
    rows = [
        [f["network"], f["split"], f["candidates"], f"{f['parents apart']:.2f}", *_how(f)[:-1], *_named(f, result)]
        for f in of_group(result["families"], "near")
    ]
    return markdown.table(head, rows)


def families(result: dict[str, Any]) -> str:
    """The families of independent candidates: how far children went, how well the tangent explains it, who is named."""
    head = ["network", "split", *HOW, *EVIDENCE, *SHOWN, "weight l2"]
    rows = [
        [f["network"], f["split"], *_how(f), *_named(f, result)] for f in of_group(result["families"], "independent")
    ]
    return markdown.table(head, rows)


TABLES = (recommended, strengths, near, families)
TITLES = {"validation": "validation", "test": "others"}
HOW = ("steps", "rate", "width")
EVIDENCE = ("weights moved", "error", "explained", "cos")


def _how(family: dict[str, Any]) -> list[str]:
    return [str(family["length"]), f"{family['learning_rate']:g}", str(family["width"])]


def _named(family: dict[str, Any], result: dict[str, Any]) -> list[str]:
    """Evidence on the tangent, then the shares named: direct, Taylor, exact, by measure, and by weights."""
    last, chosen = list(family["error"])[-1], result["recommended"]
    cells = [f"{family['weight change']:.2g}"]
    cells += [f"{family[key][last][-1]:.2f}" for key in ("error", "explained", "cosine")]
    for measure in SHOWN:
        accuracy = family["accuracy"]["features"][measure]
        places = {form: result["config"]["alphas"].index(chosen[form][measure]["alpha"]) for form in FORMS}
        cells.append(arrows([accuracy["direct"], *(accuracy[form][place] for form, place in places.items())]))
    return [*cells, percent(family["accuracy"]["weights"]["weight_l2"])]


if __name__ == "__main__":
    main()
