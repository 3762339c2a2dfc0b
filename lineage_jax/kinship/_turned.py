"""Streams that were turned: rotations found from what is known, and units matched under them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from scipy.optimize import linear_sum_assignment

from lineage_jax.kinship._hidden import Hidden, Side
from lineage_jax.symmetry import match_by_inner_products

TURNS = 2
"""How often units are matched again under the rotation that they themselves suggest."""
NOISE = 1e-7
"""Share of the largest product, added at random: units that are all zero must not agree by the order of a file."""

Part = tuple[int, np.ndarray]
Parts = list[Part]
"""Streams, and what units read or write there, [units, stream]; several parts where units are packed."""


@dataclass(frozen=True, kw_only=True)
class Streams:
    """What is known of how streams were turned: by stream the products of vectors that correspond, [stream, stream]."""

    products: dict[int, np.ndarray] = field(default_factory=dict)

    def add(self, stream: int, one: np.ndarray, two: np.ndarray) -> None:
        """Learns vectors that correspond, [n, stream]."""
        self.products[stream] = self.products.get(stream, 0.0) + one.T @ two

    def copy(self) -> "Streams":
        """Returns the same, to be taught apart."""
        return Streams(products=dict(self.products))

    def rotation(self, stream: int) -> np.ndarray:
        """Returns the rotation that brings the second network's vectors nearest to the first one's.

        References:
            Schönemann, "A generalized solution of the orthogonal Procrustes problem", Psychometrika 31, 1966.
        """
        left, _, right = np.linalg.svd(self.products[stream])
        return left @ right


def vectors(tree: Mapping[str, Any], side: Side) -> np.ndarray:
    """Returns what is read or written at each place of a kernel's other axes, [n, stream].

    Scales are taken in, since whoever turns a stream must do so too; means over the stream are taken off, since a
    normalisation does not see them; the squares of all numbers add up to one.

    Raises:
        ValueError: If a weight is not finite.
    """
    kernel = np.asarray(tree[side.path], np.float32)
    if not np.isfinite(kernel).all():
        raise ValueError(f"expected finite weights, got NaN or infinity at '{side.path}'")
    kernel = np.moveaxis(kernel, side.axis.axis, -1).reshape(-1, side.axis.size)
    if side.scale is not None:
        kernel = kernel * np.asarray(tree[side.scale], np.float32).ravel()
    kernel = kernel - kernel.mean(1, keepdims=True)
    return kernel / max(float(np.linalg.norm(kernel)), np.finfo(np.float32).tiny)


def of_units(tree: Mapping[str, Any], hidden: Hidden, sides: Sequence[Side]) -> Parts:
    """Returns what units read or write."""
    found = [(side.stream, vectors(tree, side), hidden.places[side.path]) for side in sides]
    return [(stream, each[column]) for stream, each, places in found for column in places.T]


def match_turned(
    one: Parts, two: Parts, streams: Streams, rng: np.random.Generator, *, taken: slice, signless: bool
) -> np.ndarray:
    """Finds for units of `a` those of `b` by what they read, or by what they write.

    Under the rotations known before; where there is none, by inner products of units among each other. Then again under
    those that these units suggest too.

    Args:
        one: of units of `a`.
        two: of as many units of `b`.
        streams: what is known before.
        rng: source of what breaks ties.
        taken: which units of `a` are asked for.
        signless: whether a unit may be flipped.
    """

    def matched(rotations: Iterable[np.ndarray]) -> np.ndarray:
        parts = zip(one, rotations, two, strict=True)
        alike = np.sum([mine[taken] @ rotation @ other.T for (_, mine), rotation, (_, other) in parts], axis=0)
        alike = np.abs(alike) if signless else alike
        noise = NOISE * float(np.abs(alike).max(initial=0.0)) * rng.random(alike.shape, np.float32)
        return linear_sum_assignment(alike + noise, maximize=True)[1]

    if all(stream in streams.products for stream, _ in one):
        order = matched(streams.rotation(stream) for stream, _ in one)
    else:
        mine, other = (np.concatenate([each for _, each in parts], 1) for parts in (one, two))
        order = match_by_inner_products(mine, other)[taken]
    for _ in range(TURNS):
        own = streams.copy()
        for (stream, mine), (_, other) in zip(one, two, strict=True):
            own.add(stream, mine[taken], other[order])
        better = matched(own.rotation(stream) for stream, _ in one)
        if np.array_equal(better, order):
            break
        order = better
    return order
