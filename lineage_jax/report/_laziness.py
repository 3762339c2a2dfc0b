"""The evidence on laziness in one picture."""

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from lineage_jax.linearize import Laziness
from lineage_jax.report._figures import new_figure
from lineage_jax.typing import Features

if TYPE_CHECKING:
    from matplotlib.axes import Axes

GREYS = ("0.35", "0.75")


def laziness_figure(laziness: Laziness, path: str | os.PathLike, *, layers: Sequence[str] | None = None) -> None:
    """Draws how much of the change of features the tangent explains: along the step, and at the child.

    A layer has one colour, that of its name.

    Args:
        laziness: what `linearize.laziness` returned.
        path: file to write; its suffix chooses the format, such as .png, .svg or .pdf.
        layers: which layers to draw, from input to output; by default all of them, sorted by name.

    Raises:
        ImportError: If matplotlib is not installed.
        ValueError: If there is no such layer.

    Examples:
        >>> import jax.numpy as jnp, tempfile
        >>> from lineage_jax import linearize
        >>> f = lambda w, x: jnp.tanh(x @ w)
        >>> seen = linearize.laziness(f, jnp.ones((3, 2)), jnp.full((3, 2), 1.1), jnp.ones((4, 3)))
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     laziness_figure(seen, f"{folder}/laziness.png")
    """
    explained = _by_layer(laziness.curve.explained)
    chosen = tuple(explained if layers is None else layers)
    unknown = [layer for layer in chosen if layer not in explained]
    if unknown or not chosen:
        raise ValueError(f"expected layers out of {tuple(explained)}, got {chosen}")

    figure = new_figure(10.0, 3 + 0.15 * len(chosen))
    import matplotlib

    colours = matplotlib.colormaps["viridis"](np.linspace(0, 0.85, len(chosen)))
    along, across = figure.subplots(1, 2)
    _draw_along(along, laziness, chosen, colours)
    _draw_across(across, laziness, chosen, colours)
    verdict = "lazy" if laziness.lazy else "not lazy"
    figure.suptitle(f"{verdict}; relative change of the weights {float(laziness.weight_change):.2g}")
    figure.savefig(path, dpi=150)


def _draw_along(axis: "Axes", laziness: Laziness, layers: tuple[str, ...], colours: np.ndarray) -> None:
    explained = _by_layer(laziness.curve.explained)
    for layer, colour in zip(layers, colours, strict=True):
        axis.plot(laziness.curve.alphas, explained[layer], color=colour, marker="o", markersize=3)
    axis.axhline(laziness.threshold, color="grey", linestyle="--", linewidth=1)
    # near alpha 0 the tangent explains all, so that no line is below there
    axis.text(0.02, laziness.threshold - 0.02, "lazy above", fontsize=8, color="grey", va="top")
    low = min(float(np.min(explained[layer])) for layer in layers)
    axis.set_ylim(max(-1.0, min(0.0, low)) - 0.05, 1.05)
    axis.set_xlim(0, 1.03)
    axis.set(xlabel="alpha, along the fine-tuning step", ylabel="explained fraction of the change")
    axis.grid(alpha=0.3)


def _draw_across(axis: "Axes", laziness: Laziness, layers: tuple[str, ...], colours: np.ndarray) -> None:
    error = _by_layer(laziness.curve.error)
    bars = {"error of the tangent at the child": [float(error[layer][-1]) for layer in layers]}
    if laziness.kernel_change is not None:
        change = _by_layer(laziness.kernel_change)
        bars["relative change of the tangent kernel"] = [float(change[layer]) for layer in layers]
    places, height = np.arange(len(layers)), 0.8 / len(bars)
    for index, (label, values) in enumerate(bars.items()):
        axis.barh(places + (index - (len(bars) - 1) / 2) * height, values, height, label=label, color=GREYS[index])
    axis.set_yticks(places, layers, fontsize=8)
    for tick, colour in zip(axis.get_yticklabels(), colours, strict=True):
        tick.set(color=colour, fontweight="bold")
    axis.invert_yaxis()
    axis.set_axisbelow(True)
    axis.grid(alpha=0.3, axis="x")
    axis.legend(fontsize=8, loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2)


def _by_layer(features: Features) -> dict[str, np.ndarray]:
    named = features if isinstance(features, dict) else {"output": features}
    return {layer: np.asarray(values) for layer, values in named.items()}
