"""Canonical correlations between the subspaces of two networks: averaged, truncated, weighted or ridged."""

import dataclasses
from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float

from lineage_jax.similarity._products import product
from lineage_jax.similarity._standardise import centred, rescaled
from lineage_jax.similarity._subspace import Subspace, left_singular, nuclear_norm, subspace
from lineage_jax.similarity._two_steps import TwoStepMeasure
from lineage_jax.similarity._zero_safe import clipped_root, magnitude, ratio


@dataclasses.dataclass(frozen=True, kw_only=True)
class MeanCCA(TwoStepMeasure):
    r"""The mean canonical correlation $\frac{1}{k} \sum_{i \le k} \rho_i$, with k the smaller rank.

    In [0, 1]; ignores any invertible affine map of either side. The correlations are the singular values of
    $Q_a^T Q_b$, for orthonormal bases of the centred features. With d >= n - 1 generic features span everything and the
    score is 1 whatever they are: take more examples, or `svcca`. Constant features (always so for n = 1) score 0.

    Time $O(n d \min(n, d))$, memory beyond the features $O(n \min(n, d))$.

    Raises:
        TypeError: If a dtype is not a real floating one.
        ValueError: If the features are not two non-empty matrices with equally many rows.

    References:
        Hotelling, "Relations between two sets of variates", Biometrika 28, 1936. Kornblith et al., "Similarity of
        Neural Network Representations Revisited", ICML 2019, table 1.

    Examples:
        One of two directions is shared, the other unrelated:

        >>> a = jnp.array([[1.0, 1.0], [1.0, -1.0], [-1.0, 1.0], [-1.0, -1.0]])
        >>> b = a.at[:, 1].set(a[:, 0] * a[:, 1])
        >>> round(mean_cca(a, b).item(), 4)
        0.5
    """

    def prepare(self, features: Float[Array, "n d"]) -> Subspace:
        """Finds the span of the centred features, each in its own unit: a large one must not hide the others."""
        return subspace(rescaled(centred(features), axis=0))

    def compare(self, a: Subspace, b: Subspace) -> Float[Array, ""]:
        """Averages the correlations."""
        return nuclear_norm(product(a.basis.T, b.basis)) / _correlations(a, b)


@dataclasses.dataclass(frozen=True, kw_only=True)
class MeanSquaredCCA(MeanCCA):
    r"""The mean squared canonical correlation $\frac{1}{k} \sum_{i \le k} \rho_i^2$, with k the smaller rank.

    Range, invariances, degenerate cases and cost are those of `MeanCCA`; no singular values are needed to compare.

    References:
        Kornblith et al., "Similarity of Neural Network Representations Revisited", ICML 2019, table 1 (R^2_CCA).
    """

    def compare(self, a: Subspace, b: Subspace) -> Float[Array, ""]:
        """Averages the squared correlations."""
        return jnp.square(product(a.basis.T, b.basis)).sum() / _correlations(a, b)


@dataclasses.dataclass(frozen=True, kw_only=True)
class SVCCA(MeanCCA):
    r"""The mean canonical correlation between the leading singular directions of each side.

    Each side keeps the fewest directions that explain `threshold` of its variance, the sum of squared singular values,
    as the paper says; the authors' code cumulates the singular values themselves, which keeps more. In [0, 1]; ignores
    each side's shift, scale and rotation. Constant features score 0. The derivative follows the kept directions; the
    number of them counts as a constant.

    Time $O(n d \min(n, d))$, memory beyond the features $O(n \min(n, d))$.

    Attributes:
        threshold: the share of the variance to explain, in (0, 1].

    Raises:
        TypeError: If a dtype is not a real floating one.
        ValueError: If the features are not two non-empty matrices with equally many rows, or `threshold` is not in
            (0, 1].

    References:
        Raghu, Gilmer, Yosinski and Sohl-Dickstein, "SVCCA: Singular Vector Canonical Correlation Analysis for Deep
        Learning Dynamics and Interpretability", NeurIPS 2017, section 2.
    """

    threshold: float = 0.99

    def __post_init__(self) -> None:
        if not 0 < self.threshold <= 1:
            raise ValueError(f"expected a share of the variance in (0, 1], got threshold={self.threshold}")

    def prepare(self, features: Float[Array, "n d"]) -> Subspace:
        """Finds the leading directions of the centred features."""
        return subspace(rescaled(centred(features)), self.threshold)


class Weighted(NamedTuple):
    """One network's centred features, and their span."""

    features: Float[Array, "n d"]
    span: Subspace


