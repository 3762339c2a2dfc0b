"""Centred kernel alignment: linear and RBF kernels, biased, debiased, and over minibatches."""

import dataclasses
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from lineage_jax.similarity import _debiased
from lineage_jax.similarity._matrix_cosine import (
    MatrixCosine,
    Whole,
    centre,
    check_examples,
    double_centring,
    u_centring,
)
from lineage_jax.similarity._products import inner, product
from lineage_jax.similarity._rbf import RBFKernel
from lineage_jax.similarity._standardise import balanced, centred, rescaled, settled
from lineage_jax.similarity._two_steps import TwoStepMeasure
from lineage_jax.similarity._zero_safe import clipped_root, ratio


class Linear(NamedTuple):
    """One network seen through its linear kernel.

    Attributes:
        features: centred and rescaled.
        gram: the centred kernel matrix, where that is cheaper than the features.
        norm: of the centred kernel matrix.
    """

    features: Float[Array, "n d"]
    gram: Float[Array, "n n"] | None
    norm: Float[Array, ""]


@dataclasses.dataclass(frozen=True, kw_only=True)
class LinearCKA(TwoStepMeasure):
    r"""$\|A^T B\|_F^2 / (\|A^T A\|_F \|B^T B\|_F)$ of centred features.

    With $K = AA^T$ and $L = BB^T$ the same number is $\langle K, L \rangle_F / (\|K\|_F \|L\|_F)$; the form with fewer
    multiplications is chosen by shape, so that time is $O(n d \min(n, d))$ and memory beyond the features
    $O(\min(n, d)^2)$. `linear_cka` is the biased estimator: unrelated features score about d / (n + d), not 0. It is
    also the RV coefficient of Robert and Escoufier (1976), `rv_coefficient`.

    `debiased_cka` replaces both inner products by the unbiased estimator HSIC_1, in which the diagonals take no part:
    unrelated features score about 0, whatever n and d. It may be negative, is not clipped, and needs 4 examples.

    Features that are constant over the examples (always so for n = 1) have no kernel to align; they score 0, and so do
    the derivatives.

    Attributes:
        debiased: whether HSIC_1 stands in for the biased inner products.

    Raises:
        TypeError: If a dtype is not a real floating one.
        ValueError: If the features are not two non-empty matrices with equally many rows, or fewer than 4 for the
            debiased form.

    References:
        Kornblith, Norouzi, Lee and Hinton, "Similarity of Neural Network Representations Revisited", ICML 2019,
        section 3. Song et al., "Feature selection via dependence maximization", JMLR 13, 2012, equation 5 (HSIC_1).

    Examples:
        A rotation and a scale go unnoticed:

        >>> from lineage_jax import similarity
        >>> a = jnp.array([[0.0, 0.0], [1.0, 0.0], [0.0, 2.0], [3.0, 1.0]])
        >>> b = 3 * a @ jnp.array([[0.0, 1.0], [-1.0, 0.0]])
        >>> round(similarity.linear_cka(a, b).item(), 4), round(similarity.debiased_cka(a, b).item(), 4)
        (1.0, 1.0)
    """

    debiased: bool = False

    def prepare(self, features: Float[Array, "n d"]) -> Linear | Whole | _debiased.Blocks:
        """Centres the features, and forms their Gram matrix where they are wide."""
        if self.debiased:
            return _debiased.prepare(features)
        n, d = features.shape
        a = rescaled(centred(features))
        if 3 * d <= 2 * n:  # three products of n d^2 multiplications, or two of n^2 d
            alone = Linear(a, None, jnp.ones((), a.dtype))
            return alone._replace(norm=clipped_root(_inner(alone, alone), degree=2))
        return Linear(a, *centre(product(a, a.T), double_centring))

    def compare(self, a: Any, b: Any) -> Float[Array, ""]:
        """Returns the cosine of the two kernels."""
        return _debiased.compare(a, b) if self.debiased else ratio(_inner(a, b), a.norm * b.norm)


@dataclasses.dataclass(frozen=True, kw_only=True)
class MinibatchCKA(TwoStepMeasure):
    r"""Debiased linear CKA from minibatches: HSIC_1 averaged over batches, then divided.

    Time $O(n b d)$, memory $O(n (b + d))$. Batches are runs of `batch_size` consecutive examples; what is left over
    (n mod batch_size) takes no part, and fewer examples than that are one batch. Each batch is unbiased, so that a
    small one costs noise, not bias; with one batch this is `debiased_cka`.

    Attributes:
        batch_size: examples a batch, at least 4.

    Raises:
        TypeError: If a dtype is not a real floating one.
        ValueError: If the features are not two matrices with equally many rows, at least 4, or `batch_size < 4`.

    References:
        Nguyen, Raghu and Kornblith, "Do wide and deep networks learn the same things?", ICLR 2021, section 3.
    """

    batch_size: int = 256

    def __post_init__(self) -> None:
        if self.batch_size < 4:
            raise ValueError(f"expected batches of at least 4 examples, got batch_size={self.batch_size}")

    def prepare(self, features: Float[Array, "n d"]) -> tuple[Float[Array, "k b b"], Float[Array, ""]]:
        """Computes the U-centred Gram matrices of all batches, and their joint norm."""
        n, d = features.shape
        check_examples(n, least=u_centring.least)
        size = min(n, self.batch_size)
        batches = balanced(settled(features))[: n // size * size].reshape(-1, size, d)
        grams = jax.vmap(lambda batch: _debiased.whole(settled(batch)))(batches)
        return grams.centred, clipped_root(jnp.square(grams.norm).sum(), degree=2)

    def compare(
        self, a: tuple[Float[Array, "k b b"], Float[Array, ""]], b: tuple[Float[Array, "k b b"], Float[Array, ""]]
    ) -> Float[Array, ""]:
        """Returns the cosine of the batches' kernels."""
        return ratio((a[0] * b[0]).sum(), a[1] * b[1])


def _inner(a: Linear, b: Linear) -> Float[Array, ""]:
    if a.gram is not None and b.gram is not None:
        return inner(a.gram, b.gram)
    crossed = product(a.features.T, b.features)
    return inner(crossed, crossed)


linear_cka = LinearCKA()
rv_coefficient = linear_cka
debiased_cka = LinearCKA(debiased=True)
minibatch_cka = MinibatchCKA()
rbf_cka = MatrixCosine(matrix=RBFKernel(), centring=double_centring)
debiased_rbf_cka = MatrixCosine(matrix=RBFKernel(), centring=u_centring)
