"""The negated soft maximum of the difference of two feature matrices."""

import jax
from jaxtyping import Array, Float

from lineage_jax.similarity._means import mean_over_examples
from lineage_jax.similarity._operands import aligned
from lineage_jax.similarity._zero_safe import magnitude


@mean_over_examples
def lse(a: Float[Array, "n d"], b: Float[Array, "n d"], *, temperature: float = 0.02) -> Float[Array, ""]:
    r"""Returns $-\frac{1}{nd} \sum_i \frac{1}{t} \log \sum_j \exp(t |A - B|_{ij})$.

    Features that agree score $-\log(d) / (t d)$, not 0. Apart from that offset and a factor 1/d the measure is `l1` for
    small t, and it becomes `linf` as t grows. The exponent is not clipped: the logarithm of the sum is taken stably, so
    value and derivative belong together at any size (the original clips t|A - B| at 10, in the value alone).

    Args:
        a: features of one network.
        b: features of the other.
        temperature: t, in inverse units of the features. The default is the original's.

    Raises:
        TypeError: If a dtype is not a real floating one.
        ValueError: If the features are not two equally shaped, non-empty matrices, or `temperature` is not positive.

    References:
        Yu and Wang, "Neural Lineage", CVPR 2024.

    Examples:
        With one feature the soft maximum is the difference itself:

        >>> import jax.numpy as jnp
        >>> round(lse(jnp.zeros((2, 1)), jnp.array([[1.0], [3.0]])).item(), 4)
        -2.0
    """
    if not temperature > 0:
        raise ValueError(f"expected a positive temperature, got {temperature}; the default is 0.02")
    a, b = aligned(a, b)
    soft_maximum = jax.nn.logsumexp(temperature * magnitude(a - b), axis=1) / temperature
    return -soft_maximum.sum() / a.size
