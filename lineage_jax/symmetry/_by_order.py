"""Groups of files of no known architecture: a guess from sizes and the order of leaves."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from lineage_jax.symmetry._axes import Axis, abstract, axes_of_leaves
from lineage_jax.symmetry._groups import Family, Groups, Span


def groups_by_order(leaves: Mapping[str, Any]) -> Groups:
    """Guesses which units may be permuted where there is no program: layers are a chain in the order of the leaves.

    A leaf of two or more axes is a kernel `[..., inputs, outputs]`; what follows it of one axis and as many numbers,
    such as a bias, belongs to its outputs, and so does a depthwise kernel `[..., 1, outputs]`. Its inputs are the
    outputs of the last layer before it that has as many, or, if there is none, a flattened one of which they are a
    multiple. Shortcuts, branches and concatenations are not seen. The outputs of the last kernel stay in their
    places, and no unit may be rescaled or flipped.

    The guess serves to match two files. It may be wrong, and there is no program to check it with: the answer says
    `by_order`, and so should whoever reports it.

    Args:
        leaves: arrays or shapes by path, in the order of the file (a tree of dictionaries has lost it: JAX sorts them).

    Raises:
        ValueError: If there are fewer than two kernels.

    Examples:
        >>> shapes = {"a/kernel": (3, 8), "a/bias": (8,), "b/kernel": (8, 5)}
        >>> found = groups_by_order({path: np.zeros(shape) for path, shape in shapes.items()})
        >>> [(family.size, family.axes) for family in found.families], found.by_order
        ([(8, ('a/kernel[1]', 'a/bias[0]', 'b/kernel[0]'))], True)
    """
    shapes = {path: abstract(leaf) for path, leaf in leaves.items()}
    axes = axes_of_leaves(shapes, {})
    by_place = {(axis.path, axis.axis): axis for axis in axes}
    kernels = [path for path, leaf in shapes.items() if len(leaf.shape) > 1]
    if len(kernels) < 2:
        raise ValueError(
            f"expected at least two kernels to make a chain of, got {len(kernels)} among {len(shapes)} leaves"
        )
    layers: list[tuple[int, list[np.ndarray], list[Axis]]] = []  # size, slots [size, n], axes
    for path, leaf in shapes.items():
        rank = len(leaf.shape)
        inputs = by_place.get((path, rank - 2)) if rank > 1 else None
        outputs = by_place.get((path, rank - 1))
        if inputs is not None:
            _join(layers, inputs)
        if rank > 1 and outputs is not None and not (layers and _is_depthwise(leaf.shape, layers[-1][0])):
            layers.append((outputs.size, [outputs.slots[:, None]], [outputs]))
        elif layers and outputs is not None and outputs.size == layers[-1][0]:
            layers[-1][1].append(outputs.slots[:, None])
            layers[-1][2].append(outputs)
    return Groups(
        shapes={path: leaf.shape for path, leaf in shapes.items()},
        axes=tuple(axes),
        families=tuple(
            Family(slots=np.concatenate(slots, 1), axes=tuple(axis.name for axis in members))
            for _, slots, members in layers[:-1]
        ),
        sizes=_nothing(),
        signs=_nothing(),
        unknown={},
        order=tuple(shapes),
        by_order=True,
    )


def _join(layers: list[tuple[int, list[np.ndarray], list[Axis]]], inputs: Axis) -> None:
    """Gives inputs to the last layer that has as many outputs, or of whose outputs they are a multiple."""
    for fits in (lambda size: size == inputs.size, lambda size: inputs.size % size == 0):
        for size, slots, axes in reversed(layers):
            if fits(size):
                slots.append(inputs.slots.reshape(-1, size).T)  # channels come last where places are flattened
                axes.append(inputs)
                return


def _is_depthwise(shape: tuple[int, ...], size: int) -> bool:
    return len(shape) > 2 and shape[-2] == 1 and shape[-1] == size


def _nothing() -> Span:
    none = np.zeros(0, np.int64)
    return Span(count=0, slots=none, free=none, powers=np.zeros(0))
