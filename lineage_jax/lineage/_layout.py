r"""A kernel that lies in another layout: transposed, flipped, with its input channels the other way round.

Frameworks store a dense layer as `[in, out]` or `[out, in]`, correlate or convolve, read RGB or BGR. A square kernel
does not show it. Layouts are tried where the kernels as they lie are no relatives, and one is taken only where it makes
them nearly equal, far beyond what the best of all layouts gives strangers: cosines of strangers scatter by
$1 / \sqrt n$ over n weights, and `DEVIATIONS` of these are asked for, and `NEAR` at least.
"""

import itertools
from collections.abc import Iterator

import numpy as np

from lineage_jax.lineage._centred import CENTRED, cosine, leaf_sums

NEAR = 0.5
"""Centred cosine that a kernel must reach in another layout, and above which none is looked for."""

DEVIATIONS = 8
"""How many standard deviations of strangers' cosines that is at least, so that small kernels stay as they lie."""

GLANCE = 0.3
"""Cosine of a corner of the kernels that makes all of them worth a look."""

CORNER = 48
"""Longest side of that corner."""

COLOURS = 3
"""Input channels whose order may be reversed."""


def laid_out_as(child: np.ndarray, parent: np.ndarray) -> tuple[np.ndarray | None, np.ndarray]:
    """Returns the parent's kernel in the layout of the child's, a view, and the sums of `leaf_sums` of both.

    Returns:
        The kernel as it lies where its shape is the child's and no other layout makes the two nearly equal; None where
        its shape differs and none does.

    Examples:
        >>> child = np.random.default_rng(0).normal(size=(32, 48))
        >>> laid_out_as(child, 2 * child.T)[0].shape, laid_out_as(child, np.ones((48, 32)))[0]
        ((32, 48), None)
    """
    as_it_lies = parent if parent.shape == child.shape else None
    sums = leaf_sums(as_it_lies, child)
    least = max(NEAR, DEVIATIONS / np.sqrt(max(child.size, 1)))
    if least > 1 or cosine(sums[CENTRED]) >= least:
        return as_it_lies, sums
    corner = tuple(slice(CORNER) for _ in child.shape)
    for view in _layouts(parent, child.shape):
        if cosine(leaf_sums(view[corner], child[corner])[CENTRED]) >= min(GLANCE, least):
            turned = leaf_sums(view, child)
            if cosine(turned[CENTRED]) >= least:
                return view, turned
    return as_it_lies, sums


def _layouts(kernel: np.ndarray, shape: tuple[int, ...]) -> Iterator[np.ndarray]:
    """Yields the kernel in every other layout that has the shape: axes moved, space flipped, colours reversed."""
    for axes in _orders(kernel.ndim):
        moved = kernel.transpose(axes)
        if moved.shape != shape:
            continue
        flips = [moved]
        if moved.ndim > 2:
            flips.append(np.flip(moved, tuple(range(moved.ndim - 2))))
        if moved.shape[-2] == COLOURS:
            flips += [np.flip(each, -2) for each in flips]
        yield from flips


def _orders(axes: int) -> Iterator[tuple[int, ...]]:
    if axes <= 4:
        yield from itertools.permutations(range(axes))
        return
    space = tuple(range(axes - 2))
    yield (*space, axes - 2, axes - 1)
    yield (*space, axes - 1, axes - 2)
    yield (*range(2, axes), 1, 0)
    yield (*range(2, axes), 0, 1)
