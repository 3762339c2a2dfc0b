r"""HSIC_1 of linear kernels: sums over pairs of different examples, in which the diagonals never take part.

To take the diagonals of $K = AA^T$ and $L = BB^T$ off $\|A^T B\|_F^2 = \sum_{ij} K_{ij} L_{ij}$ afterwards would lose
every digit where one example is large: its own entry is the square of all others in its row. So they are not added in
the first place. Wide features have the n x n matrices formed; of narrow ones the examples are cut into blocks s, and

$$\sum_{i \ne j} K_{ij} L_{ij} = \sum_s \Big( \sum_{i \ne j \in s} K_{ij} L_{ij} + 2 \langle M_{<s}, M_s \rangle_F
\Big), \qquad M_s = A_s^T B_s, \quad M_{<s} = \sum_{r < s} M_r,$$

which takes about as many multiplications as $\|A^T B\|_F^2$.
"""

import math
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from lineage_jax.similarity._matrix_cosine import Whole, centre, check_examples, norm_above_rounding, u_centring
from lineage_jax.similarity._products import inner, product
from lineage_jax.similarity._standardise import balanced, settled
from lineage_jax.similarity._zero_safe import ratio

BLOCK = 128
"""Examples of a block, at most; up to as many the matrix is always formed."""


class Blocks(NamedTuple):
    """One network of narrow features; the last block is filled up with zeros, which add nothing.

    Attributes:
        features: of every block.
        within: the kernel of every block, without its diagonal.
        sums: of each row of the kernel, without the diagonal.
        norm: of the U-centred kernel.
    """

    features: Float[Array, "s b d"]
    within: Float[Array, "s b b"]
    sums: Float[Array, " n"]
    norm: Float[Array, ""]


def prepare(features: Float[Array, "n d"]) -> Whole | Blocks:
    """Computes the U-centred kernel matrix, or what stands in for it where the features are narrow."""
    n, d = features.shape
    check_examples(n, least=u_centring.least)
    a = balanced(settled(features))
    return in_blocks(a) if n > BLOCK and 3 * d <= 2 * n else whole(a)


def compare(a: Whole | Blocks, b: Whole | Blocks) -> Float[Array, ""]:
    """Returns the cosine of the two U-centred kernels."""
    if isinstance(a, Blocks) and isinstance(b, Blocks):
        return ratio(_inner(a, b)[0], a.norm * b.norm)
    return ratio(inner(_matrix(a), _matrix(b)), a.norm * b.norm)


def whole(a: Float[Array, "n d"]) -> Whole:
    """Forms the U-centred kernel matrix of settled features."""
    squares = jnp.square(a).sum(axis=1)
    return centre(product(a, a.T), u_centring, raw_squares=_over_pairs(squares))


def in_blocks(a: Float[Array, "n d"]) -> Blocks:
    """Cuts settled features into blocks."""
    n, d = a.shape
    count = math.ceil(n / BLOCK)
    size = math.ceil(n / count)
    blocks = jnp.pad(a, ((0, count * size - n), (0, 0))).reshape(count, size, d)
    within = jax.vmap(lambda block: product(block, block.T))(blocks)
    within = jnp.where(jnp.eye(size, dtype=bool), 0.0, within)
    elsewhere = _without_own(blocks.sum(axis=1))
    sums = within.sum(axis=2) + (blocks * elsewhere[:, None]).sum(axis=2)
    found = Blocks(blocks, within, sums.ravel()[:n], jnp.ones((), a.dtype))
    squares, uncentred = _inner(found, found)
    norm = norm_above_rounding(squares, _over_pairs(jnp.square(a).sum(axis=1)), of_squares=uncentred)
    return found._replace(norm=norm)


def _inner(a: Blocks, b: Blocks) -> tuple[Float[Array, ""], Float[Array, ""]]:
    """Returns the inner product of two kernels without their diagonals, U-centred and as they are."""

    def step(before: Array, block: tuple[Array, ...]) -> tuple[Array, Array]:
        x, of_x, y, of_y = block
        these = product(x.T, y)
        return before + these, inner(of_x, of_y) + 2 * inner(before, these)

    nothing = jnp.zeros((a.features.shape[-1], b.features.shape[-1]), a.features.dtype)
    _, parts = jax.lax.scan(step, nothing, (a.features, a.within, b.features, b.within))
    n, uncentred = len(a.sums), parts.sum()
    by_row, overall = (a.sums * b.sums).sum(), a.sums.sum() * b.sums.sum()
    return uncentred - 2 / (n - 2) * by_row + overall / ((n - 1) * (n - 2)), uncentred


def _matrix(side: Whole | Blocks) -> Float[Array, "n n"]:
    if isinstance(side, Whole):
        return side.centred
    features = side.features.reshape(-1, side.features.shape[-1])
    return whole(features[: len(side.sums)]).centred


def _over_pairs(x: Float[Array, " n"]) -> Float[Array, ""]:
    """Sums x_i x_j over pairs of different examples."""
    return (x * _without_own(x)).sum()


def _without_own(x: Float[Array, "s ..."]) -> Float[Array, "s ..."]:
    """Returns for each entry the sum of all others: of those before and those after, for a difference would cancel."""
    nothing = jnp.zeros_like(x[:1])
    before = jnp.concatenate([nothing, jnp.cumsum(x[:-1], axis=0)])
    after = jnp.concatenate([jnp.cumsum(x[:0:-1], axis=0)[::-1], nothing])
    return before + after
