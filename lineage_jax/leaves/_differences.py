"""Where trees differ: the first leaf that is not the same in all of them."""

from collections.abc import Hashable, Mapping
from typing import NamedTuple


class Difference(NamedTuple):
    """What several trees have at a path; as text, the first tree of each sort.

    Attributes:
        path: of the leaf.
        found: by the tree's name what it has there, such as a shape; None where it has nothing.

    Examples:
        >>> str(Difference("fc/kernel", {"parent 'a'": (2, 3), "parent 'b'": (2, 3), "child 'c'": None}))
        "(2, 3) in parent 'a', absent in child 'c'"
    """

    path: str
    found: Mapping[str, Hashable | None]

    def __str__(self) -> str:
        first: dict[Hashable | None, str] = {}
        for name, leaf in self.found.items():
            first.setdefault(leaf, name)
        return ", ".join(f"{'absent' if leaf is None else leaf} in {name}" for leaf, name in first.items())


def first_difference(trees: Mapping[str, Mapping[str, Hashable]]) -> Difference | None:
    """Finds the first path at which trees have not the same.

    Args:
        trees: by name the tree: by path what is compared of a leaf, such as its shape. Paths are looked at in the order
            of the first tree, then in that of each other one for what those before it lack.

    Returns:
        The path and what each tree has there, or None where all trees are the same.

    Examples:
        >>> found = first_difference({"the parent": {"a": (2,), "b": (3,)}, "the child": {"a": (2,), "b": (4,)}})
        >>> found.path, str(found)
        ('b', '(3,) in the parent, (4,) in the child')
        >>> first_difference({"the parent": {"a": (2,)}, "the child": {"a": (2,)}})
    """
    for path in dict.fromkeys(path for tree in trees.values() for path in tree):
        found = {name: tree.get(path) for name, tree in trees.items()}
        if len(set(found.values())) > 1:
            return Difference(path, found)
    return None


def check_shapes(
    found: Mapping[str, tuple[int, ...]], expected: Mapping[str, tuple[int, ...]], *, variables: str
) -> None:
    """Refuses a tree that has not the leaves, or not their shapes, that are expected.

    Args:
        found: shapes by path.
        expected: the same.
        variables: what is expected, for the message.

    Raises:
        ValueError: If a path or shape differs; names the first.

    Examples:
        >>> check_shapes({"fc/bias": (3,)}, {"fc/bias": (3,), "fc/kernel": (2, 3)}, variables="variables of FC")
        Traceback (most recent call last):
        ...
        ValueError: expected variables of FC: (2, 3) at 'fc/kernel', got nothing
    """
    difference = first_difference({"expected": expected, "found": found})
    if difference:
        want, got = ("nothing" if shape is None else shape for shape in difference.found.values())
        raise ValueError(f"expected {variables}: {want} at '{difference.path}', got {got}")
