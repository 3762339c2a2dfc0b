"""Who was found to descend from whom, around a circle."""

import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from lineage_jax import genealogy
from lineage_jax.report._figures import new_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Span = tuple[float, float]
"""Where a network begins and ends on the circle, in degrees clockwise from the top."""

Link = tuple[str, str]
"""A child and one of its parents."""

GAP = 10.0
"""Degrees between generations."""

INNER, OUTER = 1.0, 1.06
"""Radii of the ring of networks."""

PULL = 0.45
"""Radius to which chords are drawn inwards; 0 would lead all of them through the middle."""

WRONG = "black"


def chord_figure(
    generations: Sequence[Sequence[str]],
    truth: genealogy.Genealogy,
    path: str | os.PathLike,
    *,
    found: genealogy.Genealogy | None = None,
) -> None:
    """Draws a lineage: an arc a generation, clockwise from the roots, and from every network a chord to its parent.

    A family has the colour of its root, and siblings stand side by side, so that a right lineage is a sheaf of parallel
    chords of one colour. Parents that were named wrongly are black chords on top. An arc is as long as the square root
    of its number of networks, since few roots would hardly be seen beside hundreds of descendants. A merged network has
    a chord to each of its parents, and the place and colour that go with the first.

    Args:
        generations: names of the networks, the roots first.
        truth: who descends from whom, as a forest or by name of every network that of its parent, roots excepted.
        path: file to write; its suffix chooses the format, such as .png, .svg or .pdf.
        found: the parents that were found; the true ones by default.

    Raises:
        ImportError: If matplotlib is not installed.
        ValueError: If a generation is empty, a child or a parent stands in no generation, or a true parent not in one
            before its child's.

    Examples:
        >>> import tempfile
        >>> truth = {"carl": "anna", "dora": "bert"}
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     chord_figure([["anna", "bert"], ["carl", "dora"]], truth, f"{folder}/lineage.png")
    """
    true = _links(truth)
    drawn = true if found is None else _links(found)
    _check(generations, [*true, *drawn])
    first_parent = {child: parent for child, parent in reversed(true)}
    spans = _spans(_ordered(generations, first_parent))
    colours = _colours(generations, first_parent)

    figure = new_figure(7.0, 7.4)
    axis = figure.add_subplot()
    axis.set(xlim=(-1.2, 1.2), ylim=(-1.2, 1.2), aspect="equal")
    axis.axis("off")
    _draw_ring(axis, generations, spans, colours)
    right = set(true)
    wrong = [link for link in drawn if link not in right]
    for child, parent in drawn:
        if (child, parent) in right:
            axis.add_patch(_chord(spans[child], spans[parent], edgecolor=colours[child], linewidth=0.8, alpha=0.55))
    for child, parent in wrong:
        axis.add_patch(_chord(spans[child], spans[parent], edgecolor=WRONG, linewidth=1.4))
    axis.set_title(f"{len(drawn) - len(wrong)} of {len(drawn)} parents found", fontsize=12)
    figure.savefig(path, dpi=160)


def _links(lineage: genealogy.Genealogy) -> list[Link]:
    """Returns every child with each of its parents; what was found may go in circles, so no forest is made of it."""
    if isinstance(lineage, genealogy.Forest):
        return [(edge.child, edge.parent) for edge in lineage.edges]
    return list(lineage.items())


def _check(generations: Sequence[Sequence[str]], links: Sequence[Link]) -> None:
    if not generations or not all(generations):
        raise ValueError(f"expected networks in every generation, got {[len(names) for names in generations]}")
    known = {name for names in generations for name in names}
    for name in (name for link in links for name in link):
        if name not in known:
            raise ValueError(f"expected networks of the generations, got '{name}', which is in none")


def _ordered(generations: Sequence[Sequence[str]], parent_of: Mapping[str, str]) -> list[list[str]]:
    """Returns every generation in the order of its parents."""
    place: dict[str, int] = {}
    ordered = []
    for names in generations:
        late = [name for name in names if name in parent_of and parent_of[name] not in place]
        if late:
            raise ValueError(f"expected '{parent_of[late[0]]}', parent of '{late[0]}', in an earlier generation")
        ordered.append(sorted(names, key=lambda name: place[parent_of[name]] if name in parent_of else -1))
        place |= {name: len(place) + index for index, name in enumerate(ordered[-1])}
    return ordered


def _spans(ordered: Sequence[Sequence[str]]) -> dict[str, Span]:
    """Shares the circle out among the networks."""
    shares = np.sqrt([len(names) for names in ordered])
    arcs = (360 - GAP * len(ordered)) * shares / shares.sum()
    spans: dict[str, Span] = {}
    start = GAP / 2
    for names, arc in zip(ordered, arcs, strict=True):
        edges = np.linspace(start, start + arc, len(names) + 1)
        spans |= dict(zip(names, zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True), strict=True))
        start += arc + GAP
    return spans


def _colours(generations: Sequence[Sequence[str]], parent_of: Mapping[str, str]) -> dict[str, Any]:
    """Returns the colour of every network's root."""
    import matplotlib

    everyone = [name for names in generations for name in names]
    forest = genealogy.from_mapping(parent_of, everyone)
    root_of = {name: (name, *genealogy.ancestors(name, forest))[-1] for name in everyone}
    roots = list(dict.fromkeys(root_of.values()))
    few = len(roots) <= 10
    places = np.arange(len(roots)) if few else np.linspace(0, 0.9, len(roots))
    colours = matplotlib.colormaps["tab10" if few else "hsv"](places)
    return {name: colours[roots.index(root)] for name, root in root_of.items()}


def _draw_ring(
    axis: "Axes", generations: Sequence[Sequence[str]], spans: Mapping[str, Span], colours: Mapping[str, Any]
) -> None:
    from matplotlib.patches import Wedge

    for name, (start, end) in spans.items():  # a wedge runs anticlockwise, from degrees right of the middle
        ring = Wedge((0, 0), OUTER, 90 - end, 90 - start, width=OUTER - INNER)
        ring.set(facecolor=colours[name], edgecolor="white", linewidth=0.3)
        axis.add_patch(ring)
    for number, names in enumerate(generations, start=1):
        ends = [edge for name in names for edge in spans[name]]
        x, y = _point((min(ends) + max(ends)) / 2, OUTER + 0.08)
        axis.text(x, y, f"G{number}\n{len(names)}", ha="center", va="center", fontsize=10)


def _chord(start: Span, end: Span, **style: Any) -> Any:
    """Returns a curve between the middles of two networks, bent towards the middle of the circle."""
    from matplotlib.patches import PathPatch
    from matplotlib.path import Path

    places = [(sum(start) / 2, INNER), (sum(start) / 2, PULL), (sum(end) / 2, PULL), (sum(end) / 2, INNER)]
    curve = Path([_point(*place) for place in places], [Path.MOVETO, Path.CURVE4, Path.CURVE4, Path.CURVE4])
    return PathPatch(curve, facecolor="none", **style)


def _point(degrees: float, radius: float) -> tuple[float, float]:
    angle = np.deg2rad(90 - degrees)
    return radius * float(np.cos(angle)), radius * float(np.sin(angle))
