"""How a sweep is cut into blocks: from what it costs and what a machine can do, never from what was measured.

The children of a block stay while parents pass by: p parents and m children take p files to read and p m pairs to
compute. More children hide the reading of parents, more parents make fewer blocks, and both take memory.
"""

import math
from collections.abc import Iterator, Mapping

from lineage_jax.pairs import AtATime
from lineage_jax.sweep._cost import Cost
from lineage_jax.sweep._machine import Machine
from lineage_jax.sweep._times import ONE_DEVICE, block_times

COMPILED = 0.5
"""Of the estimate of a pair's temporaries; compiled programs of residual networks and transformers take 0.2 to 0.3."""

MARGIN = 2.0
"""Reading counts so often: how fast it is depends on who else reads."""

APART = 0.02
"""Seconds that a block takes beside its work: starting programs, a chunk and a record on disk."""

LONGEST = 60.0
"""Seconds: whoever stops a sweep loses the block that is being computed."""

MANY = 20_000
"""So many blocks count as a fifth more time: each is two files, which everything that reads scores goes through."""


def blocks_of(
    cost: Cost,
    machine: Machine,
    *,
    parents: int,
    children: int,
    memory: int,
    mesh: Mapping[str, int] = ONE_DEVICE,
    processes: int = 1,
    precision: str | None = None,
) -> AtATime:
    """Chooses how many parents and children a block has.

    Of the ways to cut both sides into parts of equal size that fit into the memory, it is the one that takes least time
    with reading ahead. Many blocks count as longer, and where memory and pairs allow it, none lasts longer than
    `LONGEST` seconds, or than the whole sweep over `MANY`. Equal arguments give equal blocks, so that a store can be
    gone on with.

    Args:
        cost: of networks and pairs.
        machine: what it runs on.
        parents: in all.
        children: in all.
        memory: bytes of a process and its devices.
        mesh: sizes of the axes `children` and `probes`, as `jax.sharding.Mesh.shape`; every device has as many children
            of a block.
        processes: that share the mesh.
        precision: of products; by default the machine's own.

    Raises:
        ValueError: If the memory does not hold a parent, and a child for each device.

    Examples:
        >>> from lineage_jax.sweep import Work, machine_of
        >>> cost = Cost(
        ...     parent=Work(1e9, 1e6), child=Work(1e9, 1e6), pair=Work(2e9, 1e6), network=4_000_000, file=4_000_000,
        ...     held=500_000, working=10_000_000, gathered=0,
        ... )
        >>> blocks_of(cost, machine_of("cpu"), parents=20, children=20, memory=2**30)
        AtATime(parents=10, children=20)
        >>> blocks_of(cost, machine_of("cpu"), parents=1_000, children=100_000, memory=2**30)
        AtATime(parents=23, children=35)
    """
    across, split = mesh.get("children", 1), mesh.get("probes", 1)
    working = math.ceil(math.ceil(across / processes) * COMPILED * cost.working)

    def held(blocks: AtATime) -> int:
        return _held(cost, blocks, across * split, across, processes, all_parents=blocks.parents >= parents)

    def fits(blocks: AtATime) -> bool:
        return held(blocks) <= memory * 3 // 4 and working <= memory - held(blocks)

    def rank(blocks: AtATime) -> tuple[float, float]:
        count = math.ceil(parents / blocks.parents) * math.ceil(children / blocks.children)
        times = block_times(cost, machine, blocks, parents=parents, mesh=mesh, processes=processes, precision=precision)
        each = max(MARGIN * times.reading, times.on_devices) + APART
        first = (blocks.parents + blocks.children / processes) * cost.file / machine.reading
        seconds = first + count * each
        return max(0.0, each - max(LONGEST, seconds / MANY)), seconds * (1 + count / MANY / 5)

    least = AtATime(1, across)
    if held(least) + working > memory:
        raise ValueError(
            f"memory={memory} is less than a parent, and a child for each of {across} devices, need: about "
            f"{held(least) + working} bytes; allow that much, show fewer probes, or use a smaller mesh"
        )
    return min(filter(fits, _cuts(parents, children, across)), key=rank, default=least)


def _held(cost: Cost, blocks: AtATime, devices: int, across: int, processes: int, *, all_parents: bool) -> int:
    """Bytes of a block, of the next one beside it on the devices, and of one that is being stacked, in a process.

    Every device has all parents of a block and its share of the children. Parents that are all there are read once.
    """
    here = math.ceil(devices / processes)
    parents = blocks.parents * ((1 if all_parents else 2) * here + 1)
    children = math.ceil(blocks.children * (2 * here / across + 1 / processes))
    features = math.ceil(blocks.children * here / devices) * cost.held
    return (parents + children) * cost.network + features


def _cuts(parents: int, children: int, across: int) -> Iterator[AtATime]:
    """Yields blocks of equal size, children by multiples of `across`, each about 0.7 times as large as the one before.

    Examples:
        >>> [tuple(blocks) for blocks in _cuts(3, 5, 2)]
        [(3, 6), (3, 4), (3, 2), (2, 6), (2, 4), (2, 2), (1, 6), (1, 4), (1, 2)]
    """
    groups = math.ceil(children / across)
    for of_parents in _counts(parents):
        for of_children in _counts(groups):
            yield AtATime(math.ceil(parents / of_parents), across * math.ceil(groups / of_children))


def _counts(most: int) -> list[int]:
    """Returns 1, 2, 3, 4, 6, 8, ... and `most`."""
    return sorted({min(most, round(2 ** (step / 2))) for step in range(2 * most.bit_length() + 1)})
