"""What edges between networks must keep to, and the order that they give."""

import math
from collections.abc import Iterable, Sequence

from lineage_jax.genealogy._edge import Edge, edges_by_child, edges_by_parent

SHARE_TOLERANCE = 1e-5
"""By how much the shares of a child's parents may miss 1: decimal fractions, such as three times 0.333333."""


def check_nodes(nodes: Sequence[str], edges: Iterable[Edge]) -> None:
    """Refuses a name that is twice among the nodes, and an edge whose name is not.

    Raises:
        ValueError: If there is one.
    """
    names = set(nodes)
    if len(names) < len(nodes):
        raise ValueError(f"expected every network once among the nodes, got '{_twice(nodes)}' twice")
    absent = [name for edge in edges for name in (edge.child, edge.parent) if name not in names]
    if absent:
        raise ValueError(f"expected edges between the nodes, got '{absent[0]}', which is none of them")


def check_parents(child: str, edges: Sequence[Edge]) -> None:
    """Refuses edges of one child that contradict each other.

    Raises:
        ValueError: If a parent is there twice, there are two kinds, or the shares do not add up to 1.
    """
    names = [edge.parent for edge in edges]
    if len(set(names)) < len(names):
        raise ValueError(f"expected every parent of '{child}' once, got '{_twice(names)}' twice")
    kinds = dict.fromkeys(edge.kind for edge in edges)
    if len(kinds) > 1:
        raise ValueError(f"expected one way in which '{child}' was made, got {', '.join(kinds)}")
    total = math.fsum(edge.share for edge in edges)
    if abs(total - 1) > SHARE_TOLERANCE:
        raise ValueError(f"expected shares that add up to 1 for the parents of '{child}', got {total:g}")


def oldest_first(nodes: Sequence[str], edges: Sequence[Edge]) -> list[str]:
    """Returns the nodes, parents before their children.

    Raises:
        ValueError: If a network descends from itself.
    """
    of_child, of_parent = edges_by_child(edges), edges_by_parent(edges)
    missing = {child: len(parents) for child, parents in of_child.items()}
    order = [name for name in nodes if name not in missing]
    for name in order:  # which grows
        for edge in of_parent.get(name, ()):
            missing[edge.child] -= 1
            if not missing[edge.child]:
                order.append(edge.child)
    left = set(nodes).difference(order)
    if left:
        line = [next(name for name in nodes if name in left)]
        while line[-1] not in line[:-1]:  # upwards from any of them, since each has a parent that is left
            line.append(next(edge.parent for edge in of_child[line[-1]] if edge.parent in left))
        raise ValueError(f"expected no network among its own ancestors, got '{line[-1]}', which descends from itself")
    return order


def _twice(names: Sequence[str]) -> str:
    return next(name for name in names if names.count(name) > 1)
