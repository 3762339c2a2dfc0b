"""Which parameters of two networks are the same ones, where one network stands inside a module of the other."""

import collections
import dataclasses
import math
from collections.abc import Iterator, Mapping

from lineage_jax.leaves._paths import is_under

Shape = tuple[int, ...]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Counterparts:
    """Which leaf of the child corresponds to which of the parent.

    Attributes:
        pairs: path in the parent by path in the child, in the child's order; shapes are equal.
        parent_module: the module of the parent that is compared, "" for all of it.
        child_module: the module of the child that it corresponds to.
    """

    pairs: dict[str, str]
    parent_module: str
    child_module: str


NEARLY = 0.9
"""Share of the most that is shared from which another pair of modules is as good a guess by names."""


def counterparts(parent: Mapping[str, Shape], child: Mapping[str, Shape]) -> Counterparts:
    """Finds the pair of modules under which two networks share most parameters of equal path and shape.

    A classification network's `layer1/0/conv1/kernel` and a detector's `backbone/body/layer1/0/conv1/kernel` are the
    same parameter. Of pairs of modules that share equally much the outermost is taken, so that networks of one
    architecture are compared as they are; which of several is meant, values tell (`lineage.overlap`), names do not.

    Args:
        parent: shapes by path.
        child: shapes by path.

    Examples:
        >>> found = counterparts({"conv/kernel": (3, 3), "fc/kernel": (9, 2)}, {"backbone/conv/kernel": (3, 3)})
        >>> found.child_module, found.pairs
        ('backbone', {'backbone/conv/kernel': 'conv/kernel'})
    """
    return all_counterparts(parent, child)[0]


def all_counterparts(parent: Mapping[str, Shape], child: Mapping[str, Shape]) -> list[Counterparts]:
    """Finds all pairs of modules that share nearly as much as the best, that one first, none a part of another.

    Args:
        parent: shapes by path.
        child: shapes by path.

    Examples:
        >>> found = all_counterparts({"student/fc/kernel": (3, 3), "teacher/fc/kernel": (3, 3)}, {"fc/kernel": (3, 3)})
        >>> [each.parent_module for each in found]
        ['student', 'teacher']
    """
    inside: dict[tuple[str, Shape], list[str]] = collections.defaultdict(list)
    for path, shape in parent.items():
        for module, rest in _splits(path):
            inside[rest, shape].append(module)
    shared: collections.Counter[tuple[str, str]] = collections.Counter()
    for path, shape in child.items():
        for module, rest in _splits(path):
            for other in inside.get((rest, shape), ()):
                shared[other, module] += math.prod(shape)
    if not shared:
        return [Counterparts(pairs={}, parent_module="", child_module="")]
    most = max(shared.values())
    near = [pair for pair, count in shared.items() if count >= NEARLY * most]
    near.sort(key=lambda pair: (-shared[pair], len(pair[0]) + len(pair[1])))
    found: list[Counterparts] = []
    for of_parent, of_child in near:
        pairs = _pairs(parent, child, of_parent, of_child)
        if not any(pairs.items() <= other.pairs.items() for other in found):
            found.append(Counterparts(pairs=pairs, parent_module=of_parent, child_module=of_child))
    return found


def _pairs(parent: Mapping[str, Shape], child: Mapping[str, Shape], of_parent: str, of_child: str) -> dict[str, str]:
    pairs = {}
    for path, shape in child.items():
        if not of_child or is_under(path, (of_child,)):
            other = _join(of_parent, path[len(of_child) :].lstrip("/"))
            if parent.get(other) == shape:
                pairs[path] = other
    return pairs


def _splits(path: str) -> Iterator[tuple[str, str]]:
    """Yields every module that a leaf lies in and its path there, which keeps the leaf's own layer."""
    steps = path.split("/")
    for outer in range(max(len(steps) - 1, 1)):
        yield "/".join(steps[:outer]), "/".join(steps[outer:])


def _join(module: str, rest: str) -> str:
    return f"{module}/{rest}" if module else rest
