"""Variables that hide nothing: every leaf is drawn, so that no bias, scale or statistic is trivial."""

import jax
import jax.numpy as jnp


def drawn(shapes, key):
    """Draws a tree of shapes: kernels so that activations keep their size, all else near one."""
    shapes = jax.tree.map(lambda leaf: tuple(getattr(leaf, "shape", leaf)), shapes, is_leaf=_is_shape)
    leaves, structure = jax.tree.flatten(shapes, is_leaf=_is_shape)
    keys = jax.random.split(key, len(leaves))
    return jax.tree.unflatten(structure, [_leaf(k, shape) for k, shape in zip(keys, leaves, strict=True)])


def _is_shape(leaf):
    return isinstance(leaf, tuple | jax.ShapeDtypeStruct)


def _leaf(key, shape):
    noise = jax.random.normal(key, shape)
    if len([size for size in shape if size > 1]) < 2:
        return jnp.exp(0.3 * noise)
    return noise * (2 * shape[-1] / noise.size) ** 0.5
