"""The distance that is left when one network's features are rotated onto the other's."""

import dataclasses
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from lineage_jax.similarity._products import product
from lineage_jax.similarity._standardise import centred, rescaled
from lineage_jax.similarity._two_steps import TwoStepMeasure
from lineage_jax.similarity._zero_safe import clipped_root, ratio


class Unit(NamedTuple):
    """One network's centred features of unit norm; where they are constant, zeros, and `missing` is 1 instead of 0."""

    features: Float[Array, "n d"]
    missing: Float[Array, ""]


@dataclasses.dataclass(frozen=True, kw_only=True)
class SquaredProcrustes(TwoStepMeasure):
    r"""$-d^2$, with $d^2 = \min_Q \|A - BQ\|_F^2 = 2 - 2 \|A^T B\|_*$ of centred features of unit norm.

    In [-2, 0]; ignores each side's shift, scale and rotation. The narrower side counts as padded with zeros. The
    residual itself is summed, for 2 - 2s would lose in float32 all that tells a child from its parent. Constant
    features (always so for n = 1) are as far as orthogonal ones: they score -2, even against each other.

    The best rotation counts as a constant in derivatives, which is exact to first order, because the residual is
    stationary there. Time $O(n d^2 + d^3)$, memory beyond the features $O(d^2)$.

    Raises:
        TypeError: If a dtype is not a real floating one.
        ValueError: If the features are not two non-empty matrices with equally many rows.

    References:
        Ding, Denain and Steinhardt, "Grounding Representation Similarity Through Statistical Testing", NeurIPS 2021.
    """

    def prepare(self, features: Float[Array, "n d"]) -> Unit:
        """Centres the features and gives them unit norm."""
        a = rescaled(centred(features))
        norm = clipped_root(jnp.square(a).sum(), degree=2)
        return Unit(ratio(a, norm), (norm == 0).astype(a.dtype))

    def compare(self, a: Unit, b: Unit) -> Float[Array, ""]:
        """Negates the squared distance."""
        return -_squared_distance(a, b)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Procrustes(SquaredProcrustes):
    r"""$-d$: minus the Procrustes distance of centred features of unit norm, a metric.

    In [-sqrt(2), 0]; cost, invariances and degenerate cases are those of `SquaredProcrustes`. At distance 0 the
    derivative is taken to be 0.

    References:
        Williams, Kunz, Kornblith and Linderman, "Generalized Shape Metrics on Neural Representations", NeurIPS 2021.

    Examples:
        A rotation, a shift and a scale go unnoticed:

        >>> a = jnp.array([[0.0, 0.0], [1.0, 0.0], [0.0, 2.0], [3.0, 1.0]])
        >>> b = 5 + 3 * a @ jnp.array([[0.0, 1.0], [-1.0, 0.0]])
        >>> (procrustes(a, b) > -1e-6).item()
        True
    """

    def compare(self, a: Unit, b: Unit) -> Float[Array, ""]:
        """Negates the distance."""
        return -clipped_root(_squared_distance(a, b), degree=2)


@dataclasses.dataclass(frozen=True, kw_only=True)
class AngularProcrustes(SquaredProcrustes):
    r"""$-\arccos \|A^T B\|_*$ of centred features of unit norm, in radians: minus a geodesic metric.

    In [-pi/2, 0]; cost, invariances and degenerate cases are those of `SquaredProcrustes`. The angle is computed as
    $2 \arcsin(d / 2)$, accurate where it is small. At angle 0 the derivative is taken to be 0.

    References:
        Williams, Kunz, Kornblith and Linderman, "Generalized Shape Metrics on Neural Representations", NeurIPS 2021.
    """

    def compare(self, a: Unit, b: Unit) -> Float[Array, ""]:
        """Negates the angle."""
        return -2 * jnp.arcsin(clipped_root(_squared_distance(a, b), degree=2) / 2)


def _squared_distance(a: Unit, b: Unit) -> Float[Array, ""]:
    missing = jnp.maximum(a.missing, b.missing)
    narrow, wide = sorted((a.features, b.features), key=lambda x: x.shape[1])
    rotation = _rotation(narrow, wide)
    turned = product(wide, rotation)
    residual = jnp.square(narrow - turned).sum()
    if narrow.shape[1] < wide.shape[1]:  # what the rotation leaves out of the wider side
        residual += jnp.square(wide - product(turned, rotation.T)).sum()
    # constant features leave a residual of their own: 0 or 1, brought to the 2 of orthogonal features
    return residual + missing * (2 - residual)


def _rotation(narrow: Float[Array, "n d1"], wide: Float[Array, "n d2"]) -> Float[Array, "d2 d1"]:
    """Returns the orthonormal columns that turn `wide` onto `narrow` best, constant in derivatives."""
    u, _, vt = jnp.linalg.svd(jax.lax.stop_gradient(product(wide.T, narrow)), full_matrices=False)
    q = product(u, vt)
    # a step of Newton's iteration for the polar factor: rounding in q's lengths would add to the residual directly
    return 1.5 * q - 0.5 * product(q, product(q.T, q))


squared_procrustes = SquaredProcrustes()
procrustes = Procrustes()
angular_procrustes = AngularProcrustes()
