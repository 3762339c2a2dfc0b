"""Several networks in one flat state_dict: parts under prefixes such as `student.` and `teacher.`, told apart.

Layers of one network repeat each other too, so a part must have a role (see `_roles`), or be a copy; it must have
several kernels and the structure of another part, of the rest or of a second role; and both must be most of the file.
Structures are compared without the dots of names, since averages are kept under names without them at times.
"""

import collections
import dataclasses
import math
from collections.abc import Iterator, Mapping

from converters import _roles
from converters._layouts import Shape

DEEPEST = 3
"""Modules that a prefix names at most."""
ALIKE = 0.8
"""Share of a part's arrays that another one has too, from which both have one structure: heads may differ."""
MOST = 0.5
"""Share of all numbers that lies in the parts together, at least."""
FEWEST = 2
"""Kernels of a part at least: a query's one weight beside a key's is no network."""
REST = "[rest]"
"""What is called the part that has no prefix, beside one that has."""

Shapes = Mapping[str, Shape]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Part:
    """One of several networks in a flat state_dict.

    Attributes:
        name: its prefix without the last dot or underscore, or `REST`.
        names: the full names of its arrays -> their names in the network.
    """

    name: str
    names: Mapping[str, str]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Parts:
    """Several networks in a flat state_dict.

    Attributes:
        all: the parts.
        taken: which of them is usually meant.
        why: why.
        by_name: whether their names tell; else only equal values do.
    """

    all: tuple[Part, ...]
    taken: int
    why: str
    by_name: bool = True


def find_parts(shapes: Shapes) -> Parts | None:
    """Finds parallel networks among arrays, or None where there is one.

    Examples:
        >>> shapes = {f"{part}.{n}.weight": (4, 4) for part in ("student", "teacher") for n in range(2)}
        >>> found = find_parts(shapes)
        >>> [part.name for part in found.all], found.all[found.taken].name
        (['student', 'teacher'], 'teacher')
    """
    total = sum(map(math.prod, shapes.values())) or 1
    below = _below(shapes)
    of_roles = (_of_roles(_large(parent, children, shapes), parent, shapes) for parent, children in below.items())
    twins = (pair for parent, children in below.items() for pair in _twins(_large(parent, children, shapes), shapes))
    for groups, by_name in (((*of_roles, _underscored(shapes)), True), (twins, False)):
        for group in groups:
            held = sum(math.prod(shapes[name]) for part in group for name in part.names)
            if len(group) > 1 and held >= MOST * total:
                alike = all(_share(_structure(part, shapes), _structure(group[0], shapes)) >= ALIKE for part in group)
                first, why = _roles.usual([part.name for part in group], alike=alike)
                return Parts(all=tuple(group), taken=first[0], why=why, by_name=by_name)
    return None


def in_network(part: Part, parts: Parts) -> dict[str, str]:
    """Returns the names of a part's arrays in its network; dots that were left out are those of the other parts."""
    dotted = {inner.replace(".", ""): inner for other in parts.all for inner in other.names.values() if "." in inner}
    without = not any("." in inner for inner in part.names.values())
    return {name: dotted.get(inner, inner) if without else inner for name, inner in part.names.items()}


def missing_from(part: Part, parts: Parts) -> dict[str, str]:
    """Returns what an average lacks and the averaged network has: averages may be of trained weights alone."""
    if not _roles.words(part.name.rpartition(".")[2]) & _roles.AVERAGED:
        return {}
    has = {inner.replace(".", "") for inner in part.names.values()}
    others = (other for other in parts.all if other is not part)
    return next(
        (
            {name: inner for name, inner in other.names.items() if inner.replace(".", "") not in has}
            for other in others
            if len(has & {inner.replace(".", "") for inner in other.names.values()}) >= ALIKE * len(has)
        ),
        {},
    )


