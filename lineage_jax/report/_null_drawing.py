"""What strangers would show, and where one candidate and the others stand in it."""

import math
from collections.abc import Sequence
from xml.etree.ElementTree import Element

from lineage_jax.report._drawing import WIDTH, Scale, drawing, line, scale_of, words
from lineage_jax.report._markup import element
from lineage_jax.report._numbers import format_p

HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 226, 8, 704, 52, 178
CURVE = [0.1 * step for step in range(-32, 43)]


def null_drawing(observed: float, others: Sequence[float], limit: float, key: str) -> Element:
    """Draws the bell of strangers, a line at the p-value of a candidate, and a stroke for each other candidate.

    Args:
        observed: p-value of the candidate.
        others: those of others.
        limit: the p-value from which on a candidate is named.
        key: what the names of the drawing's parts begin with, unlike that of any other drawing of the page.
    """
    scale = scale_of([observed, *others, limit], lowest=-3.2, start=LEFT, stop=RIGHT)
    here, there = scale.of(observed), scale.of(limit)
    side = "end" if here > WIDTH - 130 else "" if here < 130 else "middle"
    return drawing(
        key,
        HEIGHT,
        element("path", d=_bell(scale), class_="null"),
        line(LEFT, BOTTOM, WIDTH, BOTTOM, "axis"),
        line(there, TOP, there, BOTTOM, "limit"),
        *(line(scale.of(p), BOTTOM - 8, scale.of(p), BOTTOM, "rug") for p in others),
        line(here, TOP - 16, here, BOTTOM, "observed"),
        words(here, TOP - 26, format_p(observed), f"said {side}".strip()),
        *(words(place, BOTTOM + 32, text, "middle") for text, place in scale.ticks(apart=84).items()),
        title="What strangers would show, and what was observed",
        said=f"Strangers make a bell around p = 0.5. Observed is {format_p(observed)}, the limit is {format_p(limit)}.",
    )


def _bell(scale: Scale) -> str:
    """Returns the outline of the normal density."""
    height = BOTTOM - TOP
    points = [(scale.at(z), round(BOTTOM - height * math.exp(-z * z / 2), 1)) for z in CURVE]
    return (
        f"M{points[0][0]:g} {BOTTOM} L" + " L".join(f"{x:g} {y:g}" for x, y in points) + f" L{points[-1][0]:g} {BOTTOM}"
    )
