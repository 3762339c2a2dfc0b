"""The figure of the experiment: accuracy along alpha, a panel per variant, a line per measure."""

from pathlib import Path
from typing import Any


def draw(variants: dict[str, Any], path: Path) -> None:
    """Draws direct (leftmost) and Taylor accuracies of every measure, and the weight-space baselines as dashes."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    columns = 3
    rows = -(-len(variants) // columns)
    figure, axes = plt.subplots(
        rows, columns, figsize=(4 * columns, 3 * rows), sharey=True, layout="constrained", squeeze=False
    )
    colours = plt.get_cmap("tab10")
    for axis, (name, variant) in zip(axes.flat, variants.items(), strict=False):
        alphas = list(next(iter(variant["accuracy"].values()))["taylor"])
        places = range(len(alphas) + 1)
        for index, (measure, row) in enumerate(variant["accuracy"].items()):
            values = [100 * row["direct"], *(100 * row["taylor"][alpha] for alpha in alphas)]
            axis.plot(places, values, marker="o", markersize=3, color=colours(index), label=measure)
        for index, (baseline, value) in enumerate(variant["weights"].items()):
            axis.axhline(100 * value, linestyle=("--", ":", "-.")[index], color="grey", linewidth=1, label=baseline)
        axis.set_xticks(places, ["direct", *alphas])
        axis.set_title(name, fontsize=10)
        axis.set_ylim(-3, 103)
        axis.grid(alpha=0.3)
    for axis in list(axes.flat)[len(variants) :]:
        axis.axis("off")
    for axis in axes[:, 0]:
        axis.set_ylabel("top-1 accuracy, %")
    for axis in axes[-1]:
        axis.set_xlabel("alpha of the Taylor form")
    figure.legend(*axes[0][0].get_legend_handles_labels(), loc="outside lower center", ncols=5, fontsize=8)
    figure.savefig(path, dpi=120)
    plt.close(figure)
