"""Networks and who descends from whom among them, and the forms that this is converted from and to."""

import dataclasses
from collections.abc import Iterable, Mapping
from typing import TypeAlias

from lineage_jax.genealogy._edge import Edge, edges_by_child
from lineage_jax.genealogy._order import check_nodes, check_parents, oldest_first
from lineage_jax.genealogy._text import text_tree


@dataclasses.dataclass(frozen=True)
class Forest:
    """Networks and the edges between them; a tree where every child has one parent.

    Attributes:
        nodes: the names of all networks, also of those without parents or children.
        edges: from every child to each of its parents, in the order in which they were given.

    Raises:
        ValueError: If a name is twice among the nodes, an edge's is not among them, a child has a parent twice or two
            kinds of them, its shares do not add up to 1, or a network descends from itself.
    """

    nodes: tuple[str, ...]
    edges: tuple[Edge, ...]

    def __post_init__(self) -> None:
        """Checks that the edges fit the nodes and each other."""
        check_nodes(self.nodes, self.edges)
        for child, edges in edges_by_child(self.edges).items():
            check_parents(child, edges)
        oldest_first(self.nodes, self.edges)

    def __str__(self) -> str:
        """Returns the text tree: roots at the left, children indented below their parents.

        A child of several parents stands below each of them, its own children only where it stands first.

        Examples:
            >>> carl = [Edge("carl", "anna", "merged", 0.75), Edge("carl", "dora", "merged", 0.25)]
            >>> print(from_edges([Edge("bert", "anna"), *carl, Edge("emil", "carl", "pruned")]))
            anna
            ├─ bert
            └─ carl (merged, 75 %)
               └─ emil (pruned)
            dora
            └─ carl (merged, 25 %), see above
        """
        return text_tree(self.nodes, self.edges)


Genealogy: TypeAlias = Forest | Mapping[str, str]
"""Who descends from whom: a forest, or by the name of every child that of its only parent."""


def from_edges(edges: Iterable[Edge], nodes: Iterable[str] = ()) -> Forest:
    """Returns the forest of some edges.

    Args:
        edges: from children to parents.
        nodes: further networks, such as roots without children; those of the edges may be among them.

    Raises:
        ValueError: As `Forest`, except for names that are given twice or not at all.
    """
    edges = tuple(edges)
    ends = [name for edge in edges for name in (edge.parent, edge.child)]
    return Forest(nodes=tuple(dict.fromkeys([*nodes, *ends])), edges=edges)


def from_mapping(parent_of: Mapping[str, str], nodes: Iterable[str] = (), *, kind: str = "fine-tuned") -> Forest:
    """Returns the forest of children with one parent each.

    Args:
        parent_of: by the name of every child that of its parent.
        nodes: as in `from_edges`.
        kind: one of `KINDS`, that of all edges.

    Raises:
        ValueError: If the kind is unknown, or a network descends from itself.

    Examples:
        >>> from_mapping({"carl": "bert", "bert": "anna"}).nodes
        ('bert', 'carl', 'anna')
    """
    return from_edges((Edge(child, parent, kind) for child, parent in parent_of.items()), nodes)


def from_layers(origins: Mapping[str, Mapping[str, str]]) -> Forest:
    """Returns the merges that networks are whose layers come from several parents, as in `population.hybrids`.

    Args:
        origins: by the name of a network and by layer, the parent that the layer comes from.

    Returns:
        The forest; a parent's share is that of its layers in their number.

    Examples:
        >>> print(from_layers({"mixed": {"conv1": "anna", "conv2": "anna", "fc": "bert", "head": "anna"}}))
        anna
        └─ mixed (merged, 75 %)
        bert
        └─ mixed (merged, 25 %), see above
    """
    edges = []
    for child, parent_of_layer in origins.items():
        parents = list(parent_of_layer.values())
        edges += [Edge(child, name, "merged", parents.count(name) / len(parents)) for name in dict.fromkeys(parents)]
    return from_edges(edges)


def to_mapping(forest: Forest) -> dict[str, str]:
    """Returns by the name of every child that of its parent, in the order of the edges.

    Raises:
        ValueError: If a child has several parents.

    Examples:
        >>> to_mapping(from_mapping({"carl": "bert", "bert": "anna"}))
        {'carl': 'bert', 'bert': 'anna'}
    """
    for child, edges in edges_by_child(forest.edges).items():
        if len(edges) > 1:
            names = ", ".join(edge.parent for edge in edges)
            raise ValueError(f"expected one parent of every child, got {names} of '{child}'")
    return {edge.child: edge.parent for edge in forest.edges}


def as_forest(genealogy: Genealogy, *names: str) -> Forest:
    """Returns the forest; a mapping lacks roots without children, so that any name may be one of its nodes."""
    if not isinstance(genealogy, Forest):
        return from_mapping(genealogy, names)
    for name in names:
        if name not in genealogy.nodes:
            raise ValueError(f"expected a network of the forest, got '{name}', which is not in it")
    return genealogy
