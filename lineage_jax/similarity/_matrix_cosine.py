r"""The cosine between two centred n x n matrices: what CKA, distance correlation and RSA have in common.

They differ in the matrix (a kernel, distances, ranks of distances) and in what is centred away:

| centring | entries of the centred matrix | used by |
|---|---|---|
| `double_centring` | $M_{ij} - \bar M_{i.} - \bar M_{.j} + \bar M_{..}$ | biased CKA, distance correlation |
| `u_centring` | the same without the diagonal, with $n - 2$ and $(n-1)(n-2)$ as divisors | debiased CKA and dCor |
| `mean_centring` | $M_{ij}$ minus the mean, without the diagonal | RSA |
"""

import dataclasses
from collections.abc import Callable
from typing import Any, NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float

from lineage_jax.similarity._distances import PairwiseMatrix
from lineage_jax.similarity._products import inner
from lineage_jax.similarity._rows import DENSE, map_rows, own
from lineage_jax.similarity._two_steps import TwoStepMeasure
from lineage_jax.similarity._zero_safe import clipped_root, ratio

ROUNDING = 32
"""Units in the last place, relative to the matrix: a centred matrix of smaller norm counts as zero."""


class Offsets(NamedTuple):
    """What is taken from entry (i, j): `by_row[i] + by_row[j] + overall`."""

    by_row: Float[Array, " n"]
    overall: Float[Array, ""]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Centring:
    """A way to centre a symmetric matrix.

    Attributes:
        offsets: from the sums of the rows (without the diagonal, unless `diagonal`) to what is taken away.
        diagonal: whether the diagonal takes part.
        least: the smallest number of examples for which it is defined.
    """

    offsets: Callable[[Float[Array, " n"]], Offsets]
    diagonal: bool
    least: int = 1


def _double(sums: Float[Array, " n"]) -> Offsets:
    n = len(sums)
    return Offsets(sums / n, -sums.sum() / n**2)


def _u(sums: Float[Array, " n"]) -> Offsets:
    n = len(sums)
    return Offsets(sums / (n - 2), -sums.sum() / ((n - 1) * (n - 2)))


def _mean(sums: Float[Array, " n"]) -> Offsets:
    n = len(sums)
    return Offsets(jnp.zeros_like(sums), sums.sum() / max(1, n * (n - 1)))


double_centring = Centring(offsets=_double, diagonal=True)
u_centring = Centring(offsets=_u, diagonal=False, least=4)
mean_centring = Centring(offsets=_mean, diagonal=False)


class Whole(NamedTuple):
    """A centred matrix and its norm; the norm is 0 where only rounding is left of the matrix."""

    centred: Float[Array, "n n"]
    norm: Float[Array, ""]


class InRows(NamedTuple):
    """What the rows of a matrix, too large to be kept whole, are computed from."""

    represented: Any
    offsets: Offsets


