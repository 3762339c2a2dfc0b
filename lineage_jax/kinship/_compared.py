"""What two networks have between streams: hidden layers, heads, and what never moves."""

from collections.abc import Iterable
from dataclasses import dataclass

from lineage_jax.kinship._agreements import Brought, brought
from lineage_jax.kinship._hidden import Heads, Hidden, Side, layout_of
from lineage_jax.kinship._parts import Pair, Part, Units, pairs_of, reader, units_of
from lineage_jax.kinship._turned import WIDEST
from lineage_jax.leaves import check_shapes, leaf_shapes
from lineage_jax.symmetry import Groups
from lineage_jax.typing import Params


@dataclass(frozen=True, kw_only=True)
class Compared:
    """What both networks have.

    Attributes:
        pair: their leaves under the names of the second one.
        anchors: what does not move.
        heads: of each attention that is narrow enough.
        layers: hidden layers in the order in which the program uses them.
        units: of each.
    """

    pair: Brought
    anchors: tuple[Part, ...]
    heads: tuple[list[Pair], ...]
    layers: tuple[Hidden, ...]
    units: tuple[Units, ...]


def compared(a: Params, b: Params, groups: Groups) -> Compared:
    """Reads of both networks what is between streams.

    Raises:
        ValueError: If the leaves of `b` are not those of `groups`, or a weight that is compared is not finite.
    """
    check_shapes(leaf_shapes(b), groups.shapes, variables="network b with the leaves that groups were read off")
    pair, layout = brought(a, b), layout_of(groups)
    read, missing = reader(pair.a, pair.b), set(pair.missing)
    narrow = [each for each in layout.heads if all(side.axis.size <= WIDEST for side in _sides(each))]
    layers = tuple(layer for layer in layout.hidden if _known(layer.sides, missing))
    return Compared(
        pair=pair,
        anchors=tuple(read(side) for side in layout.anchors if _known([side], missing)),
        heads=tuple(pairs_of(each, read) for each in narrow if _known(_sides(each), missing)),
        layers=layers,
        units=tuple(units_of(layer, read) for layer in layers),
    )


def _known(sides: Iterable[Side], missing: set[str]) -> bool:
    return not missing & {path for side in sides for path in (side.path, side.scale)}


def _sides(heads: Heads) -> list[Side]:
    return [side for head in heads for inside in head for side in inside.sides]
