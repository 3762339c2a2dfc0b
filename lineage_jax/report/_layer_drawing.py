"""The evidence of one kind, layer by layer in the order of the network, before the band that strangers keep to."""

from typing import TYPE_CHECKING
from xml.etree.ElementTree import Element

from lineage_jax.report._drawing import WIDTH, Scale, drawing, line, scale_of, words
from lineage_jax.report._markup import element, short
from lineage_jax.report._numbers import equation

if TYPE_CHECKING:
    from lineage_jax.kinship import Evidence

HEIGHT, LEFT, TOP, BOTTOM = 300, 76, 14, 252
LOWEST = -1.5
"""Deviation of layers at the lower edge: more alike than nine in ten strangers is not worth a place, nor is less."""
LABEL = 24
"""Letters of a layer's name below the drawing."""

BANDS = {"band": 0.01, "deep": 0.05}
"""P-values up to which 99 % and 95 % of strangers' layers reach."""


def layer_drawing(evidence: "Evidence", key: str) -> Element:
    """Draws the p-value of each layer, a dot each; those that one in a hundred layers of strangers has are filled.

    Args:
        evidence: with at least one layer.
        key: what the names of the drawing's parts begin with, unlike that of any other drawing of the page.
    """
    layers = evidence.layers
    scale = scale_of([layer.p for layer in layers], lowest=LOWEST, start=BOTTOM, stop=TOP)
    step = (WIDTH - LEFT) / len(layers)
    radius = round(min(4.5, max(2.0, step / 3)), 1)
    dots = [
        element(
            "circle",
            element("title", f"{layer.name}: {equation(layer.p)}, {layer.units:,} units"),
            cx=round(LEFT + step * (place + 0.5), 1),
            cy=scale.of(layer.p),
            r=radius,
            class_="far" if layer.p < BANDS["band"] else "dot",
        )
        for place, layer in enumerate(layers)
    ]
    last = [words(WIDTH, BOTTOM + 36, short(layers[-1].name, LABEL), "end")] if len(layers) > 1 else []
    return drawing(
        key,
        HEIGHT,
        *_background(scale),
        *dots,
        words(LEFT, BOTTOM + 36, short(layers[0].name, LABEL)),
        *last,
        title=f"Evidence by layer, {evidence.kind}",
        said=f"{beyond(evidence)} of {len(layers)} layers have a p < 0.01, as one in a hundred of strangers has.",
    )


def beyond(evidence: "Evidence") -> int:
    """Returns how many layers leave the band of strangers."""
    return sum(layer.p < BANDS["band"] for layer in evidence.layers)


def _background(scale: Scale) -> list[Element]:
    """Returns the bands of strangers, and a line with its p-value at each tick."""
    low, width = scale.at(LOWEST) + 8, WIDTH - LEFT
    bands = [
        element("rect", x=LEFT, y=scale.of(p), width=width, height=round(low - scale.of(p), 1), class_=name)
        for name, p in BANDS.items()
    ]
    ticks = scale.ticks(apart=32).items()
    lines = [line(LEFT, place, WIDTH, place, "grid") for _, place in ticks]
    return [*bands, *lines, *(words(LEFT - 12, place + 4.5, text, "end") for text, place in ticks)]
