"""Reading ahead: while one block is computed, the networks of the next are read, brought to one tree and placed.

It is grain that reads ahead, the loader of the JAX AI stack: a `MapDataset` of what is to be read, whose iterator keeps
the order, holds no more than was asked for, raises where the consumer is what went wrong in a thread, and ends its
threads when it is closed. Threads are enough: files are read, hashed and copied without Python's lock, and arrays
would have to be copied out of other processes. What an iterator costs an element, some 70 microseconds, is nothing
beside a network.

Two levels of it are in use: of a block's networks a few are read at a time, and of blocks one beside that which is
being computed. Nothing that is done in these threads talks to other processes.
"""

import contextlib
import ctypes
import dataclasses
import functools
import os
import threading
import time
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from typing import TypeVar

import jax
import numpy as np

from lineage_jax.checkpoints import in_one_line
from lineage_jax.leaves import leaf_paths, leaf_shapes
from lineage_jax.pairs import FeatureComparison, brought, stacked
from lineage_jax.sweep._sides import UNREADABLE, Side
from lineage_jax.typing import Params

Item = TypeVar("Item")
Result = TypeVar("Result")

M_MMAP_THRESHOLD = -3
"""The setting of glibc's `mallopt` from which size on memory is asked of the system, and given back, at once."""
LARGE = 2**20

AT_ONCE = min(4, os.cpu_count() or 1)
"""Networks of a block that are read at once: each is in memory beside the block until it is copied there."""


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Block:
    """Networks that were read and stand on the devices.

    Attributes:
        names: of the networks.
        placed: what `FeatureComparison.place` returned.
        sha256: by name, of those that were read here.
        failed: by name why a network cannot be compared; zeros stand in its place.
        not_shared: paths of leaves that some of these networks lacks or has in another shape.
        read_bytes: of what was taken from them.
        seconds: that reading them took.
    """

    names: tuple[str, ...]
    placed: Params
    sha256: Mapping[str, str]
    failed: Mapping[str, str]
    not_shared: frozenset[str]
    read_bytes: int
    seconds: float


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class _One:
    """A network of a block: leaves that are used, or why there are none."""

    leaves: Mapping[str, np.ndarray] | None = None
    sha256: str | None = None
    failed: str | None = None
    not_shared: frozenset[str] = frozenset()
    size: int = 0


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Reader:
    """Reads blocks of networks for a comparison.

    Attributes:
        comparison: what they are read for.
        like: integers of the first network, by path, which all must have.
        stopped: set once nobody waits for networks any more.
    """

    comparison: FeatureComparison
    like: Mapping[str, np.ndarray]
    stopped: threading.Event = dataclasses.field(default_factory=threading.Event)

    def stop(self) -> None:
        """Ends what is being read, with the network at hand."""
        self.stopped.set()

    def read(self, side: Side, names: Sequence[str]) -> Block:
        """Reads those networks of a block that this process needs, and places them."""
        start = time.monotonic()
        here = [names[place] for place in self.comparison.here(side.role) if place < len(names)]
        here = here or [names[-1]]  # beyond the end of the last block, which the last network fills up
        known: dict[str, _One] = {}

        def leaves() -> Iterator[Mapping[str, np.ndarray]]:
            with contextlib.closing(ahead(lambda name: self._one(side, name), here, threads=AT_ONCE)) as networks:
                for name, one in zip(here, networks, strict=True):
                    known[name] = dataclasses.replace(one, leaves=None)
                    yield self._zeros if one.leaves is None else one.leaves

        shared, size = self.comparison.plan.shared, len(self.comparison.here(side.role))
        block = stacked(leaves(), shared, size=size)
        placed = jax.block_until_ready(self.comparison.place(side.role, block))
        return Block(
            names=tuple(names),
            placed=placed,
            sha256={name: one.sha256 for name, one in known.items() if one.sha256},
            failed={name: one.failed for name, one in known.items() if one.failed},
            not_shared=frozenset().union(*(one.not_shared for one in known.values())),
            read_bytes=sum(one.size for one in known.values()),
            seconds=time.monotonic() - start,
        )

    def _one(self, side: Side, name: str) -> _One:
        shared, used = self.comparison.plan.shared, self.comparison.plan.used
        if self.stopped.is_set():
            return _One()
        try:
            found = side.read(name, held=self.comparison.reading.held)
            leaves = brought(found.variables, shared, used, like=self.like)
        except UNREADABLE as error:
            return _One(failed=in_one_line(error))
        size = sum(leaf.nbytes for leaf in leaves.values())
        return _One(leaves=leaves, sha256=found.sha256, not_shared=self._others(found.variables), size=size)

    def _others(self, variables: Params) -> frozenset[str]:
        """Returns the paths at which a network and the tree differ."""
        tree, own = leaf_shapes(self.comparison.plan.shared.template.tree), leaf_shapes(variables)
        return frozenset(path for path in tree.keys() | own.keys() if tree.get(path) != own.get(path))

    @functools.cached_property
    def _zeros(self) -> Mapping[str, np.ndarray]:
        """Leaves that stand where a network cannot."""
        plan = self.comparison.plan
        template = leaf_paths(plan.shared.template.tree)
        return {path: np.zeros((), template[path].dtype) for path in plan.used}


def return_freed_memory() -> None:
    """Has the C library give memory of large arrays back as soon as they are let go.

    glibc comes to keep ever larger ones for later, in a heap for each thread, where blocks that come and go leave gaps:
    a process was seen to take two to three times what was alive. Elsewhere nothing is done.
    """
    with contextlib.suppress(OSError, AttributeError, TypeError):
        ctypes.CDLL(None).mallopt(M_MMAP_THRESHOLD, LARGE)


def ahead(function: Callable[[Item], Result], items: Sequence[Item], *, threads: int = 1) -> Generator[Result]:
    """Yields what a function makes of each item, in order, while as many of the next are made as there are threads.

    Args:
        function: called in other threads, in order and each item once; returns anything but None.
        items: as many as there are results.
        threads: how many are made at once, beside the one that was yielded.

    Raises:
        Exception: What the function raises, where the result would have been yielded.

    Examples:
        >>> list(ahead(lambda number: number**2, [1, 2, 3]))
        [1, 4, 9]
    """
    import grain  # it takes long to import

    options = grain.ReadOptions(num_threads=threads, prefetch_buffer_size=threads)
    results = iter(grain.MapDataset.source(items).map(function).to_iter_dataset(options))
    try:
        for _ in items:
            yield next(results)
    finally:
        results.close()
