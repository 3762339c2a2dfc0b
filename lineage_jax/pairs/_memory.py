"""How much fits: the working memory of a function, read off its jaxpr, and the sizes of the pieces that follow."""

import dataclasses
import math
from collections.abc import Callable

import jax
from jax.extend import core

from lineage_jax.pairs._comparison import AtATime

FEWEST_ROWS = 32
"""Pieces of fewer probes would take more time than memory is worth."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Cut:
    """How children are cut up.

    Attributes:
        block: children whose features are held at a time; a multiple of `chunk` unless it was given.
        chunk: children whose tangents are computed at a time.
    """

    block: int
    chunk: int


def cut(children: int, *, held_bytes: int, working_bytes: int, memory: int, block: int | None = None) -> Cut:
    """Chooses block and chunk: three quarters of the memory hold features, one quarter is for the work in flight.

    Args:
        children: how many there are.
        held_bytes: bytes of the features (and stem output) of one child.
        working_bytes: bytes of the temporaries of one child.
        memory: the budget in bytes; at least one child is always taken.
        block: children that are held at a time, where that is settled.

    Examples:
        >>> cut(20, held_bytes=4, working_bytes=8, memory=100)
        Cut(block=12, chunk=3)
        >>> cut(50, held_bytes=4, working_bytes=8, memory=100)
        Cut(block=18, chunk=3)
    """
    chunk = min(children, max(1, memory // 4 // max(1, working_bytes)))
    blocks = math.ceil(children / max(1, memory * 3 // 4 // max(1, held_bytes)))
    per_block = block or math.ceil(children / blocks)
    chunk = math.ceil(per_block / math.ceil(per_block / chunk))
    return Cut(block=block or chunk * math.ceil(per_block / chunk), chunk=chunk)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Pieces:
    """How a scoring is cut up.

    Attributes:
        parents: networks that are held at a time.
        children: as in `Cut`.
        rows: probes that are shown at a time.
        needed: bytes that this takes, by estimate, with one child at a time or the block that was given.
    """

    parents: int
    children: Cut
    rows: int
    needed: int


@dataclasses.dataclass(frozen=True, kw_only=True)
class Sizes:
    """Bytes that a scoring takes, by estimate.

    Attributes:
        network: of one network; a child counts twice, as it is read and as it stands among others.
        held: of what is held of one child, by the number of probes.
        working: of the temporaries of one pair, by the number of probes.
    """

    network: int
    held: Callable[[int], int]
    working: Callable[[int], int]


def pieces(
    sizes: Sizes, *, parents: int, children: int, probes: int, can_cut: bool, memory: int, blocks: AtATime | None = None
) -> Pieces:
    """Cuts parents, children and, where one pair does not fit and they may be cut, probes.

    All parents are held where they take a quarter of the memory at most; `cut` divides the rest between children.
    Where `blocks` says how many networks are held, that stands, and the rest is cut to fit them.

    Examples:
        >>> linear = Sizes(network=10, held=lambda rows: rows, working=lambda rows: 2 * rows)
        >>> pieces(linear, parents=3, children=5, probes=100, can_cut=True, memory=200)
        Pieces(parents=3, children=Cut(block=2, chunk=1), rows=25, needed=125)
        >>> pieces(linear, parents=9, children=5, probes=100, can_cut=False, memory=200)
        Pieces(parents=5, children=Cut(block=1, chunk=1), rows=100, needed=370)
    """
    together = blocks.parents if blocks else min(parents, max(1, memory // 4 // max(1, sizes.network)))
    left = max(1, memory - together * sizes.network)
    settled = blocks.children if blocks else None
    at_once = settled or 1
    of_all = Sizes(network=at_once * sizes.network, held=lambda n: at_once * sizes.held(n), working=sizes.working)
    rows = _rows(of_all, left, probes) if can_cut else probes
    held, working = 2 * sizes.network + sizes.held(rows), sizes.working(rows)
    return Pieces(
        parents=together,
        children=cut(settled or children, held_bytes=held, working_bytes=working, memory=left, block=settled),
        rows=rows,
        needed=together * sizes.network + at_once * held + working,
    )


def _rows(sizes: Sizes, memory: int, probes: int) -> int:
    """Returns how many probes fit, in pieces of equal size; no fewer than take what a network's own temporaries do."""
    if probes == 1 or _fits(sizes, probes, memory):
        return probes
    most = probes
    of_networks = 2 * sizes.network
    for take, room in ((sizes.held, memory * 3 // 4 - of_networks), (sizes.working, memory // 4)):
        one, all_of_them = take(1), take(probes)
        each = max(1, (all_of_them - one) // (probes - 1))
        fixed = max(0, one - each)
        most = min(most, max((room - fixed) // each, fixed // each, FEWEST_ROWS))
    return math.ceil(probes / math.ceil(probes / max(1, most)))


def _fits(sizes: Sizes, rows: int, memory: int) -> bool:
    return sizes.working(rows) <= memory // 4 and 2 * sizes.network + sizes.held(rows) <= memory * 3 // 4


def working_bytes(function: Callable, *arguments: object) -> int:
    """Bytes of intermediates alive at once if the function's equations run in order, its arguments not counted.

    An upper estimate: a compiler fuses element-wise work and needs less.

    Examples:
        >>> import jax.numpy as jnp
        >>> working_bytes(lambda x: jnp.sum((x + 1) * 2), jax.ShapeDtypeStruct((100,), jnp.float32))
        800
    """
    return _peak(jax.make_jaxpr(function)(*arguments).jaxpr)


def nbytes(tree: object) -> int:
    """Bytes of all arrays of a tree, which may be given as shapes."""
    return sum(math.prod(leaf.shape) * leaf.dtype.itemsize for leaf in jax.tree.leaves(tree))


def _peak(jaxpr: core.Jaxpr) -> int:
    last_use = {var: index for index, eqn in enumerate(jaxpr.eqns) for var in _variables(eqn.invars)}
    last_use |= dict.fromkeys(_variables(jaxpr.outvars), len(jaxpr.eqns))
    live: dict[core.Var, int] = {}
    peak = 0
    for index, eqn in enumerate(jaxpr.eqns):
        live |= {var: _size(var) for var in eqn.outvars if var in last_use}
        peak = max(peak, sum(live.values()) + max((_peak(inner) for inner in _inner(eqn)), default=0))
        live = {var: size for var, size in live.items() if last_use[var] > index}
    return peak


def _variables(atoms: list) -> list[core.Var]:
    return [atom for atom in atoms if isinstance(atom, core.Var)]


def _size(var: core.Var) -> int:
    shape, dtype = getattr(var.aval, "shape", ()), getattr(var.aval, "dtype", None)
    return math.prod(shape) * dtype.itemsize if dtype is not None else 0  # tokens take no room


def _inner(eqn: core.JaxprEqn) -> list[core.Jaxpr]:
    params = jax.tree.leaves(list(eqn.params.values()), is_leaf=lambda p: isinstance(p, core.Jaxpr | core.ClosedJaxpr))
    closed = [param.jaxpr for param in params if isinstance(param, core.ClosedJaxpr)]
    return closed + [param for param in params if isinstance(param, core.Jaxpr)]
