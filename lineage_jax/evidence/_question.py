"""The networks in question: a child, and those of its candidates that could be read."""

import dataclasses
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from lineage_jax import checkpoints
from lineage_jax.checkpoints import LazyNetworks, LoadedNetwork

if TYPE_CHECKING:
    from lineage_jax.typing import Networks, Params

Candidates: TypeAlias = (
    "Mapping[str, Any] | Networks | Sequence[str | os.PathLike] | Sequence[LoadedNetwork] | str | os.PathLike"
)
"""By name, paths, loaded networks or variables; stacked networks; a list of paths or loaded networks; or a folder."""

Given: TypeAlias = "str | os.PathLike | LoadedNetwork | Params"
"""One network: a path, one that was loaded, or variables in memory."""

SAME_PLACE = "the same place"
"""By what a candidate shows to be the child where both have one path."""


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Question:
    """A child and the candidates that could be read.

    Attributes:
        child: the child.
        parents: the candidates by name, without those that are left out.
        left_out: candidates that are the child by their place, and `SAME_PLACE`.
        skipped: candidates that could not be read, and why.
        matched: candidates whose units were brought to the child's, and the p-value of "they are strangers".
        partial: why these networks cannot be run, where only a part of their weights was brought back; else empty.
    """

    child: LoadedNetwork
    parents: dict[str, LoadedNetwork]
    left_out: dict[str, str] = dataclasses.field(default_factory=dict)
    skipped: dict[str, str] = dataclasses.field(default_factory=dict)
    matched: dict[str, float] = dataclasses.field(default_factory=dict)
    partial: str = ""

    @property
    def networks(self) -> dict[str, LoadedNetwork]:
        """The child and the candidates by name."""
        return {self.child.name: self.child, **self.parents}

    @property
    def everyone(self) -> list[LoadedNetwork]:
        """The candidates, then the child."""
        return [*self.parents.values(), self.child]


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Asked:
    """A child that was read and its candidates by name, each read when it is asked for.

    Attributes:
        child: the child.
        candidates: those that are not at the child's place.
        left_out: those that are, and `SAME_PLACE`.
    """

    child: LoadedNetwork
    candidates: LazyNetworks
    left_out: dict[str, str]


def read_child(parents: Candidates, child: Given, *, progress: Callable[[int, int], None], **settings: Any) -> Asked:
    """Reads a child and gives names to its candidates, which are not read yet; as `read_question`."""
    candidates, child_name, left_out = _named(parents, child)
    progress(0, len(candidates) + 1)
    suspect = LazyNetworks(given={child_name: child}, **settings)[child_name]
    progress(1, len(candidates) + 1)
    return Asked(child=suspect, candidates=LazyNetworks(given=candidates, **settings), left_out=left_out)


def read_question(
    parents: Candidates, child: Given, *, progress: Callable[[int, int], None], **settings: Any
) -> Question:
    """Reads a child and its candidates; of these a bad one is logged and skipped, and the child itself is left out.

    Args:
        parents: the candidates.
        child: the child.
        progress: called with how many networks were read, and how many there are.
        **settings: of `LazyNetworks`: arch, nesting, network, input_shape.

    Raises:
        ValueError: If there is no candidate, two have one name, or the child or every candidate cannot be read.
        TypeError: If candidates that are no paths and no loaded networks have no names.
        OSError: If the child or every candidate cannot be read.
    """
    asked = read_child(parents, child, progress=progress, **settings)
    total = len(asked.candidates) + 1
    loaded, skipped = checkpoints.load_readable(asked.candidates, progress=lambda done, _: progress(1 + done, total))
    checkpoints.log_notes({asked.child.name: asked.child, **loaded})
    return Question(child=asked.child, parents=loaded, left_out=asked.left_out, skipped=skipped)


def _named(parents: Candidates, child: Given) -> tuple[Mapping[str, Any], str, dict[str, str]]:
    """Returns the candidates but for the child, by name, what the child is called, and those that are the child."""
    candidates = _candidates(parents)
    if isinstance(candidates, Mapping):
        return _named_by_user(candidates, child)
    given = checkpoints.distinct_paths(candidates)
    if not given:
        raise ValueError("expected at least one parent, got none")
    place = _place_of(child)
    if not isinstance(child, str | os.PathLike):
        return _named_by_user(dict(zip(checkpoints.names_of(given), given, strict=True)), child)
    paths = [path for path in given if path.resolve() != place]
    child_name, *names = checkpoints.names_of([Path(child), *paths])
    return dict(zip(names, paths, strict=True)), child_name, {child_name: SAME_PLACE} if len(paths) < len(given) else {}


def _candidates(parents: Candidates) -> Mapping[str, Any] | list[Path]:
    """Returns the candidates by name where they have names, or as paths."""
    from lineage_jax import pairs
    from lineage_jax.typing import Networks

    if isinstance(parents, Networks):
        return {name: parents[name] for name in parents.names}
    if isinstance(parents, Mapping):
        pairs.names_of(parents, "parent")
        return parents
    if isinstance(parents, str | os.PathLike):
        return checkpoints.paths_in(parents)
    paths = [Path(each) for each in parents if isinstance(each, str | os.PathLike)]
    if len(paths) == len(parents):
        return paths
    by_name = {each.name: each for each in parents if isinstance(each, LoadedNetwork)}
    if not all(isinstance(each, LoadedNetwork) for each in parents):
        raise TypeError("expected paths or loaded networks in a list of candidates; give others as {name: variables}")
    if len(by_name) < len(parents):
        raise ValueError(f"expected {len(parents)} candidates of different names, got only {', '.join(by_name)}")
    return by_name


def _named_by_user(parents: Mapping[str, Any], child: Given) -> tuple[Mapping[str, Any], str, dict[str, str]]:
    """Returns the same of candidates that have names; a mapping that reads them when asked is not asked for any."""
    place = _place_of(child)
    in_memory = parents.given if isinstance(parents, LazyNetworks) else parents if type(parents) is dict else {}
    left_out = {name: SAME_PLACE for name, each in in_memory.items() if place and _place_of(each) == place}
    if left_out:
        kept = {name: each for name, each in in_memory.items() if name not in left_out}
        parents = dataclasses.replace(parents, given=kept) if isinstance(parents, LazyNetworks) else kept
    name = child.name if isinstance(child, LoadedNetwork) else "child"
    if isinstance(child, str | os.PathLike):
        name = checkpoints.name_of(child)
    return parents, f"{name} (the child)" if name in set(parents) else name, left_out


def _place_of(network: Given) -> Path | None:
    """Returns where a network lies on disk, or None in memory."""
    path = network.path if isinstance(network, LoadedNetwork) else network
    return Path(path).resolve() if isinstance(path, str | os.PathLike) else None
