"""Hidden layers of relatives whose streams were turned, brought to one frame, so that their weights compare again."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from lineage_jax.kinship._compared import compared
from lineage_jax.kinship._hidden import Hidden
from lineage_jax.kinship._parts import Units, folded
from lineage_jax.kinship._turned import Streams, assigned, taught
from lineage_jax.leaves import Weights
from lineage_jax.symmetry import Groups
from lineage_jax.typing import Params


def turned_back(a: Params, b: Params, groups: Groups) -> tuple[Weights, Weights]:
    """Returns hidden layers of a network as they would be had its streams never been turned from another's, and of it.

    The rotation is found as by `by_inner_products`, all layers teaching it; then units are matched by all that they
    read and write. Of strangers that is the best of chance: ask first whether they are kin.

    Args:
        a: a network, such as a candidate.
        b: another one, such as the child.
        groups: of `b`, from `symmetry.groups`.

    Returns:
        By path kernels of `a`, with streams and units as in `b`, and the same kernels of `b`. Scales that a rotation
        takes in are multiplied into both, and means over the stream taken off; kernels of `a` are as large as those of
        `b`, for their sizes are those of scales and say little of kinship.

    Raises:
        ValueError: If the leaves of `b` are not those of `groups`, or a weight that is compared is not finite.
    """
    seen = compared(a, b, groups)
    streams = taught(seen.anchors, seen.heads, seen.units)
    brought: Weights = {}
    stays: Weights = {}
    for layer, units in zip(seen.layers, seen.units, strict=True):
        if streams.know(units.streams):
            brought |= _kernels(layer, seen.pair.b, _matched(units, streams), groups)
            stays |= _kernels(layer, seen.pair.b, [part.two for part in units.parts], groups)
    return brought, stays


def _matched(units: Units, streams: Streams) -> list[np.ndarray]:
    """Returns what the first network's units read and write, turned to the second one's and in their order."""
    turned = [part.one @ streams.rotation(part.stream) for part in units.parts]
    alike = np.sum([one @ part.two.T for one, part in zip(turned, units.parts, strict=True)], axis=0)
    rows, columns = assigned(np.abs(alike) if units.signless else alike)
    signs = np.sign(alike[rows, columns])[:, None] if units.signless else 1.0
    return [_placed(one[rows] * signs, columns, len(one)) for one in turned]


def _kernels(layer: Hidden, tree: Mapping[str, Any], parts: Sequence[np.ndarray], groups: Groups) -> Weights:
    """Puts what units read and write where it stands in kernels, each as large as a network's."""
    found: Weights = {}
    left = iter(parts)
    for side in layer.sides:
        axis = side.axis.axis
        shape = [size for number, size in enumerate(groups.shapes[side.path]) if number != axis]
        length = np.linalg.norm(folded(tree, side))
        whole = np.zeros((np.prod(shape, dtype=int), side.axis.size), np.float32)
        for column in layer.places[side.path].T:
            whole[column] = next(left) * length
        found[side.path] = np.moveaxis(whole.reshape(*shape, side.axis.size), -1, axis)
    return found


def _placed(values: np.ndarray, places: np.ndarray, count: int) -> np.ndarray:
    found = np.zeros((count, values.shape[1]), values.dtype)
    found[places] = values
    return found
