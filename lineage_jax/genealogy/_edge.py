"""One step of descent: a child, one of its parents, and how it was made."""

import dataclasses
from collections.abc import Iterable

KINDS = ("fine-tuned", "adapted", "merged", "pruned", "quantised", "distilled")
"""How a network can be made: trained further, given a low-rank adapter, put together from several parents, thinned out,
rounded, or taught by another's answers. Model cards of the Hugging Face Hub state four of these (finetune, adapter,
merge, quantized) as `base_model_relation`."""


@dataclasses.dataclass(frozen=True)
class Edge:
    """A child, one of its parents, and how the one was made from the other.

    Attributes:
        child: name of the network that was made.
        parent: name of a network that it was made from.
        kind: one of `KINDS`.
        share: how much of the child comes from this parent, above 0 and up to 1; 1 where it is the only one. Of what,
            its maker says: weights of an average, or layers.

    Raises:
        ValueError: If the kind is unknown, or the share is out of its range.

    Examples:
        >>> Edge("bert", "anna")
        Edge(child='bert', parent='anna', kind='fine-tuned', share=1.0)
    """

    child: str
    parent: str
    kind: str = "fine-tuned"
    share: float = 1.0

    def __post_init__(self) -> None:
        """Checks the kind and the range of the share."""
        if self.kind not in KINDS:
            raise ValueError(f"expected a kind among {', '.join(KINDS)}, got '{self.kind}'")
        if not 0 < self.share <= 1:
            raise ValueError(f"expected a share above 0 and up to 1 of '{self.child}', got {self.share}")


def edges_by_child(edges: Iterable[Edge]) -> dict[str, list[Edge]]:
    """Returns the edges of every child, that is to its parents."""
    found: dict[str, list[Edge]] = {}
    for edge in edges:
        found.setdefault(edge.child, []).append(edge)
    return found


def edges_by_parent(edges: Iterable[Edge]) -> dict[str, list[Edge]]:
    """Returns the edges of every parent, that is to its children."""
    found: dict[str, list[Edge]] = {}
    for edge in edges:
        found.setdefault(edge.parent, []).append(edge)
    return found