@dataclasses.dataclass(frozen=True, kw_only=True)
class PWCCA(TwoStepMeasure):
    r"""The projection-weighted mean $\sum_i \alpha_i \rho_i / \sum_i \alpha_i$ of the k canonical correlations.

    The weight $\alpha_i = \sum_j |\langle h_i, a_j \rangle|$ says how much of the features $a_j$ of the first argument
    its canonical variate $h_i$ accounts for; so the measure is not symmetric. In [0, 1]; ignores shift and scale of a,
    and any invertible affine map of b. Constant features score 0.

    Where correlations repeat, their variates, and so the weights, are not unique: the value is that of the
    factorisation's choice, and in the derivative those variates do not turn into each other.

    Time $O(n d \min(n, d))$, memory beyond the features $O(n \min(n, d))$.

    Raises:
        TypeError: If a dtype is not a real floating one.
        ValueError: If the features are not two non-empty matrices with equally many rows.

    References:
        Morcos, Raghu and Bengio, "Insights on representational similarity in neural networks with canonical
        correlation", NeurIPS 2018, section 2.2.
    """

    def prepare(self, features: Float[Array, "n d"]) -> Weighted:
        """Centres the features and finds their span."""
        a = rescaled(centred(features))
        return Weighted(a, subspace(rescaled(a, axis=0)))

    def compare(self, a: Weighted, b: Weighted) -> Float[Array, ""]:
        """Weights the correlations by the projections of a."""
        vectors, correlations = left_singular(product(a.span.basis.T, b.span.basis))
        projections = product(vectors.T, product(a.span.basis.T, a.features))
        counted = jnp.arange(len(correlations)) < _correlations(a.span, b.span)
        weights = magnitude(projections).sum(axis=1) * counted
        return ratio((weights * correlations).sum(), weights.sum())


@dataclasses.dataclass(frozen=True, kw_only=True)
class RidgeCCA(TwoStepMeasure):
    r"""The mean singular value of $(A^T A + \lambda I)^{-1/2} A^T B (B^T B + \mu I)^{-1/2}$, over min(d1, d2) of them.

    $\lambda = r \operatorname{tr}(A^T A) / d_1$ and likewise $\mu$ are relative to the mean variance of a feature, so
    that the scale does not matter. In [0, 1), and below `mean_cca` even for equal features; ignores each side's shift,
    scale and rotation. Constant features score 0. Unlike CCA it tells wide features (d >= n) apart.

    With $QR = [A; \sqrt\lambda I]$, the first n rows of Q are $A (A^T A + \lambda I)^{-1/2}$ up to a rotation, which
    singular values do not notice; nothing is squared, so that a small ridge does not fail as a Cholesky factor would.
    Time $O((n + d) d^2)$, memory $O((n + d) d)$.

    Attributes:
        ridge: r, positive.

    Raises:
        TypeError: If a dtype is not a real floating one.
        ValueError: If the features are not two non-empty matrices with equally many rows, or `ridge` is not positive.

    References:
        Vinod, "Canonical ridge and econometrics of joint production", Journal of Econometrics 4, 1976.
    """

    ridge: float = 0.01

    def __post_init__(self) -> None:
        if not 0 < self.ridge < float("inf"):
            raise ValueError(f"expected a positive, finite ridge, got ridge={self.ridge}; use mean_cca for none")

    def prepare(self, features: Float[Array, "n d"]) -> Float[Array, "n d"]:
        """Whitens the centred features, up to the ridge and a rotation."""
        a = rescaled(centred(features))
        n, d = a.shape
        root = clipped_root(self.ridge * jnp.square(a).sum() / d, degree=2)
        root = jnp.where(root == 0, 1.0, root)  # constant features: any ridge leaves zeros
        return jnp.linalg.qr(jnp.concatenate([a, root * jnp.eye(d, dtype=a.dtype)]))[0][:n]

    def compare(self, a: Float[Array, "n d1"], b: Float[Array, "n d2"]) -> Float[Array, ""]:
        """Averages the ridged correlations."""
        return nuclear_norm(product(a.T, b)) / min(a.shape[1], b.shape[1])


def _correlations(a: Subspace, b: Subspace) -> Float[Array, ""]:
    """Counts the canonical correlations, at least 1: without any their sum is 0, and so is their mean."""
    return jnp.maximum(jnp.minimum(a.rank, b.rank), 1)


mean_cca = MeanCCA()
mean_squared_cca = MeanSquaredCCA()
svcca = SVCCA()
pwcca = PWCCA()
ridge_cca = RidgeCCA()
