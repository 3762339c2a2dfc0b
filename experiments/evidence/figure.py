"""The figure: p-values of strangers, and who is found at 1 % by how far a child has travelled."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from experiments.evidence import rates
from experiments.evidence.statistics import unpacked

COLOURS = {"in place": "tab:blue", "matched": "tab:orange", "inner products": "tab:green"}


def draw(records: dict[str, Any], path: Path) -> None:
    """Writes the figure."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 4.2), layout="constrained")
    left, right = figure.subplots(1, 2)
    _draw_null(left, records)
    _draw_reach(right, records)
    figure.savefig(path, dpi=120)


def _draw_null(axis: Any, records: Mapping[str, Any]) -> None:
    """Draws which share of strangers has at most a p-value: below the diagonal tests are careful."""
    for test, colour in COLOURS.items():
        found = [
            unpacked(record["pairs"])[f"{test} p"]
            for record in rates.of(records, "strangers").values()
            if f"{test} p" in record["pairs"]
        ]
        if found:
            p = np.sort(np.concatenate(found))
            axis.step(
                p,
                np.arange(1, len(p) + 1) / len(p),
                color=colour,
                label=f"{test}: {len(p):,} pairs, least p {p[0]:.1g}",
            )
    ends = (1e-4, 1)
    axis.plot(ends, ends, color="grey", linestyle="--", linewidth=1)
    axis.set(xscale="log", yscale="log", xlim=ends, ylim=ends, xlabel="p", ylabel="share of strangers with at most p")
    axis.legend(fontsize=8)
    axis.grid(alpha=0.3)


def _draw_reach(axis: Any, records: Mapping[str, Any]) -> None:
    """Draws the share of descendants that is found at 1 %, by their cosine; laundered ones by kind."""
    children = {kind: unpacked(record["pairs"]) for kind, record in rates.of(records, "children").items()}
    if children:
        together = rates.joined(children.values(), ["cosine", "in place p"])
        _draw_found(axis, together["cosine"], together["in place p"], color="tab:blue", label="as they are, all kinds")
    for (kind, pairs), colour in zip(children.items(), KINDS, strict=False):
        for how, line in (("laundered", "--"), ("turned", ":")):
            p = rates.verdict(pairs, how)
            if len(p):
                _draw_found(axis, pairs["cosine"], p, color=colour, linestyle=line, label=f"{kind}, {how}")
    axis.set(xlabel="cosine of kernels to the network it goes back to", ylabel="found at 1 %, %", ylim=(-3, 103))
    axis.legend(fontsize=8, loc="lower right")
    axis.grid(alpha=0.3)


def _draw_found(axis: Any, cosine: np.ndarray, p: np.ndarray, *, each: int = 12, **drawn: Any) -> None:
    """Draws a point for every so many children that are next to each other."""
    parts = np.array_split(np.argsort(cosine), max(len(cosine) // each, 1))
    centre = [np.median(cosine[part]) for part in parts]
    share = [100 * np.mean(p[part] <= rates.LEVEL) for part in parts]
    axis.plot(centre, share, marker="o", markersize=3, linewidth=1.2, **drawn)


KINDS = ("tab:orange", "tab:green", "tab:red", "tab:purple", "tab:brown")
"""Colours of kinds, in their order."""
