"""The subspace that features span over the examples, and singular values, with derivatives finite everywhere.

The derivative of a singular value decomposition divides by gaps between singular values, and is undefined where two
agree. What depends on a subspace only, or on the sum of all singular values, has a derivative without those gaps.
"""

import functools
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from lineage_jax.similarity._products import product
from lineage_jax.similarity._zero_safe import ratio


class Subspace(NamedTuple):
    """An orthonormal basis, padded with columns of zeros to a static shape, r = min(n, d).

    Attributes:
        basis: orthonormal columns, then columns of zeros.
        rank: the number of columns that are not zero.
    """

    basis: Float[Array, "n r"]
    rank: Float[Array, ""]


def cutoff(s: Float[Array, " r"], shape: tuple[int, ...]) -> Float[Array, ""]:
    """Returns the value up to which a singular value counts as rounding of 0: `max(shape) * eps` of the largest."""
    return max(shape) * jnp.finfo(s.dtype).eps * s.max()


@functools.partial(jax.custom_jvp, nondiff_argnums=(1,))
def subspace(a: Float[Array, "n d"], share: float = 1.0) -> Subspace:
    r"""Finds the fewest leading left singular vectors that explain `share` of the sum of squares of `a`.

    Directions whose singular value is at most max(n, d) eps times the largest are dropped even for a share of 1. Time
    $O(n d \min(n, d))$. NaN features give a basis of NaN.

    The derivative is that of the subspace, in the gauge where kept vectors do not turn into each other, and holds for
    whatever does not depend on the choice of basis. The rank counts as a constant, and so do directions below the
    cutoff; kept and dropped directions that tie do not mix.

    Args:
        a: the matrix.
        share: of the sum of squares, in (0, 1].
    """
    u, s, _ = jnp.linalg.svd(a, full_matrices=False)
    return _leading(u, _kept(s, a.shape, share))


@subspace.defjvp
def _subspace_jvp(
    share: float, primals: tuple[Float[Array, "n d"]], tangents: tuple[Float[Array, "n d"]]
) -> tuple[Subspace, Subspace]:
    (a,), (da,) = primals, tangents
    u, s, vt = jnp.linalg.svd(a, full_matrices=False)
    kept = _kept(s, a.shape, share)
    towards = product(da, vt.T)
    inner = product(u.T, towards)  # u_i' dA v_j
    gap = jnp.where(~kept[:, None] & kept, s**2 - s[:, None] ** 2, 0.0)  # 0 marks the pairs that do not mix
    mixed = product(u, ratio(inner * s + (inner * s).T, gap))
    outside = ratio(towards - product(u, inner), jnp.where(kept, s, 0.0))
    value = _leading(u, kept)
    return value, Subspace(outside + mixed, jnp.zeros_like(value.rank))


@jax.custom_jvp
def nuclear_norm(m: Float[Array, "d1 d2"]) -> Float[Array, ""]:
    """Sums the singular values; those that are 0 up to rounding take no part in the derivative."""
    return jnp.linalg.svd(m, compute_uv=False).sum()


@nuclear_norm.defjvp
def _nuclear_norm_jvp(
    primals: tuple[Float[Array, "d1 d2"]], tangents: tuple[Float[Array, "d1 d2"]]
) -> tuple[Float[Array, ""], Float[Array, ""]]:
    (m,), (dm,) = primals, tangents
    u, s, vt = jnp.linalg.svd(m, full_matrices=False)
    return s.sum(), (product(u * (s > cutoff(s, m.shape)), vt) * dm).sum()


@jax.custom_jvp
def left_singular(m: Float[Array, "d1 d2"]) -> tuple[Float[Array, "d1 r"], Float[Array, " r"]]:
    """Computes left singular vectors and singular values.

    The derivative is the ordinary one between distinct singular values; vectors whose squared values agree up to
    rounding are taken not to turn into each other, and those of value 0 not to leave their span.
    """
    u, s, _ = jnp.linalg.svd(m, full_matrices=False)
    return u, s


@left_singular.defjvp
def _left_singular_jvp(
    primals: tuple[Float[Array, "d1 d2"]], tangents: tuple[Float[Array, "d1 d2"]]
) -> tuple[tuple[Float[Array, "d1 r"], Float[Array, " r"]], tuple[Float[Array, "d1 r"], Float[Array, " r"]]]:
    (m,), (dm,) = primals, tangents
    u, s, vt = jnp.linalg.svd(m, full_matrices=False)
    towards = product(dm, vt.T)
    inner = product(u.T, towards)
    gap = s**2 - s[:, None] ** 2
    gap = jnp.where(jnp.abs(gap) > cutoff(s**2, m.shape), gap, 0.0)
    mixed = product(u, ratio(inner * s + (inner * s).T, gap))
    outside = ratio(towards - product(u, inner), jnp.where(s > cutoff(s, m.shape), s, 0.0))
    return (u, s), (outside + mixed, jnp.diag(inner))


def _kept(s: Float[Array, " r"], shape: tuple[int, ...], share: float) -> Bool[Array, " r"]:
    # what is left from direction i on, summed from the smallest: no digit of the small ones is lost
    left = jnp.cumsum(s[::-1] ** 2)[::-1]
    return (s > cutoff(s, shape)) & (left > (1 - share) * left[0])


def _leading(u: Float[Array, "n r"], kept: Bool[Array, " r"]) -> Subspace:
    # a product, not a choice: NaN features must not pass for features of rank 0
    return Subspace(u * kept, kept.sum(dtype=u.dtype))
