"""Centred kernel alignment with a linear kernel."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from lineage_jax.similarity._operands import paired
from lineage_jax.similarity._standardise import centred, rescaled
from lineage_jax.similarity._zero_safe import clipped_root, ratio


def linear_cka(a: Float[Array, "n d1"], b: Float[Array, "n d2"]) -> Float[Array, ""]:
    r"""Returns $\|A^T B\|_F^2 / (\|A^T A\|_F \|B^T B\|_F)$ of centred features, the biased estimator.

    With $K = AA^T$ and $L = BB^T$ the same number is $\langle K, L \rangle_F / (\|K\|_F \|L\|_F)$; the form with fewer
    multiplications is chosen by shape, so that time is $O(n d \min(n, d))$ and memory beyond the features
    $O(\min(n, d)^2)$. Biased means that unrelated features score about d / (n + d), not 0.

    Features that are constant over the examples (always so for n = 1) have no kernel to align; they score 0, and so do
    the derivatives.

    Args:
        a: features of one network.
        b: features of the other; their number may differ.

    Raises:
        TypeError: If a dtype is not a real floating one.
        ValueError: If the features are not two non-empty matrices with equally many rows.

    References:
        Kornblith, Norouzi, Lee and Hinton, "Similarity of Neural Network Representations Revisited", ICML 2019,
        section 3.

    Examples:
        A rotation and a scale go unnoticed:

        >>> a = jnp.array([[0.0, 0.0], [1.0, 0.0], [0.0, 2.0]])
        >>> round(linear_cka(a, 3 * a @ jnp.array([[0.0, 1.0], [-1.0, 0.0]])).item(), 4)
        1.0
    """
    a, b = paired(a, b)
    a, b = rescaled(centred(a)), rescaled(centred(b))
    (n, d1), (_, d2) = a.shape, b.shape
    if d1 * d1 + d1 * d2 + d2 * d2 <= n * (d1 + d2):
        ab, aa, bb = (jnp.square(_product(x.T, y)).sum() for x, y in ((a, b), (a, a), (b, b)))
    else:
        gram_a, gram_b = _product(a, a.T), _product(b, b.T)
        ab, aa, bb = ((x * y).sum() for x, y in ((gram_a, gram_b), (gram_a, gram_a), (gram_b, gram_b)))
    return ratio(ab, clipped_root(aa, degree=2) * clipped_root(bb, degree=2))


def _product(x: Float[Array, "i j"], y: Float[Array, "j k"]) -> Float[Array, "i k"]:
    # accelerators round float32 operands to fewer bits unless told otherwise
    return jnp.matmul(x, y, precision=jax.lax.Precision.HIGHEST)
