"""The figure of the experiment: the range of cosines, a row for every group of pairs."""

from pathlib import Path
from typing import Any

from lineage_jax import lineage


def draw(records: dict[str, Any], path: Path) -> None:
    """Draws least to greatest (thin) and the middle 90 % (thick) of plain and centred cosines."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    rows = [(name, group, of) for name, record in records.items() for group, of in record["spread"].items()]
    figure, axis = plt.subplots(figsize=(9, 1 + 0.28 * len(rows)), layout="constrained")
    colours = {"plain": "tab:orange", "centred": "tab:blue"}
    for place, (_, _, spreads) in enumerate(rows):
        for shift, (score, colour) in zip((-0.17, 0.17), colours.items(), strict=True):
            found = spreads[score]["quantiles"]
            for ends, width in ((("0", "1"), 1), (("0.05", "0.95"), 4)):
                axis.plot([found[end] for end in ends], [place + shift] * 2, color=colour, linewidth=width)
            axis.plot(found["0.5"], place + shift, "|", color=colour)
    axis.axvline(lineage.UNRELATED, color="grey", linestyle="--", linewidth=1)
    axis.set_yticks(range(len(rows)), [f"{name}: {group}" for name, group, _ in rows], fontsize=7)
    axis.invert_yaxis()
    axis.set_xlabel("cosine of kernels; dashed: UNRELATED")
    axis.legend([plt.Line2D([], [], color=colour) for colour in colours.values()], colours, fontsize=8)
    axis.grid(alpha=0.3, axis="x")
    figure.savefig(path, dpi=120)
    plt.close(figure)
