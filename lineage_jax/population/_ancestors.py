"""Ancestors: pure functions on the name of every network's parent."""

from collections.abc import Mapping


def ancestors(name: str, parent_of: Mapping[str, str]) -> tuple[str, ...]:
    """Returns a network's parent, grandparent and so on up to the root; none for a root.

    Raises:
        ValueError: If the network descends from itself.

    Examples:
        >>> ancestors("carl", {"carl": "bert", "bert": "anna"})
        ('bert', 'anna')
    """
    line: list[str] = []
    while (parent := parent_of.get((name, *line)[-1])) is not None:
        if parent in line:
            raise ValueError(f"expected a tree, got '{parent}', which descends from itself")
        line.append(parent)
    return tuple(line)


def ancestor(name: str, parent_of: Mapping[str, str], *, generation: int) -> str:
    """Returns the one of a network's line that is of a generation; its root is of the first.

    Args:
        name: the network.
        parent_of: parents' names by names.
        generation: 1 is the root's; the network's own gives the network.

    Raises:
        ValueError: If the network is of an earlier generation.

    Examples:
        >>> ancestor("carl", {"carl": "bert", "bert": "anna"}, generation=1)
        'anna'
    """
    line = (name, *ancestors(name, parent_of))[::-1]
    if not 1 <= generation <= len(line):
        raise ValueError(f"expected a generation from 1 to that of '{name}', {len(line)}, got {generation}")
    return line[generation - 1]
