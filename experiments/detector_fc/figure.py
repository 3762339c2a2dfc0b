"""The figure of the experiment: accuracy of every method, a panel per variant, a group of bars per kind of children."""

from pathlib import Path
from typing import Any

import numpy as np


def draw(runs: dict[str, Any], path: Path) -> None:
    """Writes the figure; bars are means over the seeds, lines their least and greatest."""
    from matplotlib.figure import Figure

    variants = list(dict.fromkeys(run["variant"] for run in runs.values()))
    figure = Figure(figsize=(9, 2.6 * len(variants)), layout="constrained")
    panels = figure.subplots(len(variants), 1, squeeze=False)[:, 0]
    for panel, variant in zip(panels, variants, strict=True):
        of_seeds = [run["accuracy"] for run in runs.values() if run["variant"] == variant]
        groups, methods = list(of_seeds[0]), list(of_seeds[0]["test"])
        for index, method in enumerate(methods):
            values = 100 * np.array([[accuracy[group][method] for group in groups] for accuracy in of_seeds])
            mean = values.mean(axis=0)
            spread = np.stack([mean - values.min(axis=0), values.max(axis=0) - mean])
            places = np.arange(len(groups)) + (index - len(methods) / 2) / (len(methods) + 1)
            panel.bar(places, mean, 1 / (len(methods) + 1), yerr=spread, label=method, error_kw={"linewidth": 0.8})
        panel.set_xticks(range(len(groups)), groups)
        panel.set_ylim(0, 105)
        panel.set_ylabel("accuracy, %")
        panel.set_title(f"{variant} parents", fontsize=10)
        panel.grid(axis="y", alpha=0.3)
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=6, fontsize=8)
    figure.savefig(path, dpi=120)
