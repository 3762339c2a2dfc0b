"""Distance correlation."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from lineage_jax.similarity._operands import paired
from lineage_jax.similarity._standardise import centred, rescaled
from lineage_jax.similarity._zero_safe import clipped_root, ratio


def distance_correlation(a: Float[Array, "n d1"], b: Float[Array, "n d2"]) -> Float[Array, ""]:
    r"""Returns the correlation of the examples' pairwise Euclidean distances (V-statistic, square root taken).

    With $\bar D$ a distance matrix minus its row and column means plus its mean, this is
    $(\langle \bar D_a, \bar D_b \rangle / (\|\bar D_a\| \|\bar D_b\|))^{1/2}$. Time is $O(n^2 d)$, memory $O(n^2)$.
    As a V-statistic it is biased upwards when n is small or d large.

    Features that are constant over the examples (always so for n = 1) score 0, and so do the derivatives. The inner
    product is never negative in exact arithmetic; what rounding makes of it is clipped at 0.

    Args:
        a: features of one network.
        b: features of the other; their number may differ.

    Raises:
        TypeError: If a dtype is not a real floating one.
        ValueError: If the features are not two non-empty matrices with equally many rows.

    References:
        Székely, Rizzo and Bakirov, "Measuring and testing dependence by correlation of distances", Annals of
        Statistics 35, 2007, section 2.

    Examples:
        >>> a = jnp.array([[0.0], [1.0], [4.0]])
        >>> round(distance_correlation(a, 5 - 2 * a).item(), 4)
        1.0
    """
    a, b = paired(a, b)
    p, q = _centred_distances(a), _centred_distances(b)
    variances = clipped_root((p * p).mean(), degree=2) * clipped_root((q * q).mean(), degree=2)
    return clipped_root(ratio((p * q).mean(), variances), degree=2)


def _centred_distances(a: Float[Array, "n d"]) -> Float[Array, "n n"]:
    """Returns the pairwise distances without their row and column means, in units of the largest entry of `a`."""
    distances = _distances(rescaled(centred(a)))
    by_row, by_column = distances.mean(axis=1, keepdims=True), distances.mean(axis=0, keepdims=True)
    return distances - by_row - by_column + distances.mean()


def _distances(a: Float[Array, "n d"]) -> Float[Array, "n n"]:
    """Returns Euclidean distances from one Gram matrix: centred features keep its cancellation small.

    The squared norms are the Gram matrix's own diagonal, so that each example's distance to itself is exactly 0.
    """
    # accelerators round float32 operands to fewer bits unless told otherwise, and the subtraction would show it
    gram = jnp.matmul(a, a.T, precision=jax.lax.Precision.HIGHEST)
    squared_norms = jnp.diagonal(gram)
    return clipped_root(squared_norms[:, None] + squared_norms[None, :] - 2 * gram, degree=2)
