"""Plans and compiled programs, remembered as long as the functions live that they were made for."""

import collections
import contextlib
import contextvars
import dataclasses
import weakref
from collections.abc import Callable, Hashable, Iterator
from typing import Any

import jax
import jax.numpy as jnp
from jax.sharding import Mesh
from jax.sharding import PartitionSpec as P
from jaxtyping import Array, Bool, Float

from lineage_jax.linearize import identity_of, watch
from lineage_jax.pairs._mesh import CHILDREN, PROBES
from lineage_jax.pairs._passes import Scoring, Seen, score_pairs, see_all
from lineage_jax.typing import Inputs, Params

REMEMBERED = 64
"""Settings whose programs are kept: those used last."""


@dataclasses.dataclass(frozen=True, eq=False)
class Programs:
    """Compiled programs of one setting; they hold none of the functions that it is made of.

    Attributes:
        see_all: as `_passes.see_all`.
        score_pairs: as `_passes.score_pairs`.
    """

    see_all: Callable[..., Seen]
    score_pairs: Callable[..., Float[Array, "p m l measure form k"]]


@dataclasses.dataclass(frozen=True, eq=False)
class Memory:
    """What is remembered of the functions that score: plans by what they depend on, programs by the plan's choices."""

    plans: dict[Hashable, Any] = dataclasses.field(default_factory=dict)
    programs: dict[Hashable, Programs] = dataclasses.field(default_factory=dict)
    watchers: list[weakref.ref] = dataclasses.field(default_factory=list)


_TRACED: contextvars.ContextVar[Callable[[], Scoring]] = contextvars.ContextVar("traced")
_KEPT: collections.OrderedDict[Hashable, Memory] = collections.OrderedDict()


def remembered(scoring: Scoring) -> Memory:
    """Finds what is remembered of a setting, which may be nothing yet."""
    key = identity_of(scoring)
    found = _KEPT.get(key)
    if found is None:
        found = _KEPT[key] = Memory()
        found.watchers.extend(watch(key, lambda: _KEPT.pop(key, None)))
        while len(_KEPT) > REMEMBERED:
            _KEPT.popitem(last=False)
    _KEPT.move_to_end(key)
    return found


def programs_of(memory: Memory, choice: Hashable, mesh: Mesh | None = None) -> Programs:
    """Finds the programs of one choice and mesh, or makes new ones, which compile at their first call."""
    if (choice, mesh) not in memory.programs:
        memory.programs[choice, mesh] = _new_programs(mesh)
    return memory.programs[choice, mesh]


@contextlib.contextmanager
def lent(scoring: Callable[[], Scoring]) -> Iterator[None]:
    """Lends functions to the programs that are called meanwhile: they need them when they compile, and only then."""
    token = _TRACED.set(scoring)
    try:
        yield
    finally:
        _TRACED.reset(token)


def _new_programs(mesh: Mesh | None) -> Programs:
    def see(children: Params, probes: Inputs) -> Seen:
        return see_all(children, probes, scoring=_TRACED.get()())

    def pairs(
        parents: Params, children: Params, seen: Seen, probes: Inputs, alphas: Float[Array, " k"], *, chunk: int
    ) -> Float[Array, "p m l measure form k"]:
        return score_pairs(parents, children, seen, probes, alphas, scoring=_TRACED.get()(), chunk=chunk)

    if mesh is not None:
        see, pairs = _spread_see(see, mesh), _spread_pairs(pairs, mesh)
    return Programs(jax.jit(see), jax.jit(pairs, static_argnames=("chunk",)))


OF_CHILDREN, OF_PROBES, OF_BOTH, EVERYWHERE = P(CHILDREN), P(PROBES), P(CHILDREN, PROBES), P()
SEEN = Seen._make((OF_BOTH, OF_CHILDREN, OF_CHILDREN, OF_BOTH, EVERYWHERE))
"""Where features, whole ones, what is prepared of them, stems, and what has overflown lie on a mesh."""


def _spread_see(see: Callable[..., Seen], mesh: Mesh) -> Callable[..., Seen]:
    """Every device sees its own children, each on its own probes."""

    def see_own(children: Params, probes: Inputs) -> Seen:
        seen = see(children, probes)
        return seen._replace(overflown=jax.tree.map(_anywhere, seen.overflown))

    return _on_mesh(see_own, mesh, (OF_CHILDREN, OF_PROBES), SEEN)


def _spread_pairs(pairs: Callable[..., Array], mesh: Mesh) -> Callable[..., Array]:
    """Every device scores its own children with all parents; then all have all scores, and one process can write them.

    Where probes are split, a first axis has the scores of each part, to be averaged (`_parts.whole`).
    """

    def spread(*arrays: Any, chunk: int) -> Array:
        def score_own(parents: Params, children: Params, seen: Seen, *others: Array) -> Array:
            own = seen._replace(overflown={})  # which is said of the children of other devices too
            scores = pairs(parents, children, own, *others, chunk=chunk)
            scores = jax.lax.all_gather(scores, CHILDREN, axis=1, tiled=True)
            return jax.lax.all_gather(scores, PROBES) if mesh.shape[PROBES] > 1 else scores

        return _on_mesh(score_own, mesh, (EVERYWHERE, OF_CHILDREN, SEEN, OF_PROBES, EVERYWHERE), EVERYWHERE)(*arrays)

    return spread


def _on_mesh(function: Callable, mesh: Mesh, in_specs: Any, out_specs: Any) -> Callable:
    # unchecked, as the check refuses loops in networks and measures that know nothing of a mesh
    return jax.shard_map(function, mesh=mesh, in_specs=in_specs, out_specs=out_specs, check_vma=False)


def _anywhere(flags: Bool[Array, " own"]) -> Bool[Array, " m"]:
    """Says of all children whether a flag is up on any device."""
    up = jax.lax.psum(flags.astype(jnp.int32), PROBES) > 0
    return jax.lax.all_gather(up, CHILDREN, tiled=True)
