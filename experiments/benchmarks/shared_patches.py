"""By which product do the activations of one parent meet the kernels of all children fastest?

Half of a convolution's tangent is the convolution of the parent's activations, the same for all children, with each
child's step. Layers `conv2` and `conv3` of the convnet of `conv_scores`: 8 children, 128 probes, float32.

one_by_one       XLA's convolution, one child after another: what scores do
all_channels     XLA's convolution once, the output channels of all children side by side
patches          patches of the activations made once, then one matrix product for all children
patches_tiled    the same for 16 probes at a time, so that the patches stay in a cache

    python -m experiments.benchmarks.shared_patches
"""

import functools
from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from experiments.benchmarks import _timing
from experiments.benchmarks._timing import Row, Variant, compare
from experiments.benchmarks.conv_scores import SETTING, product_jax

LAYERS = {"conv2": (16, 32, 64), "conv3": (8, 64, 64)}
"""Side of the images, channels in and out."""

SIDE = 3
"""Height and width of the kernels."""

PROBES_AT_A_TIME = 16

Images = Float[Array, "n h w i"]
Kernels = Float[Array, "c 3 3 i o"]


def main() -> list[Row]:
    """Returns a row for each layer and arrangement, with the rate of its products."""
    rows = []
    for layer in LAYERS:
        variants = {
            name: Variant(
                library="jax",
                prepare=functools.partial(problem, layer),
                work=functools.partial(work, name),
                rounds=15,
            )
            for name in ARRANGEMENTS
        }
        found = compare(f"shared_patches {layer}", variants, tolerance=1e-4)
        operations = 2 * SETTING.probes * SETTING.children * SETTING.macs[SETTING.layers.index(layer)]
        rows += [row | {"gflops": operations / row["seconds"] / 1e9} for row in found]
    return rows


@functools.cache
def problem(layer: str) -> tuple[Images, Kernels]:
    """Returns the parent's activations and the children's steps on the device."""
    side, channels, outputs = LAYERS[layer]
    first, second = jax.random.split(jax.random.key(0))
    images = jax.random.normal(first, (SETTING.probes, side, side, channels))
    kernels = jax.random.normal(second, (SETTING.children, SIDE, SIDE, channels, outputs))
    return jax.block_until_ready((images, kernels))


def work(name: str, images: Images, kernels: Kernels) -> np.ndarray:
    """Does all products; returns those of the first probe, child by child."""
    found = np.asarray(_compiled(name)(images, kernels).block_until_ready())
    if found.ndim == 5:
        return found[:, 0].reshape(len(kernels), -1)
    first = found.reshape(len(images), -1, *kernels.shape[::4])[0]  # children side by side in the channels
    return np.moveaxis(first, 1, 0).reshape(len(kernels), -1)


@functools.cache
def _compiled(name: str) -> Callable[[Images, Kernels], Array]:
    return jax.jit(ARRANGEMENTS[name])


def one_by_one(images: Images, kernels: Kernels) -> Float[Array, "c n h w o"]:
    return jax.lax.map(lambda kernel: product_jax(images, kernel), kernels)


def all_channels(images: Images, kernels: Kernels) -> Float[Array, "n h w co"]:
    return product_jax(images, _side_by_side(kernels).reshape(*kernels.shape[1:4], -1))


def patches(images: Images, kernels: Kernels) -> Float[Array, "nhw co"]:
    return _patches(images) @ _side_by_side(kernels)


def patches_tiled(images: Images, kernels: Kernels) -> Float[Array, "t nhw co"]:
    wide = _side_by_side(kernels)
    tiles = images.reshape(-1, PROBES_AT_A_TIME, *images.shape[1:])
    return jax.lax.map(lambda tile: _patches(tile) @ wide, tiles)


ARRANGEMENTS = {each.__name__: each for each in (one_by_one, all_channels, patches, patches_tiled)}


def _side_by_side(kernels: Kernels) -> Float[Array, "k co"]:
    return jnp.moveaxis(kernels, 0, 3).reshape(-1, kernels.shape[0] * kernels.shape[-1])


def _patches(images: Images) -> Float[Array, "nhw k"]:
    """Returns what every position of a kernel meets, position by position, then channel by channel."""
    h, w = images.shape[1:3]
    wide = jnp.pad(images, ((0, 0), (1, 1), (1, 1), (0, 0)))
    shifted = [wide[:, row : row + h, column : column + w] for row in range(SIDE) for column in range(SIDE)]
    return jnp.concatenate(shifted, axis=-1).reshape(-1, SIDE**2 * images.shape[-1])


if __name__ == "__main__":
    _timing.show(main())
