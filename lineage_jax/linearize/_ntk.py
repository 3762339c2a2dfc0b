r"""Empirical neural tangent kernels $\Theta(x_1, x_2) = J(x_1) J(x_2)^T$, without the Jacobians.

A column of the kernel is a product with one unit vector: the transposed pass of one example of x2, then the linear
pass at x1. The trace keeps one number of each row of it and adds up. Both take about 2 n1 n2 d F operations, with F in
a forward pass of one example. Beyond the kernel itself, memory is that of the linear pass at x1, and of `batch_size`
sets of parameters. (Products of gradients, 2 n1 n2 d |theta| operations, would be fewer for the trace; but each reads
whole sets of parameters for few numbers, and took several times as long on the paper's net.)
"""

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from lineage_jax.linearize._compiled import compiled
from lineage_jax.linearize._held import HELD, check_held
from lineage_jax.linearize._rows import check_rows
from lineage_jax.linearize._step import split_moving
from lineage_jax.linearize._tangent import as_matrices
from lineage_jax.typing import FeatureFn, Features, Inputs, Params

Leaves = dict[str, Array]

Layer = Callable[[Leaves, Inputs], Float[Array, "n d"]]

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
    _check_batch_size(batch_size)
    return _each_layer(feature_fn, params, x1, x2, held, _whole_kernel, batch_size)


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
    _check_batch_size(batch_size)
    return _each_layer(feature_fn, params, x1, x2, held, _mean_of_diagonal, batch_size)


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
    return ntk_trace(_ClassSum(feature_fn), params, x1, x2, held=held)


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
    return _each_layer(feature_fn, params, x1, x2, held, _product, vectors=(vector,))


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
    return _each_layer(feature_fn, params, x1, x2, held, _from_jacobians)


@dataclasses.dataclass(frozen=True)
class _ClassSum:
    """The one output sum_c f_c / sqrt(d); equal for equal feature functions."""

    feature_fn: FeatureFn

    def __call__(self, variables: Params, inputs: Inputs) -> Features:
        features = as_matrices(self.feature_fn(variables, inputs))
        return jax.tree.map(lambda f: f.sum(axis=1) / f.shape[1] ** 0.5, features)


def _whole_kernel(batch_size: int, layer: Layer, moving: Leaves, x1: Array, x2: Array) -> Float[Array, "n1 n2 d d"]:
    value, push = jax.linearize(lambda leaves: layer(leaves, x1), moving)
    units = _varying_with(jnp.eye(value.shape[1], dtype=value.dtype), value)

    def of_example(example: Array) -> Array:
        _, pull = jax.vjp(lambda leaves: layer(leaves, example[None])[0], moving)
        return jax.lax.map(lambda unit: push(*pull(unit)), units, batch_size=min(batch_size, len(units)))

    return jnp.transpose(jax.lax.map(of_example, x2), (2, 0, 3, 1))


def _mean_of_diagonal(batch_size: int, layer: Layer, moving: Leaves, x1: Array, x2: Array) -> Float[Array, "n1 n2"]:
    value, push = jax.linearize(lambda leaves: layer(leaves, x1), moving)
    d = value.shape[1]
    b = min(batch_size, d)
    batches = jnp.arange(d + -d % b).reshape(-1, b)  # from d on, units are zero and add nothing

    def of_example(example: Array) -> Array:
        _, pull = jax.vjp(lambda leaves: layer(leaves, example[None])[0], moving)

        def diagonal(index: Array) -> Float[Array, " n1"]:
            unit = _varying_with(jax.nn.one_hot(index, d, dtype=value.dtype), value)
            return jax.lax.dynamic_index_in_dim(push(*pull(unit)), index, axis=1, keepdims=False)

        def add(total: Array, batch: Array) -> tuple[Array, None]:
            found = jax.vmap(diagonal)(batch).sum(axis=0) if b > 1 else diagonal(batch[0])
            return total + found, None

        accurate = jnp.promote_types(value.dtype, jnp.float32)
        zero = _varying_with(jnp.zeros(len(value), accurate), value)
        return jax.lax.scan(add, zero, batches)[0].astype(value.dtype)

    return jax.lax.map(of_example, x2).T / d


def _product(layer: Layer, moving: Leaves, x1: Array, x2: Array, vector: Float[Array, "n2 d"]) -> Float[Array, "n1 d"]:
    value, pull = jax.vjp(lambda leaves: layer(leaves, x2), moving)
    (step,) = pull(_varying_with(jnp.asarray(vector, value.dtype), value))
    return jax.jvp(lambda leaves: layer(leaves, x1), (moving,), (step,))[1]


def _from_jacobians(layer: Layer, moving: Leaves, x1: Array, x2: Array) -> Float[Array, "n1 n2 d d"]:
    rows, columns = (jax.jacrev(layer)(moving, x) for x in (x1, x2))

    def product(left: Array, right: Array) -> Float[Array, "n1 n2 d d"]:
        flat = (j.reshape(*j.shape[:2], -1) for j in (left, right))
        return jnp.einsum("iap,jbp->ijab", *flat, precision=jax.lax.Precision.HIGHEST)

    return jax.tree.reduce(jnp.add, jax.tree.map(product, rows, columns))


def _each_layer(
    feature_fn: FeatureFn,
    params: Params,
    x1: Inputs,
    x2: Columns | None,
    held: Sequence[str],
    compute: Callable[..., Array],
    *settings: int,
    vectors: tuple[Features, ...] = (),
) -> Features:
    check_held(held, params)
    x1 = jnp.asarray(x1)
    run = compiled(_layer_by_layer, compute, settings, feature_fn, tuple(held))
    return run(params, x1, x1 if x2 is None else jnp.asarray(x2), *vectors)


def _layer_by_layer(
    compute: Callable[..., Array],
    settings: tuple[int, ...],
    feature_fn: FeatureFn,
    held: tuple[str, ...],
    params: Params,
    x1: Array,
    x2: Array,
    *vectors: Features,
) -> Features:
    check_rows(feature_fn, params, x1)
    moving, rebuild = split_moving(params, held=held)
    # in a shard_map, gradients of what all devices share would be summed over them
    moving, x1, x2 = jax.tree.map(lambda leaf: _varying_with(leaf, moving, x1, x2), (moving, x1, x2))

    def features(leaves: Leaves, x: Inputs) -> Features:
        return as_matrices(feature_fn(rebuild(leaves), x))

    layers, structure = jax.tree.flatten(jax.eval_shape(features, moving, x1))
    by_layer = zip(*map(jax.tree.leaves, vectors), strict=True) if vectors else [()] * len(layers)

    def alone(index: int) -> Layer:
        return lambda leaves, x: jax.tree.leaves(features(leaves, x))[index]

    computed = [compute(*settings, alone(index), moving, x1, x2, *own) for index, own in enumerate(by_layer)]
    return jax.tree.unflatten(structure, computed)


def _varying_with(array: Array, *others: Any) -> Array:
    """Marks an array as different on each device of a `shard_map`, where one of the others is; elsewhere it stays."""
    first = sum((jnp.ravel(leaf)[:1].sum().real for leaf in jax.tree.leaves(others)), start=jnp.zeros(()))
    return jnp.where(False, first.astype(array.dtype), array)  # never taken, so that NaN there does no harm


def _check_batch_size(batch_size: int) -> None:
    if batch_size < 1:
        raise ValueError(f"expected batch_size of at least 1, got {batch_size}")
