"""How long a block takes at nominal rates, part by part, and which part bounds it."""

import math
from collections.abc import Mapping
from typing import NamedTuple

from lineage_jax.pairs import AtATime
from lineage_jax.sweep._cost import Cost
from lineage_jax.sweep._machine import Machine

ONE_DEVICE: Mapping[str, int] = {}


class BlockTimes(NamedTuple):
    """Seconds that a block takes, each part alone.

    Attributes:
        reading: its networks, from where they are.
        computing: its operations.
        bandwidth: moving what its products take between devices and their memory, at least.
        interconnect: exchanging features between devices.
    """

    reading: float
    computing: float
    bandwidth: float
    interconnect: float

    @property
    def on_devices(self) -> float:
        """Seconds that devices are busy: memory works beside products, and features are waited for."""
        return max(self.computing, self.bandwidth) + self.interconnect

    @property
    def bound(self) -> str:
        """What takes longest: "reading", "computing", "memory bandwidth" or "interconnect"."""
        names = ("reading", "computing", "memory bandwidth", "interconnect")
        return max(zip(self, names, strict=True), key=lambda pair: pair[0])[1]


def block_times(
    cost: Cost,
    machine: Machine,
    blocks: AtATime,
    *,
    parents: int,
    mesh: Mapping[str, int] = ONE_DEVICE,
    processes: int = 1,
    precision: str | None = None,
) -> BlockTimes:
    """Returns how long the parts of a block take at a machine's rates.

    A child counts by its share: it is read and seen once for all blocks of parents. Parents that are all in one block
    are read once in a sweep, which counts as nothing.

    Args:
        cost: of networks and pairs.
        machine: what it runs on.
        blocks: parents and children of a block.
        parents: in all.
        mesh: sizes of the axes `children` and `probes`, as `jax.sharding.Mesh.shape`.
        processes: that share the mesh, each reading what its own devices need.
        precision: of products; by default the machine's own.

    Examples:
        >>> from lineage_jax.sweep import Work, machine_of
        >>> cost = Cost(
        ...     parent=Work(1e9, 1e6), child=Work(1e9, 1e6), pair=Work(2e9, 1e6), network=4_000_000, file=4_000_000,
        ...     held=500_000, working=10_000_000, gathered=0,
        ... )
        >>> times = block_times(cost, machine_of("cpu"), AtATime(10, 30), parents=100)
        >>> round(times.reading, 3), round(times.computing, 2), times.bound
        (0.052, 4.09, 'computing')
    """
    across, split = mesh.get("children", 1), mesh.get("probes", 1)
    turns = math.ceil(parents / blocks.parents)
    children = blocks.children / across
    pairs = blocks.parents * children
    files = blocks.children / processes / turns + (blocks.parents if turns > 1 else 0)
    work = cost.parent.times(blocks.parents).plus(cost.child.times(children / turns)).plus(cost.pair.times(pairs))
    features = blocks.parents + children / turns + pairs
    return BlockTimes(
        reading=files * cost.file / machine.reading,
        computing=work.operations / split / machine.rate(precision),
        bandwidth=work.traffic / split / machine.bandwidth,
        interconnect=features * cost.gathered * (split - 1) / split / machine.interconnect,
    )
