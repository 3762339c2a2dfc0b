"""What a thief may do to a network without any change of what it computes.

Units are permuted, rescaled and flipped by a random element of the groups that `lineage_jax.symmetry` finds. A vision
transformer allows more, which no permutation undoes: scales and shifts of normalisations are folded into the layers
behind them, the residual stream is turned by a rotation that keeps its mean, and inside of every head queries and
keys, and values and outputs, are mixed by an invertible matrix.
"""

import functools
import re

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Key

from lineage_jax import leaves, models, symmetry
from lineage_jax.typing import Params

SPREAD = 0.3
"""Of the logarithms of a mixing matrix's singular values: it must be inverted, and outputs must not lose digits."""

Weights = dict[str, np.ndarray]


def launder(
    variables: Params,
    network: nn.Module,
    input_shape: tuple[int, ...],
    key: Key[Array, ""],
    *,
    continuous: bool = False,
) -> Params:
    """Returns the variables of a network that computes the same and shares no number with what it was.

    Args:
        variables: of the network.
        network: any; with `continuous` a vision transformer of `lineage_jax.models`.
        input_shape: of a batch of images that the network takes, such as (1, 32, 32, 3).
        key: source of the randomness.
        continuous: whether the stream is turned and heads are mixed too.

    Raises:
        ValueError: If the network is no such transformer.
    """
    moved, turned = jax.random.split(key)
    found = groups_of(network, input_shape)
    variables = symmetry.apply(variables, found, symmetry.random(moved, found))
    if not continuous:
        return variables
    if not isinstance(network, models.ViT):
        raise ValueError(f"expected a vision transformer, got {type(network).__name__}: it has no stream to turn")
    return turn(variables, network.heads, turned)


@functools.lru_cache(maxsize=64)
def groups_of(network: nn.Module, input_shape: tuple[int, ...]) -> symmetry.Groups:
    """Returns a network's groups; they are read off its program once."""
    images = jax.ShapeDtypeStruct(input_shape, jnp.float32)
    shapes = jax.eval_shape(network.init, jax.random.key(0), images)
    return symmetry.groups(network.apply, shapes, images)


def turn(variables: Params, heads: int, key: Key[Array, ""]) -> Params:
    """Folds normalisations, turns the residual stream and mixes inside of heads; computes in float64.

    Args:
        variables: of a vision transformer.
        heads: of each attention.
        key: source of the rotation and of the matrices.
    """
    found = leaves.leaf_paths(variables)
    weights = {path: np.asarray(leaf, np.float64) for path, leaf in found.items()}
    rng = np.random.default_rng(np.asarray(jax.random.key_data(key)))
    blocks = sorted({match[0] for path in weights if (match := re.match(r"params/blocks/\d+", path))})
    readers = {"params/norm": "params/head"} | {
        f"{block}/{norm}": f"{block}/{layer}"
        for block in blocks
        for norm, layer in (("norm1", "attn/qkv"), ("norm2", "mlp/fc1"))
    }
    writers = ["params/patch_embed/proj", *(f"{block}/{name}" for block in blocks for name in ("attn/proj", "mlp/fc2"))]
    _turn_stream(weights, readers, writers, rotation(weights["params/cls_token"].shape[-1], rng))
    for block in blocks:
        _mix_heads(weights, f"{block}/attn", heads, rng)
    moved = [jnp.asarray(weights[path], leaf.dtype) for path, leaf in found.items()]
    return jax.tree.unflatten(jax.tree.structure(variables), moved)


def rotation(size: int, rng: np.random.Generator) -> np.ndarray:
    """Draws an orthogonal matrix that keeps the mean of whatever it turns."""
    ones = np.linalg.qr(np.c_[np.ones(size), rng.normal(size=(size, size - 1))])[0]  # the first column is the mean
    inside = np.linalg.qr(rng.normal(size=(size - 1, size - 1)))[0]
    return np.outer(ones[:, 0], ones[:, 0]) + ones[:, 1:] @ inside @ ones[:, 1:].T


def _turn_stream(weights: Weights, readers: dict[str, str], writers: list[str], turned: np.ndarray) -> None:
    for norm, layer in readers.items():
        kernel = weights[f"{layer}/kernel"]
        weights[f"{layer}/bias"] = weights[f"{layer}/bias"] + weights[f"{norm}/bias"] @ kernel
        weights[f"{layer}/kernel"] = turned.T @ (weights[f"{norm}/scale"][:, None] * kernel)
        weights[f"{norm}/scale"], weights[f"{norm}/bias"] = np.ones(len(turned)), np.zeros(len(turned))
    for path in [
        "params/cls_token",
        "params/pos_embed",
        *(f"{w}/{leaf}" for w in writers for leaf in ("kernel", "bias")),
    ]:
        weights[path] = weights[path] @ turned


def _mix_heads(weights: Weights, attention: str, heads: int, rng: np.random.Generator) -> None:
    """Multiplies what queries and keys share, and what values and outputs share, by a matrix and its inverse."""
    names = [f"{attention}/qkv/kernel", f"{attention}/qkv/bias", f"{attention}/proj/kernel"]
    size = len(weights[names[2]]) // heads
    shapes = ((-1, 3, heads, size), (1, 3, heads, size), (heads, size, -1))
    of_token, bias, output = (weights[name].reshape(shape).copy() for name, shape in zip(names, shapes, strict=True))
    for head in range(heads):
        shared, shown = mixing(size, rng), mixing(size, rng)
        for part in (of_token, bias):
            part[:, 0, head] = part[:, 0, head] @ shared
            part[:, 1, head] = part[:, 1, head] @ np.linalg.inv(shared).T
            part[:, 2, head] = part[:, 2, head] @ shown
        output[head] = np.linalg.inv(shown) @ output[head]
    for name, part in zip(names, (of_token, bias, output), strict=True):
        weights[name] = part.reshape(weights[name].shape)


def mixing(size: int, rng: np.random.Generator) -> np.ndarray:
    """Draws an invertible matrix."""
    left, right = (np.linalg.qr(rng.normal(size=(size, size)))[0] for _ in range(2))
    return left * np.exp(SPREAD * rng.normal(size=size)) @ right
