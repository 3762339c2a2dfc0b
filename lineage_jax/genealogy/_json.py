"""Descent in a file: JSON that names what it lists."""

import dataclasses
import json
from typing import Any

from lineage_jax.genealogy._edge import Edge
from lineage_jax.genealogy._forest import Forest


def to_json(forest: Forest) -> str:
    """Returns the forest as JSON: `{"nodes": [...], "edges": [{"child", "parent", "kind", "share"}, ...]}`."""
    return json.dumps(dataclasses.asdict(forest), indent=1)


def from_json(text: str) -> Forest:
    """Reads what `to_json` wrote.

    Raises:
        ValueError: If the text is not JSON of a forest, or the forest is refused as in `Forest`.

    Examples:
        >>> forest = Forest(nodes=("anna", "bert"), edges=(Edge("bert", "anna", "pruned"),))
        >>> from_json(to_json(forest)) == forest
        True
    """
    words = json.loads(text)
    if not isinstance(words, dict) or words.keys() != {"nodes", "edges"}:
        raise ValueError(f"expected a forest with nodes and edges, got {text[:80]}")
    names = words["nodes"]
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise ValueError(f"expected a list of names as nodes, got {names}")
    if not isinstance(words["edges"], list):
        raise ValueError(f"expected a list of edges, got {words['edges']}")
    return Forest(nodes=tuple(names), edges=tuple(map(_edge_of, words["edges"])))


def _edge_of(words: Any) -> Edge:
    if (
        not isinstance(words, dict)
        or words.keys() != {"child", "parent", "kind", "share"}
        or not all(isinstance(words[name], str) for name in ("child", "parent", "kind"))
        or type(words["share"]) not in (int, float)
    ):
        raise ValueError(f"expected an edge with child, parent, kind and share, got {words}")
    return Edge(words["child"], words["parent"], words["kind"], float(words["share"]))
