"""The cosine between the two features of each example."""

from jaxtyping import Array, Float

from lineage_jax.similarity._means import mean_over_examples
from lineage_jax.similarity._operands import aligned
from lineage_jax.similarity._standardise import rescaled
from lineage_jax.similarity._zero_safe import clipped_root, ratio


@mean_over_examples
def cosine(a: Float[Array, "n d"], b: Float[Array, "n d"]) -> Float[Array, ""]:
    r"""Returns $\frac{1}{n} \sum_i \langle A_i, B_i \rangle / (\|A_i\| \|B_i\|)$, the mean over examples.

    A row of zeros has no direction; its cosine and the derivative of it count as 0. No eps stands in the denominator,
    for it would make the measure depend on the features' scale. Rows are scaled to a largest entry of 1 instead, so
    that no norm underflows.

    Raises:
        TypeError: If a dtype is not a real floating one.
        ValueError: If the features are not two equally shaped, non-empty matrices.

    Examples:
        >>> import jax.numpy as jnp
        >>> round(cosine(jnp.array([[1.0, 0.0], [0.0, 2.0]]), jnp.array([[3.0, 0.0], [5.0, 0.0]])).item(), 4)
        0.5
    """
    a, b = aligned(a, b)
    a, b = rescaled(a, axis=1), rescaled(b, axis=1)
    lengths = clipped_root((a * a).sum(axis=1), degree=2) * clipped_root((b * b).sum(axis=1), degree=2)
    return ratio((a * b).sum(axis=1), lengths).mean()
