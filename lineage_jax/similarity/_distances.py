r"""Pairwise distances between the examples of one network, accurate for near-duplicates in float32.

$\|x\|^2 + \|y\|^2 - 2 \langle x, y \rangle$ costs one matrix product, but keeps no digit of a distance far below the
norms: its error is about 1e-7 of the squared norms. Features are centred first, which makes the norms as small as a
common shift can, and pairs that are still much closer than their norms are computed again from their differences.
"""

import abc
import dataclasses
import functools
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from lineage_jax.similarity._options import normalise
from lineage_jax.similarity._products import product
from lineage_jax.similarity._rows import own
from lineage_jax.similarity._standardise import balanced, centred, settled
from lineage_jax.similarity._zero_safe import clipped_root, ratio

CLOSE = 1e-3
"""Pairs whose squared distance is below this part of their squared norms are computed from differences."""

FEW_FEATURES = 8
"""Up to this width differences cost no more than a matrix product, and are taken always."""

FEW_NEIGHBOURS = 8
"""So many close pairs an example are computed one by one; where there are more, the whole block is."""


class PairwiseMatrix(abc.ABC):
    """A symmetric n x n matrix over the examples of one network, computed a block of rows at a time.

    Subclasses are frozen dataclasses, so that equal settings are equal and hash alike.
    """

    @abc.abstractmethod
    def represent(self, features: Float[Array, "n d"]) -> Any:
        """Computes once what every row needs: any pytree of arrays."""

    @abc.abstractmethod
    def rows(self, represented: Any, start: Int[Array, ""] | int, size: int) -> Float[Array, "b n"]:
        """Computes rows `start` to `start + size` of the matrix."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class EuclideanDistance(PairwiseMatrix):
    r"""$\|x - y\|$, in units of the network's own.

    Examples:
        >>> distance = EuclideanDistance()
        >>> features = distance.represent(jnp.array([[0.0, 0.0], [6.0, 8.0]]))
        >>> distance.rows(features, 0, 2).tolist()
        [[0.0, 2.5], [2.5, 0.0]]
    """

    def represent(self, features: Float[Array, "n d"]) -> Float[Array, "n d"]:
        """Shifts and rescales: neither changes distances but by a factor, and both save digits."""
        return balanced(settled(features))

    def rows(self, represented: Float[Array, "n d"], start: Int[Array, ""] | int, size: int) -> Float[Array, "b n"]:
        """Computes the distances of `size` examples to all."""
        return clipped_root(squared_distances(represented, start, size), degree=2)


@dataclasses.dataclass(frozen=True, kw_only=True)
class CosineDistance(PairwiseMatrix):
    r"""$1 - \cos(x, y)$, computed as half the squared distance of unit vectors.

    A row of zeros has no direction; it stays at the origin, at distance 1/2 from every direction.
    """

    def represent(self, features: Float[Array, "n d"]) -> Float[Array, "n d"]:
        """Brings every row to length 1."""
        return normalise(features)

    def rows(self, represented: Float[Array, "n d"], start: Int[Array, ""] | int, size: int) -> Float[Array, "b n"]:
        """Computes the distances of `size` examples to all."""
        return squared_distances(represented, start, size) / 2


@dataclasses.dataclass(frozen=True, kw_only=True)
class CorrelationDistance(CosineDistance):
    r"""$1 - r(x, y)$, with Pearson's correlation over the features of two examples.

    A row of equal features correlates with nothing; it is at distance 1/2 from every other.
    """

    def represent(self, features: Float[Array, "n d"]) -> Float[Array, "n d"]:
        """Centres every row over its own features and brings it to length 1."""
        return normalise(centred(features.T).T)


@dataclasses.dataclass(frozen=True, kw_only=True)
class ExcessDistance(EuclideanDistance):
    r"""$\|x - y\| - \|x\| - \|y\|$, for what ignores a constant a row and column: centring leaves it as the distance.

    An example far out is about equally far from all others. Centring takes that length away, and what is left of a
    rounded distance would be rounding. So the difference is computed as

    $$-2 (\|x\| \|y\| + \langle x, y \rangle) / (\|x - y\| + \|x\| + \|y\|).$$
    """

    def rows(self, represented: Float[Array, "n d"], start: Int[Array, ""] | int, size: int) -> Float[Array, "b n"]:
        """Computes the excess of `size` examples with all."""
        rows = jax.lax.dynamic_slice_in_dim(represented, start, size)
        ours, theirs = (clipped_root(jnp.square(x).sum(axis=1), degree=2) for x in (rows, represented))
        inner = ours[:, None] * theirs[None, :] + product(rows, represented.T)
        return -2 * ratio(inner, super().rows(represented, start, size) + ours[:, None] + theirs[None, :])


euclidean_distance = EuclideanDistance()
excess_distance = ExcessDistance()
cosine_distance = CosineDistance()
correlation_distance = CorrelationDistance()


@functools.partial(jax.custom_jvp, nondiff_argnums=(2,))
def squared_distances(a: Float[Array, "n d"], start: Int[Array, ""] | int, size: int) -> Float[Array, "b n"]:
    """Returns the squared Euclidean distances of rows `start` to `start + size` to all rows.

    An example's distance to itself is exactly 0. Time is O(size n d), memory O(size n).
    """
    rows = jax.lax.dynamic_slice_in_dim(a, start, size)
    if a.shape[1] <= FEW_FEATURES:
        return _from_differences(rows, a)
    norms = (a * a).sum(axis=1)
    norms = jax.lax.dynamic_slice_in_dim(norms, start, size)[:, None] + norms[None, :]
    diagonal = own(start, size, len(a))
    squared = jnp.where(diagonal, 0.0, jnp.maximum(norms - 2 * product(rows, a.T), 0.0))
    # a NaN compares false and stays
    return _refined(squared, (squared < CLOSE * norms) & ~diagonal, rows, a)


@squared_distances.defjvp
def _squared_distances_jvp(size: int, primals: tuple, tangents: tuple) -> tuple[Array, Array]:
    (a, start), (moved, _) = primals, tangents
    rows, moved_rows = (jax.lax.dynamic_slice_in_dim(x, start, size) for x in (a, moved))
    crossed = product(moved_rows, a.T) + product(rows, moved.T)
    along = 2 * (a * moved).sum(axis=1)
    slopes = jax.lax.dynamic_slice_in_dim(along, start, size)[:, None] + along[None, :] - 2 * crossed
    return squared_distances(a, start, size), jnp.where(own(start, size, len(a)), 0.0, slopes)


def _refined(squared: Array, close: Array, rows: Array, a: Array) -> Float[Array, "b n"]:
    """Replaces the squared distances of close pairs by those of their differences.

    Loops, not branches: under `vmap` both sides of a branch are computed, but a loop ends where none of the batch goes
    on. Ordinary features have no close pairs, and pay for the test alone.
    """

    def one_each(state: tuple) -> tuple:
        turn, squared, close = state
        nearest = jnp.argmax(close, axis=1)
        chosen = (jnp.arange(len(a))[None, :] == nearest[:, None]) & close
        direct = jnp.square(rows - a[nearest]).sum(axis=1)
        return turn + 1, jnp.where(chosen, direct[:, None], squared), close & ~chosen

    def all_of_them(state: tuple) -> tuple:
        squared, close = state
        # tied to the state, for a compiler would compute what no iteration changes ahead of the loop, always
        these, close = jax.lax.optimization_barrier((rows, close))
        return jnp.where(close, _from_differences(these, a), squared), jnp.zeros_like(close)

    few = lambda state: state[2].any() & (state[0] < FEW_NEIGHBOURS)  # noqa: E731
    _, squared, close = jax.lax.while_loop(few, one_each, (0, squared, close))
    squared, _ = jax.lax.while_loop(lambda state: state[1].any(), all_of_them, (squared, close))
    return squared


def _from_differences(rows: Array, a: Array) -> Float[Array, "b n"]:
    if a.shape[1] <= FEW_FEATURES:
        return jnp.square(rows[:, None, :] - a[None, :, :]).sum(axis=2)
    return jax.lax.map(lambda one: jnp.square(rows - one).sum(axis=1), a).T
