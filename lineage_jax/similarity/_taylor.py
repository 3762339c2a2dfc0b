"""The Taylor form: a similarity expanded to first order along the tangent of the parent's features."""

from collections.abc import Callable

import jax
from jaxtyping import Array, Float

from lineage_jax.similarity._norms import RootedMeasure
from lineage_jax.typing import Measure


def taylor(
    measure: Measure,
    value: Float[Array, "n d"],
    tangent: Float[Array, "n d"],
    target: Float[Array, "n e"],
    *,
    alpha: float | Float[Array, "..."],
) -> Float[Array, "..."]:
    r"""Expands a similarity along the tangent: $S(F_p, F_c) + \alpha \langle \partial S / \partial F_p, J D \rangle$.

    One `jvp` of the measure serves every alpha. For a `RootedMeasure` the power mean is expanded, clipped to <= 0, and
    the root taken last, since the root itself has no derivative where the features agree.

    **Beyond a limit the farthest candidate wins.** Near its maximum a measure is $S_{max} - q(F_p - F_c)$ with q
    homogeneous of some degree k. Along a tangent that leads to the child, $J D = F_c - F_p$, q falls by k q, so that
    the form is $S_{max} + (k \alpha - 1) q$: below $\alpha = 1/k$ it keeps the order of the candidates, at 1/k all of
    them tie, above it the order is turned round. A measure that is smooth at its maximum has k = 2 and the limit 1/2
    (cosine, CKA, distance correlation, CCA, squared Procrustes; `l2`, whose square is expanded); `lp` has 1/4; `l1`,
    `linf`, `lse` and Procrustes, which have a kink there, have 1. A tangent that leads c times as far as the child lies
    lowers the limit to 1 / (k c). The exact form, $S(F_p + \alpha J D, F_c) = S_{max} - (1 - \alpha)^k q$, keeps the
    order at every alpha below 1.

    Args:
        measure: any differentiable similarity.
        value: the parent's features F_p.
        tangent: their tangent J D.
        target: the child's features F_c.
        alpha: strength of the approximation, one or an array of them; 0 is the direct score.

    Returns:
        The score for each alpha, in alpha's shape.

    References:
        Yu and Wang, "Neural Lineage", CVPR 2024.

    Examples:
        Half a step along a tangent that leads straight to the child halves the distance:

        >>> import jax.numpy as jnp
        >>> from lineage_jax import similarity
        >>> parent, child = jnp.zeros((4, 2)), jnp.ones((4, 2))
        >>> similarity.taylor(similarity.l1, parent, child - parent, child, alpha=jnp.array([0.0, 0.5])).tolist()
        [-1.0, -0.5]

        Of two near candidates cosine names the nearer one below its limit of 1/2, and the other one above:

        >>> child = jnp.array([[1.0, 0.0], [0.0, 1.0]])
        >>> near, far = child + 0.01 * child[::-1], child + 0.03 * child[::-1]
        >>> score = lambda parent, alpha: similarity.taylor(
        ...     similarity.cosine, parent, child - parent, child, alpha=alpha
        ... ).item()
        >>> [score(near, alpha) > score(far, alpha) for alpha in (0.0, 0.3, 0.6, 1.0)]
        [True, True, False, False]
    """
    if not isinstance(measure, RootedMeasure):
        return _expand(lambda features: measure(features, target), value, tangent, alpha)
    unit = measure.unit(value, target)
    power = _expand(lambda features: measure.power(features, target, unit=unit), value, tangent, alpha)
    return measure.root(power, unit=unit)


def _expand(
    function: Callable[[Float[Array, "n d"]], Float[Array, ""]],
    value: Float[Array, "n d"],
    tangent: Float[Array, "n d"],
    alpha: float | Float[Array, "..."],
) -> Float[Array, "..."]:
    score, slope = jax.jvp(function, (value,), (tangent,))
    return score + alpha * slope
