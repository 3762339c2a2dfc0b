"""How far apart two kernels are, and how far fine-tuning moved the tangent kernel."""

from collections.abc import Sequence

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from lineage_jax.linearize._held import HELD
from lineage_jax.linearize._ntk import ntk_trace
from lineage_jax.linearize._step import split_one_of
from lineage_jax.typing import FeatureFn, Features, Inputs, Params


def kernel_alignment(k1: Float[Array, "n n"], k2: Float[Array, "n n"]) -> Float[Array, ""]:
    r"""Computes the cosine $\langle K_1, K_2 \rangle_F / (\|K_1\|_F \|K_2\|_F)$; a zero kernel scores 0.

    With `k2 = y @ y.T` this is the kernel-target alignment.

    References:
        Cristianini et al., "On kernel-target alignment", NeurIPS 2001.

    Examples:
        >>> kernel_alignment(jnp.ones((2, 2)), jnp.full((2, 2), 3.0)).item()
        1.0
    """
    norms = jnp.linalg.norm(k1) * jnp.linalg.norm(k2)
    return jnp.where(norms > 0, (k1 * k2).sum() / jnp.where(norms > 0, norms, 1), 0)


def centred_kernel_alignment(k1: Float[Array, "n n"], k2: Float[Array, "n n"]) -> Float[Array, ""]:
    """Computes the alignment of the doubly centred kernels; biased, it is the CKA of the two.

    References:
        Cortes, Mohri and Rostamizadeh, "Algorithms for learning kernels based on centered alignment", JMLR 13, 2012,
        definition 4.
    """
    return kernel_alignment(_centred(k1), _centred(k2))


def relative_kernel_change(
    feature_fn: FeatureFn,
    parent: Params,
    child: Params,
    inputs: Inputs,
    *,
    held: Sequence[str] = HELD,
    batch_size: int = 1,
) -> Features:
    r"""Computes $\|K_c - K_p\|_F / \|K_p\|_F$ of the trace kernels, the parent's held leaves in both.

    Args:
        feature_fn: pure function `(params, inputs) -> [n, ...]` or `{layer: [n, ...]}`, examples independent.
        parent: variables of the candidate parent.
        child: variables of the child.
        inputs: probes.
        held: path prefixes that stay the parent's, and are not differentiated.
        batch_size: unit vectors at a time.

    Returns:
        One number a layer: 0 where both kernels vanish, inf where the parent's alone does.

    References:
        Fort et al., "Deep learning versus kernel learning", NeurIPS 2020.
    """
    _, rebuild = split_one_of(parent, held)
    moved = rebuild(split_one_of(child, held)[0])
    before, after = (ntk_trace(feature_fn, p, inputs, held=held, batch_size=batch_size) for p in (parent, moved))
    return jax.tree.map(_relative_change, before, after)


def _relative_change(before: Float[Array, "n n"], after: Float[Array, "n n"]) -> Float[Array, ""]:
    size, change = jnp.linalg.norm(before), jnp.linalg.norm(after - before)
    return jnp.where(change > 0, change / size, 0)


def _centred(kernel: Float[Array, "n n"]) -> Float[Array, "n n"]:
    rows = kernel - kernel.mean(axis=0, keepdims=True)
    return rows - rows.mean(axis=1, keepdims=True)
