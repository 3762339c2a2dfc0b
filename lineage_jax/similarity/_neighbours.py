"""Mutual nearest neighbours."""

import dataclasses

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from lineage_jax.similarity._distances import PairwiseMatrix, cosine_distance
from lineage_jax.similarity._rows import map_rows, own
from lineage_jax.similarity._two_steps import TwoStepMeasure


@dataclasses.dataclass(frozen=True, kw_only=True)
class MutualKNN(TwoStepMeasure):
    r"""The share of an example's k nearest neighbours that two networks agree on.

    That is $\frac{1}{nk} \sum_i |N^A_i \cap N^B_i|$.
    In [0, 1]; unrelated features score about k / (n - 1). Time O(n^2 d), memory O(n^2) up to 4,096 examples and
    O(n d) above. Of equally near examples the earlier ones count. Neighbours do not move with the features: the
    derivative is 0, and the Taylor form does not depend on alpha.

    Attributes:
        k: neighbours an example, fewer than there are examples; the original's default is 10.
        distance: `cosine_distance` as in the original, which normalises the features, or another one.

    Raises:
        TypeError: If a dtype is not a real floating one.
        ValueError: If the features are not two non-empty matrices with equally many rows, more than `k`, or `k < 1`.

    References:
        Huh, Cheung, Wang and Isola, "The Platonic Representation Hypothesis", ICML 2024, appendix A.

    Examples:
        >>> from lineage_jax import similarity
        >>> a, b = jnp.array([[0.0], [1.0], [5.0], [7.0]]), jnp.array([[0.0], [5.0], [1.0], [7.0]])
        >>> MutualKNN(k=1, distance=similarity.euclidean_distance)(a, b).item()
        0.0
    """

    k: int = 10
    distance: PairwiseMatrix = cosine_distance

    def __post_init__(self) -> None:
        if self.k < 1:
            raise ValueError(f"expected at least one neighbour, got k={self.k}")

    def prepare(self, features: Float[Array, "n d"]) -> tuple[Int[Array, "n k"], Float[Array, ""]]:
        """Finds the nearest neighbours; the second part is 0, or NaN where a distance is."""
        n = len(features)
        if n <= self.k:
            raise ValueError(f"expected more examples than neighbours, got {n} examples and k={self.k}; lower k")
        represented = jax.lax.stop_gradient(self.distance.represent(features))

        def nearest(start: Array | int, size: int) -> tuple[Array, Array]:
            distances = self.distance.rows(represented, start, size)
            _, neighbours = jax.lax.top_k(-jnp.where(own(start, size, n), jnp.inf, distances), self.k)
            return neighbours, 0 * distances.sum(axis=1)

        neighbours, undefined = map_rows(nearest, n)
        return neighbours, undefined.sum()

    def compare(
        self,
        a: tuple[Int[Array, "n k"], Float[Array, ""]],
        b: tuple[Int[Array, "n k"], Float[Array, ""]],
    ) -> Float[Array, ""]:
        """Counts the common neighbours."""
        (ours, undefined_a), (theirs, undefined_b) = a, b
        common = (ours[:, :, None] == theirs[:, None, :]).sum()
        return common / ours.size + undefined_a + undefined_b


mutual_knn = MutualKNN()
