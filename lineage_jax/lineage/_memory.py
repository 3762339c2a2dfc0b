"""How much fits: the working memory of a function, read off its jaxpr, and the block sizes that follow."""

import dataclasses
import math
from collections.abc import Callable

import jax
from jax.extend import core


@dataclasses.dataclass(frozen=True, kw_only=True)
class Cut:
    """How children are cut up.

    Attributes:
        block: children whose features are held at a time; a multiple of `chunk`.
        chunk: children whose tangents are computed at a time.
    """

    block: int
    chunk: int


def cut(children: int, *, held_bytes: int, working_bytes: int, memory: int) -> Cut:
    """Chooses block and chunk: three quarters of the memory hold features, one quarter is for the work in flight.

    Args:
        children: how many there are.
        held_bytes: bytes of the features (and stem output) of one child.
        working_bytes: bytes of the temporaries of one child.
        memory: the budget in bytes; at least one child is always taken.

    Examples:
        >>> cut(20, held_bytes=4, working_bytes=8, memory=100)
        Cut(block=12, chunk=3)
        >>> cut(50, held_bytes=4, working_bytes=8, memory=100)
        Cut(block=18, chunk=3)
    """
    chunk = min(children, max(1, memory // 4 // max(1, working_bytes)))
    blocks = math.ceil(children / max(1, memory * 3 // 4 // max(1, held_bytes)))
    per_block = math.ceil(children / blocks)
    chunk = math.ceil(per_block / math.ceil(per_block / chunk))
    return Cut(block=chunk * math.ceil(per_block / chunk), chunk=chunk)


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
