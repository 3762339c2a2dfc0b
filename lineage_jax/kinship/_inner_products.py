"""Evidence that no turn of a stream hides: hidden units matched by what they read, and by what they write."""

from collections.abc import Sequence

import numpy as np

from lineage_jax.kinship._agreements import (
    BY_CHANCE,
    ELSEWHERE,
    FEWEST_UNITS,
    TOO_FEW,
    Agreement,
    Brought,
    brought,
    evidence_of,
)
from lineage_jax.kinship._evidence import Evidence
from lineage_jax.kinship._hidden import Hidden, hidden_layers
from lineage_jax.kinship._turned import Part, Streams, match_turned, of_units, vectors
from lineage_jax.leaves import check_shapes, leaf_shapes
from lineage_jax.symmetry import Groups
from lineage_jax.typing import Params

MOST_UNITS = 1024
"""Units of a layer of `a` that are matched, evenly spaced: the time grows with their square, and more tell no more."""

NOT_HIDDEN = "it belongs to no hidden layer between streams"


def by_inner_products(a: Params, b: Params, groups: Groups) -> Evidence:
    """Asks whether two networks are kin by hidden units alone, whatever was done to streams and heads between them.

    A transformer's stream may be turned by any rotation that its normalisations allow, and heads may be mixed inside;
    then no number that is read or written compares with its counterpart. But inner products stay: of the stream with
    what never moves, such as the kernel of patches, whose pixels have their places, and among hidden units. So in the
    order of the program, the rotation is found from what is known before (Procrustes); the units of a hidden layer are
    matched under it by what they read, and once more by what they write, two kernels that in strangers know nothing of
    each other; and units that agree teach the rotation more. Where nothing is known of a stream, units are first
    matched by their inner products with each other (`symmetry.match_by_inner_products`).

    Judged are families of units all of whose kernels are matrices from streams and to them, a stream being what two
    kernels write or more: hidden layers of transformers, mixers over channels, ConvNeXt. Scales that a rotation takes
    in, such as a normalisation's, are multiplied into kernels, and means over the stream taken off.

    Args:
        a: a network, such as a candidate.
        b: another one, such as the child.
        groups: of `b`, from `symmetry.groups`.

    Returns:
        Evidence of kind "inner products": `p` as in `matched`, from the number of units that agree; `statistic` is that
        number in standard deviations above what strangers have on average.

    Raises:
        ValueError: If the leaves of `b` are not those of `groups`, or a weight that is compared is not finite.
    """
    check_shapes(leaf_shapes(b), groups.shapes, variables="network b with the leaves that groups were read off")
    pair, rng, streams = brought(a, b), np.random.default_rng(0), Streams()
    layers, anchors = hidden_layers(groups)
    for side in anchors:
        if not {side.path, side.scale} & set(pair.missing):
            streams.add(side.stream, *(vectors(tree, side) for tree in (pair.a, pair.b)))
    left_out = dict.fromkeys(pair.kernels, NOT_HIDDEN) | dict.fromkeys(pair.missing, ELSEWHERE)
    found = []
    for hidden in layers:
        sides = (*hidden.reads, *hidden.writes)
        if hidden.family.size < FEWEST_UNITS:
            left_out |= dict.fromkeys((side.path for side in sides), TOO_FEW)
        elif not {path for side in sides for path in (side.path, side.scale)} & set(pair.missing):
            found.append(_judged(pair, hidden, streams, rng))
    statistic = _deviations([test.agreed for test in found])
    return evidence_of("inner products", found, statistic, pair.kernels, left_out)


def _judged(pair: Brought, hidden: Hidden, streams: Streams, rng: np.random.Generator) -> Agreement:
    """Matches units in both ways, and teaches streams what both say."""
    taken = slice(None, None, -(-hidden.family.size // MOST_UNITS))
    orders: list[np.ndarray] = []
    parts: list[tuple[Part, Part]] = []
    for sides in (hidden.reads, hidden.writes):
        one, two = (of_units(tree, hidden, sides) for tree in (pair.a, pair.b))
        orders.append(match_turned(one, two, streams, rng, taken=taken, signless=hidden.signless))
        parts += zip(one, two, strict=True)
    agree = orders[0] == orders[1]
    for (stream, mine), (_, other) in parts:
        streams.add(stream, mine[taken][agree], other[orders[0][agree]])
    return Agreement(
        paths=tuple(side.path for side in (*hidden.reads, *hidden.writes)),
        units=len(agree),
        agreed=int(agree.sum()),
        statistic=_deviations([int(agree.sum())]),
    )


def _deviations(agreed: Sequence[int]) -> float:
    mean = BY_CHANCE * len(agreed)
    return (sum(agreed) - mean) / mean**0.5 if agreed else 0.0
