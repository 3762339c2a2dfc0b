"""Where networks and probes lie on a mesh of devices: which axes it has, and what each process holds of a block.

Children are split over the axis `children`, probes over the axis `probes`, parents are on every device. Nothing here
makes devices talk to each other, so that a block may be placed by one thread while another one computes.
"""

import collections
import math
from collections.abc import Callable, Sequence
from typing import Any

import jax
import numpy as np
from jax.sharding import Mesh, NamedSharding, PartitionSpec
from jaxtyping import Array, Float

CHILDREN, PROBES = "children", "probes"


def with_both_axes(mesh: Mesh) -> Mesh:
    """Returns a mesh of the same devices with the axes `children` and `probes`, of size 1 where there was none.

    Raises:
        ValueError: If the mesh has another axis.
    """
    names = tuple(mesh.axis_names)
    if not names or not set(names) <= {CHILDREN, PROBES}:
        raise ValueError(f"expected a mesh with the axes '{CHILDREN}' and '{PROBES}', or one of them, got {names}")
    devices = mesh.devices.transpose([names.index(name) for name in (CHILDREN, PROBES) if name in names])
    return Mesh(devices.reshape([mesh.shape.get(name, 1) for name in (CHILDREN, PROBES)]), (CHILDREN, PROBES))


def axis(mesh: Mesh | None, name: str) -> int:
    """Returns the size of an axis; without a mesh or the axis it is 1."""
    return mesh.shape.get(name, 1) if mesh is not None else 1


def devices_of_a_process(mesh: Mesh | None) -> int:
    """Returns how many devices share the memory of one process: of the one with most, as all run one program."""
    return max(collections.Counter(d.process_index for d in mesh.devices.flat).values()) if mesh is not None else 1


def children_here(mesh: Mesh | None, size: int) -> tuple[int, ...]:
    """Returns the places of those children of a block that this process's devices hold.

    Args:
        mesh: of devices, of one process or several; None for one device.
        size: children of the block, a multiple of the axis `children`.

    Examples:
        >>> children_here(Mesh(np.array(jax.devices()[:1]), ("children",)), 3)
        (0, 1, 2)
    """
    if mesh is None:
        return tuple(range(size))
    split = NamedSharding(with_both_axes(mesh), PartitionSpec(CHILDREN))
    shards = {range(size)[index[0]] for index in split.addressable_devices_indices_map((size,)).values() if index}
    return tuple(sorted(place for shard in shards for place in shard))


def placed(leaf: Any, mesh: Mesh, axes: str | None, *, size: int, here: Sequence[int]) -> Array:
    """Puts rows of the host on the devices of this process that need them; other processes put theirs.

    Args:
        leaf: the rows that this process holds.
        mesh: with both axes.
        axes: the axis over which rows are split; None puts all of them on every device.
        size: rows of all processes together.
        here: places of the rows that this process holds, ascending.
    """
    rows = np.asarray(leaf)

    def shard(index: tuple[slice, ...] | None) -> np.ndarray:
        places = range(size)[index[0]] if index else range(size)
        first = here.index(places[0])
        return rows[first : first + len(places)]

    split = NamedSharding(mesh, PartitionSpec(axes))
    return jax.make_array_from_callback((size, *rows.shape[1:]), split, shard)


def placed_probes(probes: Array, mesh: Mesh) -> Array:
    """Splits probes over the mesh; the last one fills up the last device, and counts in no score."""
    most = math.ceil(len(probes) / mesh.shape[PROBES]) * mesh.shape[PROBES]
    rows = np.asarray(probes)
    filled = np.concatenate([rows, np.repeat(rows[-1:], most - len(rows), axis=0)])
    return placed(filled, mesh, PROBES, size=most, here=range(most))


def gathered(features: Float[Array, "r d"], probes: int) -> Float[Array, "n d"]:
    """Gathers the rows of all probes from the devices that share them, and cuts off those that only fill up."""
    return jax.lax.all_gather(features, PROBES, tiled=True)[:probes]


def on_one_device(function: Callable, mesh: Mesh | None) -> Callable:
    """Returns a function that may gather, for a look at the shapes that one device of the mesh sees."""
    if axis(mesh, PROBES) == 1:
        return function
    return jax.vmap(function, in_axes=None, out_axes=None, axis_name=PROBES, axis_size=axis(mesh, PROBES))
