r"""Which of two related networks came first, where anything shows it; most pairs of weights do not.

Two things are read. *Counters*: batch normalisation counts the batches it has seen, and fine-tuning goes on counting.
*Geometry*: with $d$ the squared distance of two networks' unit weights, $2 (1 - \text{cosine})$, a third relative $b$
says how far the candidate $a$ and the child $c$ hang off the path between the other two,

$$e_a = (d_{ac} + d_{ab} - d_{bc}) / 2 .$$

A parent lies on the path from its child to every other relative, $e_a \approx 0$; of siblings both hang off it. A tree
has no root, so this rests on a third relative that descends from neither. One that lies nearer to the candidate than
the child does rather descends from it, and is not asked; one that was trained on what the child was trained on bends
distances. Hence the land between both, where nothing is said, and hence `place` asks all.
"""

from collections.abc import Mapping

ON_THE_PATH = 0.07
"""Share of the three pendant edges below which a network lies between the other two, as parents do."""

OFF_THE_PATH = 0.11
"""Share above which it hangs off the path; parents among published files stay below, siblings above."""

SKEW = 0.3
"""Most that the edge of the one on the path may have of the distance between candidate and child."""

ADDITIVE = (-0.2, 1.2)
"""Edges as shares of that distance beyond which distances do not add up as on a tree: a run that goes on and on."""

NEAR_COPY = 0.01
"""Distance, as a share of that to the third, below which two networks are copies and their edges noise."""


def first_by_counters(candidate: Mapping[str, int], child: Mapping[str, int]) -> str | None:
    """Says whether a candidate has seen fewer batches than a child, by the counters of their normalisations.

    Whoever has a file can set them: they tell relatives apart, they are no proof.

    Args:
        candidate: batches seen, by module.
        child: the same.

    Returns:
        "candidate" or "child", whoever came first by all the counters that both have; None where they are equal or
        contradict each other, or one network has none above zero (they were set back, or never counted).

    Examples:
        >>> first_by_counters({"bn1": 100, "bn2": 100}, {"bn1": 250, "bn2": 250})
        'candidate'
    """
    both = candidate.keys() & child.keys()
    if not any(candidate[name] for name in both) or not any(child[name] for name in both):
        return None
    signs = {(child[name] > candidate[name]) - (child[name] < candidate[name]) for name in both} - {0}
    return {1: "candidate", -1: "child"}[signs.pop()] if len(signs) == 1 else None


def place(candidate: str, of_child: Mapping[str, float], of_candidate: Mapping[str, float]) -> str | None:
    """Says how a candidate and a child lie to each other, seen from all other relatives.

    Args:
        candidate: the one in question.
        of_child: cosines of the child with its relatives, the candidate among them.
        of_candidate: cosines of the candidate with the others.

    Returns:
        "between": the candidate lies between the child and others, as a parent does; "child between": the child lies
        between the candidate and others; "siblings": both hang off; None where there is no other relative, where none
        of them says anything, or where they contradict each other.

    Examples:
        >>> place("a", {"a": 0.9, "b": 0.72}, {"b": 0.8})
        'between'
        >>> place("a", {"a": 0.8, "b": 0.8}, {"b": 0.8})
        'siblings'
    """
    distance = {name: 2 * (1 - cosine) for name, cosine in of_child.items()}
    seen = {
        seen_from(distance[candidate], distance[other], 2 * (1 - cosine)) for other, cosine in of_candidate.items()
    } - {None}
    return seen.pop() if len(seen) == 1 else None


def seen_from(apart: float, of_child: float, of_candidate: float) -> str | None:
    """Places candidate and child, `apart` from each other, by their distances to one other relative."""
    total = (apart + of_child + of_candidate) / 2
    if apart <= NEAR_COPY * max(of_child, of_candidate) or total <= 0:
        return None
    edges = (apart + of_candidate - of_child) / 2, (apart + of_child - of_candidate) / 2
    if not all(ADDITIVE[0] <= edge / apart <= ADDITIVE[1] for edge in edges):
        return None
    if all(edge / total > OFF_THE_PATH for edge in edges):
        return "siblings"
    of_a, of_c = (edge / total < ON_THE_PATH and edge / apart < SKEW for edge in edges)
    if of_a:
        return "between" if apart < of_candidate else None
    return "child between" if of_c else None
