"""Streams that were turned: rotations found from what does not move, and from units that are matched under them."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain, combinations_with_replacement

import numpy as np
from scipy.optimize import linear_sum_assignment

from lineage_jax.kinship._parts import Pair, Part, Units, at_unit_length
from lineage_jax.symmetry import match_by_inner_products

TURNS = 10
"""How often the rotation is sought before units are matched under it."""
SWEEPS = 4
"""How often units are matched under the rotation that they themselves suggest."""
WIDEST = 512
"""Numbers of a stream above which neither sums over units nor heads are asked, and rotations are found anew only once
all layers have spoken: that costs their cube, and what does not move, such as the kernel of patches, has places enough
there to say it alone."""
NOISE = 1e-7
"""Share of the largest product, added at random: equal units must not agree by the order of a file."""

Products = list[tuple[int, np.ndarray]]
"""Streams, and products of vectors that correspond, [stream, stream]."""

Sum = tuple[int, int, np.ndarray, np.ndarray]
"""Two streams, and of both networks a sum over units of products of what they read or write there: a matrix each."""

Order = tuple[np.ndarray, np.ndarray]
"""Units of the first network, and those of the second one that are matched with them."""


@dataclass(frozen=True, kw_only=True)
class Streams:
    """What is known of how streams were turned, by who says it; rotations, once they were asked for."""

    said: dict[object, Products] = field(default_factory=dict)
    rotations: dict[int, np.ndarray] = field(default_factory=dict)

    def learn(self, source: object, products: Products) -> None:
        """Puts what a source says into the place of what it said before."""
        self.said[source] = products
        self.rotations.clear()

    def know(self, streams: Iterable[int]) -> bool:
        """Tells whether anything is known of all of some streams."""
        return set(streams) <= {stream for products in self.said.values() for stream, _ in products}

    def rotation(self, stream: int) -> np.ndarray:
        """Returns the rotation that brings the second network's vectors nearest to the first one's.

        References:
            Schönemann, "A generalized solution of the orthogonal Procrustes problem", Psychometrika 31, 1966.
        """
        if stream not in self.rotations:
            found = [product for products in self.said.values() for other, product in products if other == stream]
            left, _, right = np.linalg.svd(np.sum(found, axis=0))
            self.rotations[stream] = left @ right
        return self.rotations[stream]


def taught(anchors: Sequence[Part], heads: Sequence[Sequence[Pair]], layers: Sequence[Units]) -> Streams:
    """Finds how streams were turned.

    First from what does not move, and from what units say whatever their order: sums over units of the products of what
    they read and write. Then units are matched under the rotation that is known, and teach it.

    Args:
        anchors: what does not move.
        heads: of each attention, which may stand in any order.
        layers: whose units may.
    """
    streams = Streams()
    streams.learn("anchors", [_corresponding(part) for part in anchors])
    pairs = [pair for pairs in heads for pair in pairs]
    pairs += [pair for units in layers for pair in combinations_with_replacement(units.parts, 2)]
    sums = [each for pair in pairs for each in _sums(pair)]
    for _ in range(TURNS if sums else 0):
        streams.learn("sums", [product for each in sums for product in _said(each, streams)])
        _ask_heads(heads, streams)
    streams.learn("sums", [])
    before: list[Order] = []
    for _ in range(SWEEPS):
        _ask_heads(heads, streams)
        orders = _sweep(layers, streams)
        if before and not heads and all(map(np.array_equal, chain(*before), chain(*orders))):
            break  # they suggest no other rotation
        before = orders
    return streams


def _sweep(layers: Sequence[Units], streams: Streams) -> list[Order]:
    """Matches the units of each layer, which teach a stream that is not too wide at once, others in the end."""
    orders, later = list[Order](), dict[int, Products]()
    for number, units in enumerate(layers):
        rows, columns = _order(units, streams)
        parts = [Part(stream=part.stream, one=part.one[rows], two=part.two[columns]) for part in units.parts]
        later[number] = [_corresponding(part) for part in parts]
        if _narrow(units.parts):
            streams.learn(number, later[number])
        orders.append((rows, columns))
    for number, products in later.items():
        streams.learn(number, products)
    return orders


def _narrow(parts: Iterable[Part]) -> bool:
    return all(part.one.shape[-1] <= WIDEST for part in parts)


def assigned(alike: np.ndarray) -> Order:
    """Returns rows and columns of the assignment of the greatest sum."""
    rng = np.random.default_rng(0)
    noise = NOISE * float(np.abs(alike).max(initial=0.0)) * rng.random(alike.shape, np.float32)
    rows, columns = linear_sum_assignment(alike + noise, maximize=True)
    return rows, columns


def _corresponding(part: Part) -> tuple[int, np.ndarray]:
    return part.stream, part.one.T @ part.two


def _order(units: Units, streams: Streams) -> Order:
    """Matches units by all that they read and write; where nothing is known by their inner products."""
    if not streams.know(units.streams):
        one, two = (np.concatenate(sides, 1) for sides in zip(*((p.one, p.two) for p in units.parts), strict=True))
        return units.rows, match_by_inner_products(one, two)[units.rows]
    alike = np.sum(
        [part.one[units.rows] @ streams.rotation(part.stream) @ part.two[units.columns].T for part in units.parts],
        axis=0,
    )
    rows, columns = assigned(np.abs(alike) if units.signless else alike)
    return units.rows[rows], units.columns[columns]


def _sums(pair: Pair) -> Iterator[Sum]:
    left, right = pair
    if _narrow(pair):
        one, two = (_product(*each) for each in ((left.one, right.one), (left.two, right.two)))
        yield left.stream, right.stream, one, two


def _product(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Returns the sum over all units, of all heads, of what two parts are multiplied, at unit length."""
    flat = (each.reshape(-1, each.shape[-1]) for each in (left, right))
    return at_unit_length(np.matmul(next(flat).T, next(flat)), axis=None)


def _said(each: Sum, streams: Streams) -> Products:
    """Returns what a sum says of each of its streams, if the other one is as far as is known."""
    left, right, one, two = each
    if not streams.know((left, right)):
        return []
    across, along = streams.rotation(left), streams.rotation(right)
    return [(left, one @ along @ two.T), (right, one.T @ across @ two)]


def _ask_heads(heads: Sequence[Sequence[Pair]], streams: Streams) -> None:
    """Matches heads by all that is multiplied inside of them, and learns what they say."""
    for number, pairs in enumerate(heads):
        if streams.know(part.stream for pair in pairs for part in pair):
            streams.learn(("heads", number), _of_heads(pairs, streams))


def _of_heads(pairs: Sequence[Pair], streams: Streams) -> Products:
    count = len(pairs[0][0].one)
    products = [tuple(_products(part, streams) for part in pair) for pair in pairs]
    alike = sum((left * right).sum((1, 3)) for left, right in products)
    rows, columns = linear_sum_assignment(alike, maximize=True)
    found = []
    for (left, right), (by_left, by_right) in zip(pairs, products, strict=True):
        for part, other in ((left, by_right), (right, by_left)):
            between = np.matmul(other[rows, :, columns], part.two[columns]) / count
            said = part.one[rows].reshape(-1, part.one.shape[-1]).T @ between.reshape(-1, between.shape[-1])
            found.append((part.stream, said))
    return found


def _products(part: Part, streams: Streams) -> np.ndarray:
    """Returns inner products of all units of all heads, [heads, units, heads, units]."""
    heads, units, stream = part.one.shape
    turned = part.one.reshape(-1, stream) @ streams.rotation(part.stream)
    return (turned @ part.two.reshape(-1, stream).T).reshape(heads, units, len(part.two), -1)
