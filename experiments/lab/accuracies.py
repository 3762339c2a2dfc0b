"""The table and the figure of records `{"variant": ..., "seed": ..., "accuracy": {group: {method: share}}}`."""

from pathlib import Path
from typing import Any

import numpy as np

from experiments.lab import markdown

Runs = dict[str, dict[str, Any]]


def table(runs: Runs, *, digits: int = 0) -> str:
    """Returns accuracy in % as mean (least to greatest over the seeds): a row for each variant and method."""
    groups = groups_of(runs)
    rows = [
        [variant, method, *(spread(shares_of(of_seeds, group, method), digits=digits) for group in groups)]
        for variant, of_seeds in by_variant(runs).items()
        for method in methods_of(of_seeds)
    ]
    return markdown.table(["variant", "method", *groups], rows)


def draw(runs: Runs, path: Path) -> None:
    """Writes a figure with a panel for each variant; bars are means over the seeds, lines their least and greatest."""
    from matplotlib.figure import Figure

    variants, groups = by_variant(runs), groups_of(runs)
    figure = Figure(figsize=(9, 2.6 * len(variants)), layout="constrained")
    panels = figure.subplots(len(variants), 1, squeeze=False)[:, 0]
    for panel, (variant, of_seeds) in zip(panels, variants.items(), strict=True):
        methods = methods_of(of_seeds)
        for index, method in enumerate(methods):
            shares = [shares_of(of_seeds, group, method) for group in groups]
            mean, least, most = (100 * np.array([of(part) if part else np.nan for part in shares]) for of in STATISTICS)
            places = np.arange(len(groups)) + (index - (len(methods) - 1) / 2) / (len(methods) + 1)
            lines = np.maximum([mean - least, most - mean], 0)  # a mean of equals may round beyond them
            panel.bar(places, mean, 1 / (len(methods) + 1), yerr=lines, label=method, error_kw={"linewidth": 0.8})
        panel.set_xticks(range(len(groups)), groups, fontsize=9)
        panel.set_xlim(-0.5, len(groups) - 0.5)  # so that panels without a group are in line with the others
        panel.set_ylim(0, 105)
        panel.set_ylabel("accuracy, %")
        panel.set_title(variant, fontsize=10)
        panel.grid(axis="y", alpha=0.3)
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=6, fontsize=8)
    figure.savefig(path, dpi=120)


def by_variant(runs: Runs) -> dict[str, list[dict[str, dict[str, float]]]]:
    """Returns by variant the accuracies of every seed."""
    variants: dict[str, list[dict[str, dict[str, float]]]] = {}
    for run in runs.values():
        variants.setdefault(run["variant"], []).append(run["accuracy"])
    return variants


def groups_of(runs: Runs) -> list[str]:
    """Returns the groups of children, in the order in which they were first met."""
    return list(dict.fromkeys(group for run in runs.values() for group in run["accuracy"]))


def methods_of(of_seeds: list[dict[str, dict[str, float]]]) -> list[str]:
    """Returns the methods of a variant."""
    return list(next(iter(of_seeds[0].values())))


def shares_of(of_seeds: list[dict[str, dict[str, float]]], group: str, method: str) -> list[float]:
    """Returns a method's share on a group of children for every seed; nothing where the variant has no such group."""
    return [accuracy[group][method] for accuracy in of_seeds if group in accuracy]


def spread(shares: list[float], *, digits: int = 0) -> str:
    """Formats shares.

    Examples:
        >>> spread([0.5, 0.75]), spread([1.0, 1.0]), spread([])
        ('62 (50 to 75)', '100', '-')
    """
    if not shares:
        return "-"
    mean, least, most = (f"{100 * of(shares):.{digits}f}" for of in STATISTICS)
    return mean if least == most else f"{mean} ({least} to {most})"


STATISTICS = (np.mean, min, max)
