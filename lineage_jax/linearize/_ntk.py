r"""Empirical neural tangent kernels $\Theta(x_1, x_2) = J(x_1) J(x_2)^T$, without the Jacobians.

A column of the kernel is a product with one unit vector: the transposed pass of one example of x2, then the linear
pass at x1. Beyond the kernel itself, memory is that of `batch_size` sets of parameters and of their linear passes.
"""

from collections.abc import Callable, Sequence

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from lineage_jax.linearize._held import HELD
from lineage_jax.linearize._step import split_moving
from lineage_jax.linearize._tangent import as_matrices
from lineage_jax.typing import FeatureFn, Features, Inputs, Params

Layer = Callable[[dict[str, Array], Inputs], Float[Array, "n d"]]

Columns = Float[Array, "n2 ..."] | Float[np.ndarray, "n2 ..."]
"""Probes of the columns, as many as you like."""


def empirical_ntk(
    feature_fn: FeatureFn,
    params: Params,
    x1: Inputs,
    x2: Columns | None = None,
    *,
    held: Sequence[str] = HELD,
    batch_size: int = 1,
) -> Features:
    """Computes the whole kernel of every layer.

    Args:
        feature_fn: pure function `(params, inputs) -> [n, ...]` or `{layer: [n, ...]}`, examples independent.
        params: variables of one network.
        x1: probes of the rows.
        x2: probes of the columns; by default `x1`.
        held: path prefixes with respect to which nothing is differentiated.
        batch_size: unit vectors at a time.

    Returns:
        `[n1, n2, d, d]` in the structure of the features, each flattened to d numbers an example.

    Raises:
        ValueError: If `batch_size < 1`.

    References:
        Jacot, Gabriel and Hongler, "Neural Tangent Kernel", NeurIPS 2018. Novak, Sohl-Dickstein and Schoenholz,
        "Fast finite width neural tangent kernel", ICML 2022, section 3.2 (NTK-vector products).

    Examples:
        >>> f = lambda params, x: x @ params["w"]
        >>> empirical_ntk(f, {"w": jnp.zeros((3, 1))}, jnp.ones((2, 3)))[..., 0, 0].tolist()
        [[3.0, 3.0], [3.0, 3.0]]
    """

    def kernel(layer: Layer, moving: dict[str, Array]) -> Float[Array, "n1 n2 d d"]:
        columns = _columns(layer, moving, x1, x2, batch_size, keep=lambda column, _: column)
        return jnp.transpose(columns, (2, 0, 3, 1))

    return _each_layer(feature_fn, params, x1, held, kernel)


def ntk_trace(
    feature_fn: FeatureFn,
    params: Params,
    x1: Inputs,
    x2: Columns | None = None,
    *,
    held: Sequence[str] = HELD,
    batch_size: int = 1,
) -> Features:
    """Computes the trace of the kernel over features, divided by d: the mean over features, as neural-tangents does.

    Args:
        feature_fn: pure function `(params, inputs) -> [n, ...]` or `{layer: [n, ...]}`, examples independent.
        params: variables of one network.
        x1: probes of the rows.
        x2: probes of the columns; by default `x1`.
        held: path prefixes with respect to which nothing is differentiated.
        batch_size: unit vectors at a time.

    Returns:
        `[n1, n2]` in the structure of the features.

    Raises:
        ValueError: If `batch_size < 1`.
    """

    def kernel(layer: Layer, moving: dict[str, Array]) -> Float[Array, "n1 n2"]:
        diagonal = _columns(layer, moving, x1, x2, batch_size, keep=lambda column, unit: column @ unit)
        return diagonal.mean(axis=1).T

    return _each_layer(feature_fn, params, x1, held, kernel)


def class_summed_ntk(
    feature_fn: FeatureFn,
    params: Params,
    x1: Inputs,
    x2: Columns | None = None,
    *,
    held: Sequence[str] = HELD,
) -> Features:
    r"""Computes the kernel of the one output $\sum_c f_c / \sqrt{d}$: d times cheaper than the trace.

    Args:
        feature_fn: pure function `(params, inputs) -> [n, ...]` or `{layer: [n, ...]}`, examples independent.
        params: variables of one network.
        x1: probes of the rows.
        x2: probes of the columns; by default `x1`.
        held: path prefixes with respect to which nothing is differentiated.

    Returns:
        `[n1, n2]` in the structure of the features.

    References:
        Mohamadi, Bae and Sutherland, "A fast, well-founded approximation to the empirical neural tangent kernel",
        ICML 2023 (pNTK).
    """

    def summed(variables: Params, inputs: Inputs) -> Features:
        features = as_matrices(feature_fn(variables, inputs))
        return jax.tree.map(lambda f: f.sum(axis=1) / f.shape[1] ** 0.5, features)

    return ntk_trace(summed, params, x1, x2, held=held)


