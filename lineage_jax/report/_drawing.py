"""What the drawings of a report share: an axis of p-values, words and lines.

The axis is spaced like deviations of a normal variable with these p-values. So strangers make the same bell on it
whatever the evidence is, and 10⁻³⁰⁰ has a place on it as 0.05 has.
"""

import dataclasses
from collections.abc import Iterable
from xml.etree.ElementTree import Element

from scipy import special

from lineage_jax.report._markup import Content, element
from lineage_jax.report._numbers import LEAST, power

Number = int | float
"""A place on a drawing."""

WIDTH = 720
"""Of every drawing, in its own units; the page scales it."""

TICKS = {"0.5": 0.5, "0.01": 0.01, **{power(-n): 10.0**-n for n in (6, 12, 20, 40, 70, 100, 150, 200, 250, 300)}}
"""P-values that are written at the axis."""


def deviation(p: float) -> float:
    """Returns the standard normal deviation of which a p-value is the upper tail.

    Examples:
        >>> round(deviation(0.05), 3), round(deviation(0.0), 1)
        (1.645, 37.0)
    """
    return -float(special.ndtri(max(p, LEAST)))


@dataclasses.dataclass(frozen=True, kw_only=True)
class Scale:
    """Where p-values stand on a drawing.

    Attributes:
        lowest: the deviation at which the axis begins; larger p-values stand there too.
        highest: the deviation at which it ends.
        start: the place of `lowest`.
        stop: the place of `highest`.
    """

    lowest: float
    highest: float
    start: Number
    stop: Number

    def at(self, deviation: float) -> float:
        """Returns the place of a deviation, to a tenth of a unit."""
        share = (max(deviation, self.lowest) - self.lowest) / (self.highest - self.lowest)
        return round(self.start + (self.stop - self.start) * share, 1)

    def of(self, p: float) -> float:
        """Returns the place of a p-value."""
        return self.at(deviation(p))

    def ticks(self, apart: Number) -> dict[str, float]:
        """Returns the p-values that are written at the axis and their places, each so far from the one before."""
        found: dict[str, float] = {}
        for text, p in TICKS.items():
            near = found and abs(self.of(p) - list(found.values())[-1]) < apart
            if deviation(p) <= self.highest and not near:
                found[text] = self.of(p)
        return found


def scale_of(p: Iterable[float], *, lowest: float, start: Number, stop: Number) -> Scale:
    """Returns a scale on which all of these have a place, and so have strangers."""
    return Scale(lowest=lowest, highest=max(3.8, 1.06 * max(map(deviation, p))), start=start, stop=stop)


def drawing(key: str, height: int, *content: Content, title: str, said: str) -> Element:
    """Returns a drawing with its title, and what it shows in words for those who cannot see it."""
    return element(
        "svg",
        element("title", title, id=f"{key}-title"),
        element("desc", said, id=f"{key}-said"),
        *content,
        viewBox=f"0 0 {WIDTH} {height}",
        role="img",
        aria_labelledby=f"{key}-title {key}-said",
    )


def line(x1: Number, y1: Number, x2: Number, y2: Number, class_: str) -> Element:
    """Returns a straight line."""
    return element("line", x1=x1, y1=y1, x2=x2, y2=y2, class_=class_)


def words(x: Number, y: Number, text: str, class_: str = "") -> Element:
    """Returns a text that stands at a point."""
    return element("text", text, x=x, y=y, class_=class_)
