"""Which of several networks in a file is read, where none was named."""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from converters import _roles
from converters._buffers import is_buffer_by_name
from converters._layouts import Shape
from converters._parts import REST, Part, Parts, in_network, missing_from
from converters._tensors import Tensor

Steps = tuple[str, ...]
Network = tuple[Steps, Any]
"""The way to a network, and the container that it is."""

MOST_RIVALS = 8
"""Other networks that are looked at and named."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Choice:
    """The network that is read.

    Attributes:
        steps: the way to it.
        network: the container that it is.
        why: why this one, of several.
        rivals: the others.
        joined: whether it is put together from containers that lie side by side.
    """

    steps: Steps
    network: Any
    why: str = ""
    rivals: Sequence[Network] = ()
    joined: bool = False


def choose(usual: Sequence[Network], every: Sequence[Network], shapes: Callable[[Any], dict[str, Shape]]) -> Choice:
    """Chooses by what the names tell (`_roles`), and the first of those of equal standing and one structure.

    Those of equal standing and different structures are the modules of one network, saved one by one: they are put
    together.

    Args:
        usual: networks under the first of the usual keys, or all there are.
        every: all networks of the file.
        shapes: returns the names and shapes of a network.
    """
    usual = [found for found in usual if not _is_none(found)] or usual
    level = [found for found in every if found[0][:-1] == usual[0][0][:-1] and found[0] and not _is_none(found)]
    pool = list(usual) + [found for found in level if found[0] not in {steps for steps, _ in usual}][:MOST_RIVALS]
    structures = [shapes(network) if len(pool) > 1 else {} for _, network in pool]
    alike = all(structure == structures[0] for structure in structures)
    equals = [index for index, structure in enumerate(structures) if index < len(usual) or structure == structures[0]]
    best, why = _roles.usual([pool[index][0][-1] if pool[index][0] else "" for index in equals], alike=alike)
    best = [equals[index] for index in best]
    first = [index for index in best if index < len(usual)] or best
    steps, network = pool[first[0]]
    same_level = all(found[0][:-1] == steps[:-1] for found in pool)
    listed = steps[-1:] and steps[-1].startswith("[")
    if len(first) > 1 and same_level and not listed and not _one_structure([structures[index] for index in first]):
        together = {pool[index][0][-1]: pool[index][1] for index in first}
        rivals = _rivals(every, [pool[index][0] for index in first], shapes)
        return Choice(
            steps=steps[:-1],
            network=together,
            why=f"{', '.join(together)} lie side by side and are read as modules of one network",
            rivals=rivals,
            joined=True,
        )
    return Choice(steps=steps, network=network, why=why, rivals=_rivals(every, [steps], shapes))


def _one_structure(structures: Sequence[Mapping[str, Shape]]) -> bool:
    return any(one == other for index, one in enumerate(structures) for other in structures[:index])


def _rivals(
    every: Sequence[Network], taken: Sequence[Steps], shapes: Callable[[Any], dict[str, Shape]]
) -> list[Network]:
    """Returns the other networks with a kernel: neither around nor inside one that is taken."""
    apart = [
        found
        for found in every
        if not _is_none(found) and not any(found[0][: len(s)] == s or s[: len(found[0])] == found[0] for s in taken)
    ]
    return [found for found in apart[:MOST_RIVALS] if any(len(shape) > 1 for shape in shapes(found[1]).values())]


def _is_none(found: Network) -> bool:
    return any(_roles.is_no_network(step) for step in found[0])


def shapes_of(tensors: Mapping[str, Tensor]) -> dict[str, Shape]:
    """Returns the shapes of tensors by name."""
    return {name: tensor.shape for name, tensor in tensors.items()}


def tensors_of(part: Part, parts: Parts, tensors: Mapping[str, Tensor], *, alone: bool) -> dict[str, Tensor]:
    """Returns the tensors of one part; unless it is alone, with what lies beside all parts.

    Names lose the part's prefix where nothing but buffers lies beside it.
    """
    inner = {**missing_from(part, parts), **in_network(part, parts)}
    within = {name for each in parts.all for name in each.names}
    beside = [] if alone else [name for name in tensors if name not in within]
    plain = all(is_buffer_by_name(name, tensors[name].shape) for name in beside)
    stripped = {name: inner[name] for name in tensors if name in inner}
    clash = len({*stripped.values(), *beside}) < len(stripped) + len(beside)
    if not plain or clash:
        front = part.name.removesuffix(REST) if part.name.endswith(REST) else f"{part.name}."
        stripped = {name: f"{front}{short}" for name, short in stripped.items()}
    return {stripped.get(name, name): tensors[name] for name in tensors if name in stripped or name in beside}
