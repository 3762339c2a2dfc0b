"""Information that every parent gives about every child, tensor by tensor: `leaves.information` of many pairs at once.

The samples of a network's tensors stand in one row, so that a few operations see all of them, however many tensors
there are: sums are scattered, one scatter counts the logarithms of all, one Fourier transform smooths them. A program
of a few operations a tensor would take ten times as long to compile.
"""

import functools
from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from lineage_jax.leaves import BINS, SPEAKS, binned, entropy, evenly_spread, for_factor

DIGIT = 8
"""Bits of a ratio that are found at a time."""


def pair_information(
    parents: Sequence[Float[Array, "p ..."]], children: Sequence[Float[Array, "m ..."]]
) -> Float[np.ndarray, "p m leaf"]:
    """Returns the bits a weight of every tensor.

    Args:
        parents: stacked tensors, real.
        children: as many, of the same shapes.
    """
    samples = [_sample(leaves) for leaves in (parents, children)]
    tensors = [np.repeat(np.arange(len(of), dtype=np.int32), [each.shape[1] for each in of]) for of in samples[0]]
    rows = [[jnp.concatenate(of, axis=1) for of in sample] for sample in samples]
    return np.asarray(_pair_information(*rows, tensors, number=len(parents)), np.float64)


@jax.jit
def _sample(leaves: Sequence[Float[Array, "b ..."]]) -> tuple[list[Float[Array, "b s"]], list[Float[Array, "b f"]]]:
    """Returns the weights of each tensor that are looked at, and those of them that its factor is taken from."""
    weights = [jax.vmap(evenly_spread)(leaf).astype(jnp.float32) for leaf in leaves]
    return weights, [jax.vmap(for_factor)(each) for each in weights]


@functools.partial(jax.jit, static_argnames="number")
def _pair_information(
    parents: Sequence[Float[Array, "p _"]],
    children: Sequence[Float[Array, "m _"]],
    tensors: Sequence[Int[Array, " _"]],
    *,
    number: int,
) -> Float[Array, "p m leaf"]:
    tensor, of_ratio = tensors
    speaking = jax.lax.map(lambda parent: _speaking(parent, of_ratio, number), parents[1])

    def of_child(child: Sequence[Float[Array, " _"]]) -> Float[Array, "p leaf"]:
        c, denominated = child
        counts = (c != 0).astype(c.dtype)
        count = _sums(counts, tensor, number)
        greatest = jnp.zeros(number, c.dtype).at[tensor].max(jnp.abs(c))
        greatest = jnp.where(count > 0, greatest, 1)  # whose share squares in float32 whatever the scale
        squares = _sums(jnp.square(c / greatest[tensor]), tensor, number)
        unit = jnp.where(count > 0, greatest * jnp.sqrt(squares / jnp.maximum(count, 1)), 1)

        def entropies(values: Float[Array, " s"]) -> Float[Array, " leaf"]:
            places, beyond = binned(values / unit[tensor], jnp)
            terms = jnp.stack([counts, counts * beyond], axis=1)
            sums = _sums(terms, tensor * BINS + places, number * BINS).reshape(number, BINS, 2)
            share, beyond = jnp.moveaxis(sums / jnp.maximum(count, 1)[:, None, None], -1, 0)
            return entropy(share, beyond.sum(axis=1), count, jnp)

        own = entropies(c)

        def of_pair(parent: tuple[Array, Array, Array]) -> Float[Array, " leaf"]:
            p, denominator, weight = parent
            weight = jnp.where(denominated != 0, weight, 0)
            factor = _medians(denominated / denominator, weight, of_ratio, number)
            saved = own - entropies(c - factor[tensor] * p)
            return jnp.where(count > 0, jnp.maximum(saved, 0), 0) / np.log(2)

        return jax.lax.map(of_pair, (parents[0], *speaking))

    return jax.lax.map(of_child, children).swapaxes(0, 1)


def _speaking(parent: Float[Array, " f"], tensor: Int[Array, " f"], number: int) -> tuple[Array, Array]:
    """Returns what a child's weights are divided by, and how heavy the ratios are, as `leaves.best_factor` has it."""
    size = jnp.abs(parent)
    mean = _sums(size, tensor, number) / _sums(jnp.ones_like(size), tensor, number)
    weight = jnp.where(size > SPEAKS * mean[tensor], size, 0)
    return jnp.where(weight > 0, parent, 1), weight


def _medians(
    values: Float[Array, " f"], weight: Float[Array, " f"], tensor: Int[Array, " f"], number: int
) -> Float[Array, " leaf"]:
    """Returns the weighted median of every tensor, 1 where none has weight: found digit by digit, without sorting."""
    keys = _ordered(values)
    low = jnp.full(number, jnp.iinfo(jnp.int32).min)
    half = jnp.zeros(number)
    for known in range(0, 32, DIGIT):
        shift = 32 - DIGIT - known
        if known == 0:
            digit = (keys >> shift) + (1 << DIGIT - 1)
            half = _sums(weight, tensor, number) / 2
        else:
            least = low[tensor]
            digit = (jnp.clip(keys, least, least + ((1 << shift + DIGIT) - 1)) - least) >> shift
        by_digit = _sums(weight, (tensor << DIGIT) + digit, number << DIGIT).reshape(number, -1)
        below = jnp.cumsum(by_digit, axis=1) < half[:, None]
        low += below.sum(axis=1, dtype=jnp.int32) << shift
    return jnp.where(half > 0, _unordered(low), 1)


def _sums(values: Float[Array, "s ..."], place: Int[Array, " s"], number: int) -> Float[Array, "number ..."]:
    return jnp.zeros((number, *values.shape[1:]), values.dtype).at[place].add(values, mode="promise_in_bounds")


def _ordered(values: Float[Array, " f"]) -> Int[Array, " f"]:
    """Returns integers that are ordered as the numbers are: of what is negative all bits but the sign are turned."""
    bits = jax.lax.bitcast_convert_type(values, jnp.int32)
    return bits ^ ((bits >> 31) & jnp.iinfo(jnp.int32).max)


def _unordered(keys: Int[Array, " f"]) -> Float[Array, " f"]:
    return jax.lax.bitcast_convert_type(keys ^ ((keys >> 31) & jnp.iinfo(jnp.int32).max), jnp.float32)