def _below(shapes: Shapes) -> dict[str, dict[str, dict[str, str]]]:
    """Returns module -> part of it -> full names -> names in the part, for modules that lie near the top."""
    below: dict[str, dict[str, dict[str, str]]] = collections.defaultdict(lambda: collections.defaultdict(dict))
    for name in shapes:
        steps = name.split(".", DEEPEST)
        for depth in range(len(steps) - 1):
            parent = "".join(f"{each}." for each in steps[:depth])
            below[parent][steps[depth]][name] = ".".join(steps[depth + 1 :])
    return below


def _large(parent: str, children: Mapping[str, dict[str, str]], shapes: Shapes) -> list[Part]:
    """Returns the parts of a module that have several kernels."""
    parts = [Part(name=f"{parent}{step}", names=names) for step, names in children.items()]
    return [part for part in parts if _kernels(part, shapes) >= FEWEST]


def _of_roles(parts: list[Part], parent: str, shapes: Shapes) -> list[Part]:
    """Returns parts with roles, and those or the rest that have a structure like theirs."""
    roles = [part for part in parts if _roles.has_role(part.name.removeprefix(parent))]
    group: list[Part] = []
    for part in roles:
        own = _structure(part, shapes)
        partners = [other for other in parts if other is not part and _alike(own, _structure(other, shapes))]
        judged = [
            other
            for other in roles
            if (_roles.rank(part.name.removeprefix(parent), alike=False)[0] > 0)
            != (_roles.rank(other.name.removeprefix(parent), alike=False)[0] > 0)
            and (_roles.words(part.name) | _roles.words(other.name)) & _roles.JUDGING
        ]
        group += [each for each in (part, *partners, *judged) if each not in group and (partners or judged)]
        if not partners and not judged:
            rest = _rest(part, parent, own, shapes)
            group += [] if rest is None else [part, rest]
    order = list(shapes)
    return sorted(group, key=lambda part: order.index(next(iter(part.names))))


def _rest(part: Part, parent: str, own: dict[str, Shape], shapes: Shapes) -> Part | None:
    """Returns what lies beside a part under the names that it has itself."""
    beside = {
        name: name.removeprefix(parent)
        for name, shape in shapes.items()
        if name.startswith(parent)
        and name not in part.names
        and own.get(name.removeprefix(parent).replace(".", "")) == shape
    }
    rest = Part(name=f"{parent}{REST}", names=beside)
    return rest if _kernels(rest, shapes) >= FEWEST and len(beside) >= ALIKE * len(part.names) else None


def _underscored(shapes: Shapes) -> list[Part]:
    """Returns the part whose names are those of the rest behind a role and an underscore, and the rest."""
    heads = {name.partition("_")[0] for name in shapes if "_" in name.partition(".")[0]}
    for head in sorted(heads):
        if _roles.words(head) <= _roles.ROLES and _roles.words(head):
            names = {name: name[len(head) + 1 :] for name in shapes if name.startswith(f"{head}_")}
            part = Part(name=head, names=names)
            rest = _rest(part, "", _structure(part, shapes), shapes) if _kernels(part, shapes) >= FEWEST else None
            if rest is not None:
                return [rest, part]
    return []


def _twins(parts: list[Part], shapes: Shapes) -> Iterator[list[Part]]:
    """Yields parts of exactly one structure, which may be copies."""
    groups: dict[frozenset, list[Part]] = collections.defaultdict(list)
    for part in parts:
        groups[frozenset((inner, shapes[name]) for name, inner in part.names.items())].append(part)
    yield from (group for group in groups.values() if len(group) == 2)


def _kernels(part: Part, shapes: Shapes) -> int:
    return sum(len(shapes[name]) > 1 for name in part.names)


def _structure(part: Part, shapes: Shapes) -> dict[str, Shape]:
    return {inner.replace(".", ""): shapes[name] for name, inner in part.names.items()}


def _alike(one: dict[str, Shape], other: dict[str, Shape]) -> bool:
    return min(_share(one, other), _share(other, one)) >= ALIKE


def _share(one: dict[str, Shape], other: dict[str, Shape]) -> float:
    """Returns how many of the arrays of the first the second has too."""
    return sum(other.get(name) == shape for name, shape in one.items()) / max(len(one), 1)