def ntk_vector_product(
    feature_fn: FeatureFn,
    params: Params,
    vector: Features,
    x1: Inputs,
    x2: Columns | None = None,
    *,
    held: Sequence[str] = HELD,
) -> Features:
    r"""Multiplies the kernel of every layer with a vector, $J(x_1) J(x_2)^T v$, in two passes a layer.

    Args:
        feature_fn: pure function `(params, inputs) -> [n, ...]` or `{layer: [n, ...]}`.
        params: variables of one network.
        vector: `[n2, d]` in the structure of the features.
        x1: probes of the rows.
        x2: probes of the columns; by default `x1`.
        held: path prefixes with respect to which nothing is differentiated.

    Returns:
        `[n1, d]` in the structure of the features.
    """
    right = x1 if x2 is None else x2
    vectors = iter(jax.tree.leaves(vector))

    def product(layer: Layer, moving: dict[str, Array]) -> Float[Array, "n1 d"]:
        _, pull = jax.vjp(lambda leaves: layer(leaves, right), moving)
        return jax.jvp(lambda leaves: layer(leaves, x1), (moving,), pull(next(vectors)))[1]

    return _each_layer(feature_fn, params, x1, held, product)


def explicit_ntk(
    feature_fn: FeatureFn, params: Params, x1: Inputs, x2: Columns | None = None, *, held: Sequence[str] = HELD
) -> Features:
    """Computes the whole kernel from its Jacobians, n d |theta| numbers each: the direct form, for small networks.

    Args:
        feature_fn: pure function `(params, inputs) -> [n, ...]` or `{layer: [n, ...]}`.
        params: variables of one network.
        x1: probes of the rows.
        x2: probes of the columns; by default `x1`.
        held: path prefixes with respect to which nothing is differentiated.

    Returns:
        `[n1, n2, d, d]` in the structure of the features.
    """
    right = x1 if x2 is None else x2

    def kernel(layer: Layer, moving: dict[str, Array]) -> Float[Array, "n1 n2 d d"]:
        rows, columns = (jax.jacrev(layer)(moving, x) for x in (x1, right))

        def product(left: Array, right: Array) -> Float[Array, "n1 n2 d d"]:
            flat = (j.reshape(*j.shape[:2], -1) for j in (left, right))
            return jnp.einsum("iap,jbp->ijab", *flat, precision=jax.lax.Precision.HIGHEST)

        return jax.tree.reduce(jnp.add, jax.tree.map(product, rows, columns))

    return _each_layer(feature_fn, params, x1, held, kernel)


def _columns(
    layer: Layer, moving: dict[str, Array], x1: Inputs, x2: Columns | None, batch_size: int, *, keep: Callable
) -> Float[Array, "n2 d ..."]:
    """Returns, for every example of x2 and feature of it, what `keep(column [n1, d], unit [d])` keeps of the column."""
    if batch_size < 1:
        raise ValueError(f"expected batch_size of at least 1, got {batch_size}")
    value, push = jax.linearize(lambda leaves: layer(leaves, x1), moving)
    units = jnp.eye(value.shape[1], dtype=value.dtype)

    def of_example(example: Array) -> Array:
        _, pull = jax.vjp(lambda leaves: layer(leaves, example[None])[0], moving)
        return jax.lax.map(lambda unit: keep(push(*pull(unit)), unit), units, batch_size=min(batch_size, len(units)))

    return jax.lax.map(of_example, jnp.asarray(x1 if x2 is None else x2))


def _each_layer(
    feature_fn: FeatureFn,
    params: Params,
    inputs: Inputs,
    held: Sequence[str],
    compute: Callable[[Layer, dict[str, Array]], Array],
) -> Features:
    moving, rebuild = split_moving(params, held=held)

    def features(leaves: dict[str, Array], x: Inputs) -> Features:
        return as_matrices(feature_fn(rebuild(leaves), x))

    layers, structure = jax.tree.flatten(jax.eval_shape(features, moving, inputs))

    def alone(index: int) -> Layer:
        return lambda leaves, x: jax.tree.leaves(features(leaves, x))[index]

    return jax.tree.unflatten(structure, [compute(alone(index), moving) for index in range(len(layers))])
