"""Heads, where there is no program to say so: kernels whose outputs mean something."""

from collections.abc import Mapping

from lineage_jax.kinship._streams import parts_of
from lineage_jax.leaves import Weights


def heads_among(kernels: Mapping[str, tuple[int, ...]], weights: Weights) -> frozenset[str]:
    """Guesses which kernels have outputs with a meaning of their own, such as classes or anchors.

    A head is read by no other kernel: none has as many inputs, nor, behind a convolution, a multiple of them. Branches
    that are concatenated are not read by their own number either; they are told by what heads are not: convolutions
    without a bias.

    Args:
        kernels: shapes `[..., inputs, outputs]` by path.
        weights: all weights of the network.
    """
    read = {shape[-2] for shape in kernels.values()}
    units = {path: shape[-1] // parts_of(path, shape) for path, shape in kernels.items()}
    flattened = {shape[-2] for shape in kernels.values() if len(shape) == 2}
    return frozenset(
        path
        for path, shape in kernels.items()
        if units[path] not in read
        and not (len(shape) > 2 and any(inputs % units[path] == 0 for inputs in flattened))
        and (len(shape) == 2 or f"{path.rpartition('/')[0]}/bias" in weights)
    )
