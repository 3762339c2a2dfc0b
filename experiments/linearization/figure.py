"""The figures of the study: error layer by layer, error and accuracy along each axis, accuracy along alpha."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from experiments.linearization.recommend import GROUPS, SPLITS, of_group

if TYPE_CHECKING:
    from matplotlib.figure import Figure

AXES = {"length": "fine-tuning steps", "learning_rate": "learning rate", "width": "width of the first layer"}
SHOWN = ("l2", "cosine", "cka", "dc")
"""The measures of the figure along the axes: one of each kind."""


def draw(result: dict[str, Any], path: Path) -> None:
    """Writes `<path>-layers.png`, `<path>-axes.png` and `<path>-alphas.png`."""
    for name, figure in (("layers", layers(result)), ("axes", axes(result)), ("alphas", alphas(result))):
        figure.savefig(path.with_name(f"{path.stem}-{name}.png"), dpi=120)


def layers(result: dict[str, Any]) -> "Figure":
    """Error of the tangent at the child at every tap: a row per network, a column per axis, a line per value."""
    import matplotlib

    networks = list(result["config"]["networks"])
    figure, panels = _panels(len(networks), len(AXES))
    for row, network in enumerate(networks):
        for column, axis in enumerate(AXES):
            panel, line = panels[row][column], _along(result, network, "validation", axis)
            colours = matplotlib.colormaps["viridis"](np.linspace(0, 0.85, len(line)))
            for family, colour in zip(line, colours, strict=True):
                error = {layer: curve[-1] for layer, curve in family["error"].items()}
                panel.plot(
                    list(error), list(error.values()), marker="o", markersize=3, color=colour, label=f"{family[axis]:g}"
                )
            panel.legend(title=AXES[axis], fontsize=7, title_fontsize=7)
            panel.set_title(network, fontsize=10)
            panel.set_ylim(bottom=0)
            panel.grid(alpha=0.3)
        panels[row][0].set_ylabel("linearisation error")
    return figure


def axes(result: dict[str, Any]) -> "Figure":
    """Along each axis: error at the last tap, and accuracy direct (dashed) and at the recommended alpha (solid)."""
    networks = list(result["config"]["networks"])
    figure, panels = _panels(2 * len(networks), len(AXES))
    for row, network in enumerate(networks):
        for column, axis in enumerate(AXES):
            error, accuracy = panels[2 * row][column], panels[2 * row + 1][column]
            for split, style in (("validation", "-"), ("test", ":")):
                line = _along(result, network, split, axis)
                last = list(line[0]["error"])[-1]
                values = [family[axis] for family in line]
                error.plot(
                    values,
                    [f["error"][last][-1] for f in line],
                    style,
                    color="black",
                    marker="o",
                    markersize=3,
                    label=split,
                )
            error.set_ylim(bottom=0)
            error.set_title(f"{network}: {AXES[axis]}", fontsize=10)
            line = _along(result, network, "test", axis)
            for index, measure in enumerate(SHOWN):
                place = result["config"]["alphas"].index(result["recommended"]["taylor"][measure]["alpha"])
                rows = [family["accuracy"]["features"][measure] for family in line]
                values = [family[axis] for family in line]
                accuracy.plot(values, [100 * r["direct"] for r in rows], "--", color=f"C{index}", linewidth=1)
                accuracy.plot(
                    values,
                    [100 * r["taylor"][place] for r in rows],
                    color=f"C{index}",
                    marker="o",
                    markersize=3,
                    label=measure,
                )
            accuracy.set_ylim(-3, 103)
            for panel in (error, accuracy):
                panel.set_xscale("log")
                panel.set_xticks(values, [f"{value:g}" for value in values])
                panel.minorticks_off()
                panel.grid(alpha=0.3)
        panels[2 * row][0].set_ylabel("linearisation error")
        panels[2 * row + 1][0].set_ylabel("accuracy on others, %")
        panels[2 * row][0].legend(fontsize=7)
        panels[2 * row + 1][0].legend(fontsize=7, title="solid: Taylor, dashed: direct", title_fontsize=7)
    return figure


def alphas(result: dict[str, Any]) -> "Figure":
    """Mean accuracy along alpha: a row per form and split, a column per network and group; leftmost is direct."""
    forms = list(result["recommended"])
    columns = [(network, group) for network in result["config"]["networks"] for group in GROUPS]
    figure, panels = _panels(2 * len(forms), len(columns))
    for row, (form, split) in enumerate((form, split) for form in forms for split in SPLITS):
        for panel, (network, group) in zip(panels[row], columns, strict=True):
            families = of_group(result["families"], group, network=network, split=split)
            if families:
                _along_alpha(panel, families, form, result["config"]["alphas"])
            panel.set_title(f"{network}, {group}, {split}: {form}", fontsize=10)
        panels[row][0].set_ylabel("mean accuracy, %")
    for panel in panels[-1]:
        panel.set_xlabel("alpha")
    figure.legend(*panels[0][0].get_legend_handles_labels(), loc="outside lower center", ncols=5, fontsize=8)
    return figure


def _along_alpha(panel: Any, families: list[dict[str, Any]], form: str, grid: list[float]) -> None:
    for index, measure in enumerate(families[0]["accuracy"]["features"]):
        rows = [family["accuracy"]["features"][measure] for family in families]
        values = [np.mean([r["direct"] for r in rows]), *np.mean([r[form] for r in rows], axis=0)]
        style = "-" if index < 5 else "--"
        colour = f"C{index % 10}"
        panel.plot(range(len(values)), 100 * np.array(values), style, color=colour, marker="o", ms=3, label=measure)
    panel.set_xticks(range(len(grid) + 1), ["direct", *(f"{alpha:g}" for alpha in grid)])
    panel.set_ylim(-3, 103)
    panel.grid(alpha=0.3)


def _along(result: dict[str, Any], network: str, split: str, axis: str) -> list[dict[str, Any]]:
    """Returns the families that differ from the base along one axis only, the base among them, in its order."""
    base = result["config"]["networks"][network]["base"]
    others = [name for name in base if name != axis]
    found = of_group(result["families"], "independent", network=network, split=split)
    return sorted((f for f in found if all(f[o] == base[o] for o in others)), key=lambda family: family[axis])


def _panels(rows: int, columns: int, *, width: float = 4.0) -> "tuple[Figure, np.ndarray]":
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width * columns, 2.7 * rows), layout="constrained")
    return figure, figure.subplots(rows, columns, squeeze=False)