@dataclasses.dataclass(frozen=True, kw_only=True)
class MatrixCosine(TwoStepMeasure):
    r"""$\langle \bar K, \bar L \rangle / (\|\bar K\| \|\bar L\|)$ of two centred matrices over the same examples.

    Up to 4,096 examples the matrices are kept whole: time O(n^2 d) to prepare a network and O(n^2) to compare a pair,
    memory O(n^2). Above, rows are computed in blocks wherever they are needed: time O(n^2 d) a pair, memory O(n d).

    A matrix that centring leaves nothing of but rounding (constant features; points that are all equally far from each
    other) has no direction; it scores 0, and so do the derivatives.

    Attributes:
        matrix: what stands at (i, j).
        centring: what is taken away.

    Examples:
        >>> from lineage_jax import similarity
        >>> from lineage_jax.similarity._matrix_cosine import double_centring
        >>> a = jnp.array([[0.0], [1.0], [4.0]])
        >>> cosine = MatrixCosine(matrix=similarity.euclidean_distance, centring=double_centring)
        >>> round(cosine(a, -3 * a).item(), 4)
        1.0
    """

    matrix: PairwiseMatrix
    centring: Centring

    def prepare(self, features: Float[Array, "n d"]) -> Whole | InRows:
        """Computes the centred matrix, or above 4,096 examples what centres it."""
        n = len(features)
        check_examples(n, least=self.centring.least)
        represented = self.matrix.represent(features)
        if n <= DENSE:
            return centre(self.matrix.rows(represented, 0, n), self.centring)
        sums = map_rows(lambda start, size: self._rows(represented, start, size, n).sum(axis=1), n)
        return InRows(represented, self.centring.offsets(sums))

    def compare(self, a: Whole | InRows, b: Whole | InRows) -> Float[Array, ""]:
        """Returns the cosine of the two centred matrices."""
        if isinstance(a, Whole) and isinstance(b, Whole):
            return ratio(inner(a.centred, b.centred), a.norm * b.norm)
        sides = [side for side in (a, b) if isinstance(side, InRows)]
        n = len(sides[0].offsets.by_row)

        def products(start: Array | int, size: int) -> Float[Array, "b 5"]:
            (p, raw_p), (q, raw_q) = (self._centred_rows(side, start, size, n) for side in sides)
            return jnp.stack([(x * y).sum(axis=1) for x, y in ((p, q), (p, p), (q, q), (raw_p,) * 2, (raw_q,) * 2)], 1)

        ab, aa, bb, raw_aa, raw_bb = map_rows(products, n).sum(axis=0)
        return ratio(ab, norm_above_rounding(aa, raw_aa) * norm_above_rounding(bb, raw_bb))

    def _rows(self, represented: Any, start: Array | int, size: int, n: int) -> Float[Array, "b n"]:
        rows = self.matrix.rows(represented, start, size)
        return rows if self.centring.diagonal else jnp.where(own(start, size, n), 0.0, rows)

    def _centred_rows(self, side: InRows, start: Array | int, size: int, n: int) -> tuple[Array, Array]:
        raw = self._rows(side.represented, start, size, n)
        by_row, overall = side.offsets
        these = jnp.take(by_row, start + jnp.arange(size))
        rows = raw - these[:, None] - by_row[None, :] - overall
        return rows if self.centring.diagonal else jnp.where(own(start, size, n), 0.0, rows), raw


def centre(matrix: Float[Array, "n n"], centring: Centring, *, raw_squares: Float[Array, ""] | None = None) -> Whole:
    """Centres a matrix and takes its norm.

    Args:
        matrix: symmetric.
        centring: what is taken away.
        raw_squares: the sum of squares of what the entries were rounded to; by default of the matrix itself.
    """
    n = len(matrix)
    hidden = jnp.zeros((n, n), bool) if centring.diagonal else own(0, n, n)
    raw = jnp.where(hidden, 0.0, matrix)
    by_row, overall = centring.offsets(raw.sum(axis=1))
    centred = jnp.where(hidden, 0.0, raw - by_row[:, None] - by_row[None, :] - overall)
    raw_squares = inner(raw, raw) if raw_squares is None else raw_squares
    return Whole(centred, norm_above_rounding(inner(centred, centred), raw_squares))


def check_examples(n: int, *, least: int) -> None:
    """Refuses fewer examples than a measure is defined for."""
    if n < least:
        raise ValueError(
            f"expected at least {least} examples, got {n}; an estimator without bias has no value for fewer: "
            "add probes, or take the biased measure"
        )


def norm_above_rounding(
    squares: Float[Array, ""], raw_squares: Float[Array, ""], *, of_squares: Float[Array, ""] | float = 0.0
) -> Float[Array, ""]:
    """Returns the norm of a centred matrix, or 0 where it is no more than rounding of the matrix before.

    Entries from matrix products, and means of them, are good to some ten units in the last place.

    Args:
        squares: the sum of squares of the centred matrix.
        raw_squares: of the matrix before.
        of_squares: what `squares` was subtracted from, where it is a difference itself.
    """
    rounding = ROUNDING * jnp.finfo(squares.dtype).eps
    nothing = (squares <= rounding**2 * raw_squares) | (squares <= rounding * of_squares)
    return clipped_root(jnp.where(nothing, 0.0, squares), degree=2)
