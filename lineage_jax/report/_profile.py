"""Which parent every layer speaks for, in one picture."""

import os
from typing import TYPE_CHECKING

import numpy as np

from lineage_jax import lineage
from lineage_jax.report._figures import new_figure

if TYPE_CHECKING:
    import xarray


def profile_figure(scores: "xarray.DataArray", path: str | os.PathLike) -> None:
    """Draws the lineage of children layer by layer: a panel per child, a row per parent, a column per layer.

    Scores of different layers are in different units, so colours run from the lowest to the highest score of each
    column; a circle marks the parent that the layer names. A layer also carries what comes before it: whose child a
    later part of a hybrid is, `lineage.score_block` tells.

    Args:
        scores: over `parent`, `layer` and perhaps `child`, as `lineage.score` gives for one measure, form and alpha.
        path: file to write; its suffix chooses the format, such as .png, .svg or .pdf.

    Raises:
        ImportError: If matplotlib is not installed.
        ValueError: If the scores have other dimensions, no parent, or for a layer of a child nothing above minus
            infinity.

    Examples:
        >>> import tempfile, xarray
        >>> scores = xarray.DataArray([[0.9, 0.2], [0.1, 0.8]], coords={"parent": ["a", "b"], "layer": ["l1", "l2"]})
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     profile_figure(scores, f"{folder}/profile.png")
    """
    every = scores if "child" in scores.dims else scores.expand_dims("child")
    if set(every.dims) != {"parent", "layer", "child"}:
        raise ValueError(f"expected scores over parent, layer and child, got {scores.dims}; select the others first")
    every = every.transpose("child", "parent", "layer")
    named = lineage.decide(every).prediction
    parents, layers = every.parent.values.tolist(), every.layer.values.tolist()

    figure = new_figure(2.5 + 0.6 * len(layers), 1.2 + len(every) * (0.6 + 0.3 * len(parents)))
    panels = figure.subplots(len(every), 1, squeeze=False, sharex=True)[:, 0]
    for panel, values, winners in zip(panels, every.values, named.transpose("child", "layer").values, strict=True):
        panel.imshow(_shares(values), cmap="Blues", aspect="auto", vmin=0, vmax=1.3)
        rows = [parents.index(winner) for winner in winners]
        panel.plot(range(len(layers)), rows, "o", color="white", markeredgecolor="black", markersize=7)
        panel.set_yticks(range(len(parents)), parents)
        panel.tick_params(length=0)
        panel.spines[:].set_visible(False)
    for panel, child in zip(panels, every.coords["child"].values if "child" in every.coords else [""], strict=True):
        panel.set_title(child, fontsize=10)
    panels[-1].set_xticks(range(len(layers)), layers, rotation=45, ha="right")
    figure.savefig(path, dpi=150)


def _shares(values: np.ndarray) -> np.ndarray:
    """Brings every column to [0, 1]: 0 the lowest score of a parent, 1 the highest; NaN stays."""
    low, high = np.nanmin(values, axis=0), np.nanmax(values, axis=0)
    return (values - low) / np.where(high > low, high - low, 1)
