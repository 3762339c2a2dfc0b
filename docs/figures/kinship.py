"""The figure of README.md: how alike the kernels of strangers and of relatives are, from `experiments/unrelated`.

python docs/figures/kinship.py
"""

import json
from pathlib import Path

from matplotlib.figure import Figure

from lineage_jax import lineage

HERE = Path(__file__).parent
RESULTS = HERE.parent.parent / "experiments" / "unrelated" / "results" / "full.json"

OWN = {
    "strangers": "strangers",
    "relatives": "any two relatives",
    "parent and pruned far": "parent, child tuned far and pruned",
    "parent and far": "parent, child tuned far",
    "parent and pruned child": "parent, pruned child",
    "parent and child": "parent, child",
}
FILES = {"strangers": "strangers", "relatives": "relatives"}


def main() -> None:
    """Draws a row for every group of pairs: least to greatest, and the medians of the records."""
    runs = json.loads(RESULTS.read_text())["runs"]
    own = {name: run for name, run in runs.items() if not name.startswith("files")}
    files = {name: run for name, run in runs.items() if name.startswith("files")}
    rows = [(title, "own networks", _spreads(own, group)) for group, title in OWN.items()]
    rows += [(title, "published files", _spreads(files, group)) for group, title in FILES.items()]

    figure = Figure(figsize=(8.5, 3.4), layout="constrained")
    axis = figure.subplots()
    for place, (title, _, spreads) in enumerate(rows):
        colour = "tab:orange" if title == "strangers" else "tab:blue"
        ends = [min(each["0"] for each in spreads), max(each["1"] for each in spreads)]
        axis.plot(ends, [place, place], color=colour, linewidth=7, alpha=0.35, solid_capstyle="butt")
        axis.plot([each["0.5"] for each in spreads], [place] * len(spreads), "|", color=colour, markersize=9)
    axis.axvline(lineage.UNRELATED, color="grey", linestyle="--", linewidth=1)
    axis.text(
        lineage.UNRELATED + 0.01, -0.75, "a candidate can be named from here", color="grey", va="center", fontsize=9
    )
    axis.set_yticks(range(len(rows)), [f"{title}  ({place})" for title, place, _ in rows])
    axis.set_ylim(len(rows) - 0.4, -1.2)
    axis.set_xlim(-0.12, 1.02)
    axis.set_xlabel("centred kernel cosine: least to greatest of all pairs, and medians")
    axis.grid(axis="x", alpha=0.3)
    axis.spines[["top", "right", "left"]].set_visible(False)
    axis.tick_params(left=False)
    figure.savefig(HERE / "kinship.png", dpi=120)


def _spreads(runs: dict, group: str) -> list[dict[str, float]]:
    return [run["spread"][group]["centred"]["quantiles"] for run in runs.values() if group in run["spread"]]


if __name__ == "__main__":
    main()
