"""The figures: accuracy of every method, and whose child the detector takes each layer of a few hybrids for."""

from pathlib import Path
from typing import Any

import numpy as np

from experiments.lab import accuracies, runs


def draw(records: dict[str, runs.Record], path: Path) -> None:
    """Writes `<mode>.png` with the accuracies, and `<mode>-layers.png` with the probabilities of a few hybrids."""
    accuracies.draw(records, path)
    firsts: dict[str, list[dict[str, Any]]] = {}
    for run in records.values():
        firsts.setdefault(run["variant"], run["pictures"])
    draw_layers(firsts, path.with_stem(f"{path.stem}-layers"))


def draw_layers(pictures: dict[str, list[dict[str, Any]]], path: Path) -> None:
    """Writes a row of matrices for each variant: layers downwards, candidates to the right, a circle at the truth."""
    from matplotlib.figure import Figure

    columns = max(map(len, pictures.values()))
    figure = Figure(figsize=(3.4 * columns + 1, 2.2 * len(pictures)), layout="constrained")
    panels = figure.subplots(len(pictures), columns, squeeze=False)
    for row, (variant, of_variant) in zip(panels, pictures.items(), strict=True):
        for number, (panel, picture) in enumerate(zip(row, of_variant, strict=True), start=1):
            image = draw_matrix(panel, picture)
            panel.set_title(f"{variant}: hybrid {number}", fontsize=9)
    figure.colorbar(image, ax=panels, label="the detector's probability", shrink=0.6)
    figure.savefig(path, dpi=120)


def draw_matrix(panel: Any, picture: dict[str, Any]) -> Any:
    """Draws one hybrid; returns the image that a colour bar belongs to."""
    probabilities = np.array(picture["probabilities"])
    image = panel.imshow(probabilities, vmin=0, vmax=1, cmap="viridis", aspect="auto")
    rows = range(len(picture["origins"]))
    panel.plot(picture["origins"], rows, "o", markersize=9, markerfacecolor="none", markeredgecolor="red")
    panel.set_yticks(range(len(picture["pieces"])), picture["pieces"], fontsize=8)
    panel.set_xticks(range(probabilities.shape[1]))
    panel.tick_params(axis="x", labelsize=8)
    panel.set_xlabel("candidate parent", fontsize=8)
    return image
