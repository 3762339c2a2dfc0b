r"""Who came first by how two networks lie to a third relative, said only where it is rarely wrong.

Distances add up along a tree in two ways. Where steps are small beside what was there, squared distances add,
$2 (1 - \cos)$; where training forgets, $c = \lambda p + \text{new}$, cosines multiply and $-\log \cos$ adds. Where both
say that one of three networks lies between the others, *one of these two descends from it*. More no distances can say,
for a tree has no root: a parent lies between its child and an outgroup just as a child between its parent and its own
child. Networks that hang off the path are no better known: an ancestor hangs off, too, once its descendants have
forgotten what it had learned alone.

Where the beginning is, fading tells (`Likeness`): the end that looks like the middle after more training descends from
it, and where both ends do, neither descends from the other. A middle one without fading is told and decides nothing.
"""

import math
from collections.abc import Mapping

from lineage_jax.lineage._cue import Cue, cue
from lineage_jax.lineage._direction import ADDITIVE, NEAR_COPY, ON_THE_PATH
from lineage_jax.lineage._fading import Likeness

SKEW = 0.2
"""Most that the edge of the one between may have of its distance to the nearer end, where fading says the same."""
ALONE = 0.1
"""Most of it where nothing else says so."""
FARTHER = 2.0
"""How many times as far as the nearer end the farther one must be, where one of the two in question lies between: a
child that was trained for a short time else lies between its parent and whatever was trained on the same images."""


def cue_by_outgroup(
    candidate: str, of_child: Mapping[str, Likeness], of_candidate: Mapping[str, Likeness]
) -> Cue | None:
    """Says who came first by how both lie to third relatives, where these and fading weights agree.

    Whoever brings the third relative decides what is seen: give only relatives that neither side of a dispute has
    brought alone, or whose age is known.

    Args:
        candidate: the one in question.
        of_child: how the child and its relatives are alike, the candidate among them.
        of_candidate: the same of the candidate and the others.

    Returns:
        The cue "outgroup": `first` is whoever of the two lies between the other and a third one, where the other looks
        like it after more training; it is None, for neither, where a third one lies between the two and both look like
        it after more training. No cue where no third relative says anything, or where they contradict each other.

    Examples:
        >>> faded, alike = Likeness(0.9, 0.8, 1.2), Likeness(0.7, 1.0, 1.0)
        >>> cue_by_outgroup("a", {"a": faded, "b": alike._replace(cosine=0.63)}, {"b": alike}).said
        'the candidate lies between the child and b, and the child has faded from it'
        >>> cue_by_outgroup("a", {"a": alike._replace(cosine=0.81), "b": faded}, {"b": faded}).said
        'the candidate and the child have both faded from b, which lies between them'
    """
    seen = {other: _first(of_child[candidate], of_child[other], of_candidate[other]) for other in of_candidate}
    said = {first for first in seen.values() if first}
    if len(said) != 1:
        return None
    first = said.pop()
    others = ", ".join(other for other, found in seen.items() if found)
    words = {
        "candidate": f"the candidate lies between the child and {others}, and the child has faded from it",
        "child": f"the child lies between the candidate and {others}, and the candidate has faded from it",
        "neither": f"the candidate and the child have both faded from {others}, which lies between them",
    }
    return cue("outgroup", None if first == "neither" else first, words[first], forgeable=False)


def between(candidate: str, of_child: Mapping[str, Likeness], of_candidate: Mapping[str, Likeness]) -> dict[str, str]:
    """Says who lies between the others, of a candidate, a child and each third relative.

    One of the others descends from whoever does; which one this does not say.

    Args:
        candidate: the one in question.
        of_child: how the child and its relatives are alike, the candidate among them.
        of_candidate: the same of the candidate and the others.

    Returns:
        By third relative "candidate", "child" or "third"; those of which nothing can be said are left out.

    Examples:
        >>> alike = lambda cosine: Likeness(cosine, 1.0, 1.0)
        >>> between("a", {"a": alike(0.95), "b": alike(0.779)}, {"b": alike(0.82)})
        {'b': 'candidate'}
    """
    pair = of_child[candidate].cosine
    found = {}
    for other, likeness in of_candidate.items():
        middle, nearer, farther = _middle(pair, of_child[other].cosine, likeness.cosine, most=ALONE)
        if middle and 1 - farther >= FARTHER * (1 - nearer):
            found[other] = middle
    return found


def _first(pair: Likeness, of_child: Likeness, of_candidate: Likeness) -> str | None:
    """Returns who came first seen from one relative: "candidate", "child", "neither", or None."""
    middle, nearer, farther = _middle(pair.cosine, of_child.cosine, of_candidate.cosine, most=SKEW)
    if middle == "third":
        return "neither" if of_child.is_later and of_candidate.is_later else None
    if middle is None or nearer != pair.cosine or 1 - farther < FARTHER * (1 - nearer):
        return None
    return middle if (pair.is_later if middle == "candidate" else pair.is_earlier) else None


def _middle(pair: float, of_child: float, of_candidate: float, *, most: float) -> tuple[str | None, float, float]:
    """Returns who of three lies between the others, from their cosines, and its cosines with the nearer and farther.

    Its edge may have so much of the distance to the nearer one.
    """
    cosines = {"candidate": (pair, of_candidate, of_child), "child": (pair, of_child, of_candidate)}
    cosines["third"] = (of_child, of_candidate, pair)
    for who, (one, other, beyond) in cosines.items():
        if _lies_between(one, other, beyond, most=most):
            return who, max(one, other), min(one, other)
    return None, 0.0, 0.0


def _lies_between(*cosines: float, most: float) -> bool:
    """Says whether a network lies between two others by both ways to add: its cosines with them, and theirs."""
    if min(cosines) <= 0:
        return False
    ways = [2 * (1 - cosine) for cosine in cosines], [-2 * math.log(cosine) for cosine in cosines]
    return all(_on_the_path(*distances, most=most) for distances in ways)


def _on_the_path(to_one: float, to_other: float, across: float, *, most: float) -> bool:
    """Says whether the edge of a network is short beside the distance of two others and beside its own to them."""
    edge, total = (to_one + to_other - across) / 2, (to_one + to_other + across) / 2
    nearer = min(to_one, to_other)
    if nearer <= NEAR_COPY * max(to_one, to_other):
        return False
    return edge < ON_THE_PATH * total and ADDITIVE[0] * nearer <= edge < most * nearer
