"""Distance correlation, with and without its bias."""

import dataclasses
from typing import Any

from jaxtyping import Array, Float

from lineage_jax.similarity._distances import excess_distance
from lineage_jax.similarity._matrix_cosine import MatrixCosine, double_centring, u_centring
from lineage_jax.similarity._two_steps import TwoStepMeasure
from lineage_jax.similarity._zero_safe import clipped_root

_COVARIANCE = MatrixCosine(matrix=excess_distance, centring=double_centring)


@dataclasses.dataclass(frozen=True, kw_only=True)
class DistanceCorrelation(TwoStepMeasure):
    r"""The correlation of the examples' pairwise Euclidean distances (V-statistic, square root taken).

    With $\bar D$ a distance matrix minus its row and column means plus its mean, this is
    $(\langle \bar D_a, \bar D_b \rangle / (\|\bar D_a\| \|\bar D_b\|))^{1/2}$. Time is $O(n^2 d)$, memory $O(n^2)$ up
    to 4,096 examples and $O(n d)$ above. As a V-statistic it is biased upwards when n is small or d large; see
    `bias_corrected_distance_correlation`.

    Features that are constant over the examples (always so for n = 1) score 0, and so do the derivatives. The inner
    product is never negative in exact arithmetic; what rounding makes of it is clipped at 0.

    Raises:
        TypeError: If a dtype is not a real floating one.
        ValueError: If the features are not two non-empty matrices with equally many rows.

    References:
        Székely, Rizzo and Bakirov, "Measuring and testing dependence by correlation of distances", Annals of
        Statistics 35, 2007, section 2.

    Examples:
        >>> import jax.numpy as jnp
        >>> from lineage_jax import similarity
        >>> a = jnp.array([[0.0], [1.0], [4.0]])
        >>> round(similarity.distance_correlation(a, 5 - 2 * a).item(), 4)
        1.0
    """

    def prepare(self, features: Float[Array, "n d"]) -> Any:
        """Computes the centred distances."""
        return _COVARIANCE.prepare(features)

    def compare(self, a: Any, b: Any) -> Float[Array, ""]:
        """Correlates them."""
        return clipped_root(_COVARIANCE.compare(a, b), degree=2)


distance_correlation = DistanceCorrelation()

bias_corrected_distance_correlation = MatrixCosine(matrix=excess_distance, centring=u_centring)
r"""The bias-corrected distance correlation $R^*_n$ of U-centred distances; no root is taken, for it may be negative.

About 0 for independent features at any n and d. Needs 4 examples. Székely and Rizzo, "The distance correlation t-test
of independence in high dimension", Journal of Multivariate Analysis 117, 2013.
"""
