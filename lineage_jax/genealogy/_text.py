"""Descent as text: children indented below their parents."""

from collections.abc import Sequence

from lineage_jax.genealogy._edge import Edge, edges_by_child, edges_by_parent


def text_tree(nodes: Sequence[str], edges: Sequence[Edge]) -> str:
    """Returns a line for every network, and a further one for every further parent of it; see `Forest.__str__`."""
    children, below = edges_by_child(edges), edges_by_parent(edges)
    lines: list[str] = []
    seen: set[str] = set()
    waiting = [(name, name, "") for name in reversed(nodes) if name not in children]
    while waiting:  # a stack instead of a recursion, since chains may be long
        name, line, indent = waiting.pop()
        lines.append(line + (", see above" if name in seen else ""))
        shown = [] if name in seen else below.get(name, [])
        seen.add(name)
        for index, edge in reversed(list(enumerate(shown))):
            branch, further = ("└─ ", "   ") if index == len(shown) - 1 else ("├─ ", "│  ")
            waiting.append((edge.child, indent + branch + edge.child + _remark(edge), indent + further))
    return "\n".join(lines)


def _remark(edge: Edge) -> str:
    """Returns what a line of the text tree says beside the name, if more than the usual."""
    words = [] if edge.kind == "fine-tuned" else [edge.kind]
    words += [] if edge.share == 1 else [f"{edge.share:.0%}".replace("%", " %")]
    return f" ({', '.join(words)})" if words else ""
