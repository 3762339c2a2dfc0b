"""How much of one network's features a linear map of the other's explains."""

import dataclasses
from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float

from lineage_jax.similarity._products import product
from lineage_jax.similarity._standardise import centred, rescaled
from lineage_jax.similarity._subspace import Subspace, subspace
from lineage_jax.similarity._two_steps import TwoStepMeasure


class Regressed(NamedTuple):
    """One network's centred features, and their span."""

    features: Float[Array, "n d"]
    span: Subspace


@dataclasses.dataclass(frozen=True, kw_only=True)
class LinearRegressionR2(TwoStepMeasure):
    r"""$\|Q_b^T A\|_F^2 / \|A\|_F^2$: the share of the variance of a that a linear map of b, with intercept, explains.

    In [0, 1], and not symmetric; ignores a's shift, scale and rotation, and any invertible affine map of b. With
    d >= n - 1 generic b explain everything, and the score is 1. Constant features on either side score 0.

    Time $O(n d \min(n, d))$, memory beyond the features $O(n \min(n, d))$.

    Raises:
        TypeError: If a dtype is not a real floating one.
        ValueError: If the features are not two non-empty matrices with equally many rows.

    References:
        Kornblith et al., "Similarity of Neural Network Representations Revisited", ICML 2019, table 1.

    Examples:
        Two features determine their sum, which does not determine them:

        >>> a = jnp.array([[1.0, 1.0], [1.0, -1.0], [-1.0, 1.0], [-1.0, -1.0]])
        >>> total = a.sum(axis=1, keepdims=True)
        >>> round(linear_regression_r2(total, a).item(), 4), round(linear_regression_r2(a, total).item(), 4)
        (1.0, 0.5)
    """

    def prepare(self, features: Float[Array, "n d"]) -> Regressed:
        """Centres the features and finds their span."""
        a = rescaled(centred(features))
        return Regressed(a, subspace(rescaled(a, axis=0)))  # each feature in its own unit: a large one hides none

    def compare(self, a: Regressed, b: Regressed) -> Float[Array, ""]:
        """Regresses a on b."""
        total = jnp.square(a.features).sum()
        explained = jnp.square(product(b.span.basis.T, a.features)).sum()
        return explained / jnp.where(total == 0, 1.0, total)  # not `ratio`: NaN in b must show though a is constant


linear_regression_r2 = LinearRegressionR2()
