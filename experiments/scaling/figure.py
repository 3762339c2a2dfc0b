"""The figure of README.md: pairs a second along each axis, measured and predicted."""

from pathlib import Path
from typing import Any

from experiments.scaling.table import AXES, label


def draw(runs: dict[str, Any], path: Path) -> None:
    """Writes a panel for each axis: medians with least and most, and what the model says at this machine's rates."""
    from matplotlib.figure import Figure

    found = by_axis(runs)
    figure = Figure(figsize=(10, 2.8), layout="constrained")
    widths = [1 + len(records) for records in found.values()]
    panels = figure.subplots(1, len(found), sharey=True, squeeze=False, width_ratios=widths)[0]
    for panel, (axis, records) in zip(panels, found.items(), strict=True):
        names = [label(axis, record["point"][axis]) for record in records]
        medians = [record["pairs_a_second"] for record in records]
        lines = [
            [record["pairs_a_second"] - record["least"] for record in records],
            [record["most"] - record["pairs_a_second"] for record in records],
        ]
        panel.errorbar(names, medians, yerr=lines, fmt="o", color="#0072B2", label="measured", linewidth=1)
        panel.plot(names, [record["predicted"] for record in records], "x", color="#D55E00", label="predicted")
        panel.margins(x=0.15)
        panel.tick_params(axis="x", labelsize=8)
        panel.set_yscale("log")
        panel.set_xlabel(AXES[axis])
        panel.grid(axis="y", alpha=0.3)
    panels[0].set_ylabel("pairs a second")
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside upper center", ncols=2, fontsize=9)
    figure.savefig(path, dpi=120)


def by_axis(runs: dict[str, Any]) -> dict[str, list[dict[str, Any]]]:
    """Returns by axis the records that differ from the base in nothing else, in the order of their values."""
    records = [run for run in runs.values() if "point" in run]
    found = {}
    for axis in AXES:
        base = {**runs["base"]["point"], axis: None}
        along = [record for record in records if {**record["point"], axis: None} == base]
        if len(along) > 1:
            found[axis] = sorted(along, key=lambda record: _place(record, axis))
    return found


def _place(record: dict[str, Any], axis: str) -> tuple[float, str]:
    """Returns what records are sorted by: the number, else the operations of a sweep and the name."""
    value = record["point"][axis]
    return (value, "") if isinstance(value, int) else (round(record["operations"], -9), label(axis, value))
