"""Representational similarity analysis: correlations of dissimilarity matrices."""

import dataclasses
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from lineage_jax.similarity._distances import PairwiseMatrix, correlation_distance
from lineage_jax.similarity._matrix_cosine import MatrixCosine, mean_centring
from lineage_jax.similarity._rows import fold_rows, map_rows, own
from lineage_jax.similarity._two_steps import TwoStepMeasure

FEW = 256
"""Up to this many examples the distances are sorted; above, they are counted in bins."""

BINS = 2**20


class Ranking(NamedTuple):
    """What turns distances into ranks.

    Attributes:
        represented: what the distances are computed from.
        least: the smallest distance, as the integer of its bits.
        shift: how many of the last bits of a distance do not count.
        ranks: the middle rank of each bin, or, for few examples, the matrix of ranks itself; as parts of all.
    """

    represented: Any
    least: Int[Array, ""]
    shift: Int[Array, ""]
    ranks: Float[Array, " bins"] | Float[Array, "n n"]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Ranked(PairwiseMatrix):
    r"""The ranks of the off-diagonal entries of a matrix of distances, ties at their middle rank.

    Ranks of up to 256 examples are exact. Above, distances are counted in $2^{20}$ bins of their leading bits, and
    those in one bin count as ties: time O(n^2) instead of a sort, and an error of Spearman's correlation of the order
    of the sum of cubed bin counts over the cubed number of distances, below 1e-6. Ranks do not move with the features:
    their derivative is 0.

    Attributes:
        distance: the distances to rank; they are not negative.
    """

    distance: PairwiseMatrix

    def represent(self, features: Float[Array, "n d"]) -> Ranking:
        """Orders the distances, or counts them in bins."""
        n = len(features)
        represented = jax.lax.stop_gradient(self.distance.represent(features))
        nothing = jnp.zeros((), jnp.int32)
        if n <= FEW:
            return Ranking(represented, nothing, nothing, _exact_ranks(self.distance.rows(represented, 0, n)))
        extremes = map_rows(lambda start, size: self._extremes(represented, start, size, n), n)
        least, most = extremes[:, 0].min(), extremes[:, 1].max()
        spread = (most - least).astype(jnp.uint32)
        shift = jnp.maximum(0, 32 - jax.lax.clz(spread).astype(jnp.int32) - (BINS.bit_length() - 1))
        ranking = Ranking(represented, least, shift, jnp.zeros(0, jnp.float32))
        return ranking._replace(ranks=_middle_ranks(self._counts(ranking, n), dtype=features.dtype))

    def rows(self, represented: Ranking, start: Int[Array, ""] | int, size: int) -> Float[Array, "b n"]:
        """Looks up the ranks of the distances of `size` examples to all, as parts of all."""
        if represented.ranks.ndim == 2:
            return jax.lax.dynamic_slice_in_dim(represented.ranks, start, size)
        distances = self.distance.rows(represented.represented, start, size)
        # a NaN has no rank
        return jnp.where(jnp.isnan(distances), jnp.nan, represented.ranks[self._bins(represented, distances)])

    def _extremes(self, represented: Any, start: Array | int, size: int, n: int) -> Int[Array, "b 2"]:
        bits = _bits(self.distance.rows(represented, start, size))
        diagonal = own(start, size, n)
        most = jnp.iinfo(bits.dtype).max
        return jnp.stack([jnp.where(diagonal, most, bits).min(1), jnp.where(diagonal, 0, bits).max(1)], axis=1)

    def _bins(self, ranking: Ranking, distances: Float[Array, "b n"]) -> Int[Array, "b n"]:
        return jnp.clip((_bits(distances) - ranking.least) >> ranking.shift, 0, BINS - 1)

    def _counts(self, ranking: Ranking, n: int) -> Int[Array, " bins"]:
        def count(counts: Array, start: Array | int, new: Array) -> Array:
            bins = self._bins(ranking, self.distance.rows(ranking.represented, start, len(new)))
            return counts.at[bins].add((new[:, None] & ~own(start, len(new), n)).astype(jnp.int32))

        return fold_rows(count, jnp.zeros(BINS, jnp.int32), n)


@dataclasses.dataclass(frozen=True, kw_only=True)
class RSA(TwoStepMeasure):
    r"""The correlation of two networks' pairwise distances, over all pairs of different examples.

    Time O(n^2 d); memory O(n^2) up to 4,096 examples, O(n d) above. In [-1, 1]. What it ignores depends on the
    distance: Euclidean ones a common shift, scale and rotation of a network's features; cosine distances the rows'
    scales; correlation distances the rows' scales and means over features. Where all distances are equal (always so
    for n < 3) the score is 0.

    Attributes:
        distance: `euclidean_distance`, `cosine_distance`, or the original's `correlation_distance`.
        ranked: Spearman's correlation as in the original, or Pearson's. Ranks are piecewise constant, so that the
            derivative of a ranked RSA is 0 and its Taylor form does not depend on alpha.

    Raises:
        TypeError: If a dtype is not a real floating one.
        ValueError: If the features are not two non-empty matrices with equally many rows.

    References:
        Kriegeskorte, Mur and Bandettini, "Representational similarity analysis", Frontiers in Systems Neuroscience 2,
        2008.

    Examples:
        >>> from lineage_jax import similarity
        >>> a = jnp.array([[0.0, 0.0], [1.0, 0.0], [0.0, 3.0]])
        >>> round(RSA(distance=similarity.euclidean_distance, ranked=False)(a, 1 - 2 * a).item(), 4)
        1.0
    """

    distance: PairwiseMatrix = correlation_distance
    ranked: bool = True

    def prepare(self, features: Float[Array, "n d"]) -> Any:
        """Computes the centred distances or ranks."""
        return self._matrix_cosine.prepare(features)

    def compare(self, a: Any, b: Any) -> Float[Array, ""]:
        """Correlates them."""
        return self._matrix_cosine.compare(a, b)

    @property
    def _matrix_cosine(self) -> MatrixCosine:
        matrix = Ranked(distance=self.distance) if self.ranked else self.distance
        return MatrixCosine(matrix=matrix, centring=mean_centring)


rsa = RSA()


def _exact_ranks(distances: Float[Array, "n n"]) -> Float[Array, "n n"]:
    """Returns the middle ranks of the entries beside the diagonal; the two of a pair, equal but for rounding, tie."""
    n = len(distances)
    distances = jnp.tril(distances) + jnp.tril(distances).T
    ordered = jnp.sort(jnp.where(own(0, n, n), jnp.inf, distances).ravel())
    below, upto = (jnp.searchsorted(ordered, distances, side=side) for side in ("left", "right"))
    ranks = (below + upto).astype(distances.dtype) / (2 * n * n)
    return jnp.where(jnp.isnan(distances), jnp.nan, ranks)


def _bits(distances: Float[Array, "b n"]) -> Int[Array, "b n"]:
    """Returns the bits of distances in float32 as integers, which are in the same order."""
    return jax.lax.bitcast_convert_type(distances.astype(jnp.float32), jnp.int32)


def _middle_ranks(counts: Int[Array, " bins"], *, dtype: Any) -> Float[Array, " bins"]:
    """Returns the middle rank of each bin, as a part of all."""
    upto = jnp.cumsum(counts)
    return (upto - counts / 2).astype(dtype) / upto[-1].astype(dtype)
