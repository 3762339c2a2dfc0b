"""Plans and compiled programs, remembered as long as the functions live that they were made for."""

import collections
import contextlib
import contextvars
import dataclasses
import weakref
from collections.abc import Callable, Hashable, Iterator
from typing import Any

import jax
from jaxtyping import Array, Float

from lineage_jax.linearize import identity_of, watch
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


def programs_of(memory: Memory, choice: Hashable) -> Programs:
    """Finds the programs of one choice, or makes new ones, which compile at their first call."""
    if choice not in memory.programs:
        memory.programs[choice] = _new_programs()
    return memory.programs[choice]


@contextlib.contextmanager
def lent(scoring: Callable[[], Scoring]) -> Iterator[None]:
    """Lends functions to the programs that are called meanwhile: they need them when they compile, and only then."""
    token = _TRACED.set(scoring)
    try:
        yield
    finally:
        _TRACED.reset(token)


def _new_programs() -> Programs:
    def see(children: Params, probes: Inputs) -> Seen:
        return see_all(children, probes, scoring=_TRACED.get()())

    def pairs(
        parents: Params, children: Params, seen: Seen, probes: Inputs, alphas: Float[Array, " k"], *, chunk: int
    ) -> Float[Array, "p m l measure form k"]:
        return score_pairs(parents, children, seen, probes, alphas, scoring=_TRACED.get()(), chunk=chunk)

    return Programs(jax.jit(see), jax.jit(pairs, static_argnames=("chunk",)))
