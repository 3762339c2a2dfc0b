"""The Taylor form: a similarity expanded to first order along the tangent of the parent's features."""

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
    """
    expanded = measure.power if isinstance(measure, RootedMeasure) else measure
    score, slope = jax.jvp(lambda features: expanded(features, target), (value,), (tangent,))
    moved = score + alpha * slope
    return measure.root(moved) if isinstance(measure, RootedMeasure) else moved
