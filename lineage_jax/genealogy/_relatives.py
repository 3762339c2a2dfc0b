"""Relatives: pure functions on the name of a network and who descends from whom."""

from lineage_jax.genealogy._edge import edges_by_child
from lineage_jax.genealogy._forest import Forest, Genealogy, as_forest
from lineage_jax.genealogy._order import oldest_first


def parents_of(name: str, genealogy: Genealogy) -> tuple[str, ...]:
    """Returns a network's parents, in the order of the edges; none for a root.

    Raises:
        ValueError: If the network is not in the forest.

    Examples:
        >>> from lineage_jax import genealogy
        >>> parents_of("carl", genealogy.from_layers({"carl": {"fc1": "anna", "fc2": "bert"}}))
        ('anna', 'bert')
    """
    return tuple(edge.parent for edge in as_forest(genealogy, name).edges if edge.child == name)


def children_of(name: str, genealogy: Genealogy) -> tuple[str, ...]:
    """Returns a network's children, in the order of the edges.

    Raises:
        ValueError: If the network is not in the forest.

    Examples:
        >>> children_of("anna", {"bert": "anna", "carl": "anna", "dora": "carl"})
        ('bert', 'carl')
    """
    return tuple(edge.child for edge in as_forest(genealogy, name).edges if edge.parent == name)


def ancestors(name: str, genealogy: Genealogy) -> tuple[str, ...]:
    """Returns a network's parents, then theirs and so on up to the roots, each once; none for a root.

    Raises:
        ValueError: If the network is not in the forest, or a mapping has one descend from itself.

    Examples:
        >>> ancestors("carl", {"carl": "bert", "bert": "anna"})
        ('bert', 'anna')
    """
    edges = edges_by_child(as_forest(genealogy, name).edges)
    found = [name]
    for one in found:  # which grows
        found += dict.fromkeys(edge.parent for edge in edges.get(one, ()) if edge.parent not in found)
    return tuple(found[1:])


def ancestor(name: str, genealogy: Genealogy, *, generation: int) -> str:
    """Returns the one out of a network and its ancestors that is of a generation.

    Args:
        name: the network.
        genealogy: who descends from whom.
        generation: 1 is the roots'; the network's own gives the network.

    Raises:
        ValueError: If the network is of an earlier generation, or has none or several ancestors in this one.

    Examples:
        >>> ancestor("carl", {"carl": "bert", "bert": "anna"}, generation=1)
        'anna'
    """
    forest = as_forest(genealogy, name)
    numbers = _generation_numbers(forest)
    if not 1 <= generation <= numbers[name]:
        raise ValueError(f"expected a generation from 1 to that of '{name}', {numbers[name]}, got {generation}")
    found = [each for each in (name, *ancestors(name, forest)) if numbers[each] == generation]
    if len(found) != 1:
        names = ", ".join(found) or "none"
        raise ValueError(f"expected one ancestor of '{name}' in generation {generation}, got {names}")
    return found[0]


def roots(genealogy: Genealogy) -> tuple[str, ...]:
    """Returns the networks without parents, in the order of the nodes.

    Examples:
        >>> roots({"bert": "anna", "carl": "bert", "dora": "emil"})
        ('anna', 'emil')
    """
    forest = as_forest(genealogy)
    children = edges_by_child(forest.edges)
    return tuple(name for name in forest.nodes if name not in children)


def generations(genealogy: Genealogy) -> tuple[tuple[str, ...], ...]:
    """Returns the networks by generation, the roots first; a child's comes right after that of its youngest parent.

    Raises:
        ValueError: If a mapping has a network descend from itself.

    Examples:
        >>> generations({"bert": "anna", "carl": "anna", "dora": "carl"})
        (('anna',), ('bert', 'carl'), ('dora',))
    """
    forest = as_forest(genealogy)
    numbers = _generation_numbers(forest)
    depth = max(numbers.values(), default=0)
    return tuple(tuple(name for name in forest.nodes if numbers[name] == one) for one in range(1, depth + 1))


def _generation_numbers(forest: Forest) -> dict[str, int]:
    """Returns the generation of every network, 1 for roots."""
    edges = edges_by_child(forest.edges)
    numbers: dict[str, int] = {}
    for name in oldest_first(forest.nodes, forest.edges):
        numbers[name] = 1 + max((numbers[edge.parent] for edge in edges.get(name, ())), default=0)
    return numbers
