r"""Who came first by how both lie to a third relative, more strictly than `place`: only where it is rarely wrong.

Distances add up along a tree in two ways. Where steps are small beside what was there, squared distances add,
$2 (1 - \cos)$; where training forgets, $c = \lambda p + \text{new}$, cosines multiply and $-\log \cos$ adds. Both must
say the same. The third relative must be twice as far away as the two are from each other: a child that was trained for
a short time and a third one that descends from it, or was trained on its images for longer, are then told from an
outgroup more often. Not always: whether the third descends from neither the weights of three networks cannot say.
"""

import math
from collections.abc import Mapping

from lineage_jax.lineage._cue import Cue, cue
from lineage_jax.lineage._direction import seen_from

FIRST = {"between": "candidate", "child between": "child", "siblings": None}
"""How both lie -> who came first."""
SKEW = 0.2
"""Most that the edge of the one on the path may have of the distance between candidate and child."""
HANGS_OFF = 0.25
"""Least that the edge of either has of that distance where both hang off."""
FARTHER = 2.0
"""How many times as far away the third relative must be."""


def cue_by_outgroup(candidate: str, of_child: Mapping[str, float], of_candidate: Mapping[str, float]) -> Cue | None:
    """Says who came first by the geometry of `place`, where two ways to add distances agree.

    Whoever brings the third relative decides what is seen: one that was made from the child puts the child between.
    Give only relatives that neither side of a dispute has brought alone, or whose age is known.

    Args:
        candidate: the one in question.
        of_child: centred kernel cosines of the child with its relatives, the candidate among them; without heads.
        of_candidate: those of the candidate with the others, which should descend from neither.

    Returns:
        The cue "outgroup", or "outgroup, siblings" with `first` None where both hang off the path between the other
        and the third; no cue where no third relative says anything, or where they contradict each other. The second
        claims less, that descent is not shown: an ancestor hangs off too, where the third descends from it or was
        trained on what the child was trained on.

    Examples:
        >>> cue_by_outgroup("a", {"a": 0.9, "b": 0.63}, {"b": 0.7}).said
        'the candidate lies between the child and b, as a parent does unless these descend from the child'
        >>> cue_by_outgroup("a", {"a": 0.8, "b": 0.8}, {"b": 0.8}).name
        'outgroup, siblings'
    """
    seen = {other: _strictly(of_child[candidate], of_child[other], cosine) for other, cosine in of_candidate.items()}
    said = {lies for lies in seen.values() if lies is not None}
    if len(said) != 1:
        return None
    lies = said.pop()
    others = ", ".join(other for other, found in seen.items() if found)
    unless = "as a parent does unless these descend from"
    words = {
        "between": f"the candidate lies between the child and {others}, {unless} the child",
        "child between": f"the child lies between the candidate and {others}, {unless} the candidate",
        "siblings": f"seen from {others}, the candidate and the child lie apart as siblings do",
    }
    return cue("outgroup, siblings" if lies == "siblings" else "outgroup", FIRST[lies], words[lies], forgeable=False)


def _strictly(*cosines: float) -> str | None:
    """Returns how both lie where both ways to add distances say the same, from three cosines above 0."""
    if min(cosines) <= 0:
        return None
    ways = ([2 * (1 - cosine) for cosine in cosines], [-2 * math.log(cosine) for cosine in cosines])
    found = {seen_from(*distances, skew=SKEW, farther=FARTHER) for distances in ways}
    if len(found) != 1:
        return None
    lies = found.pop()
    return None if lies == "siblings" and not all(_hang_off(*distances) for distances in ways) else lies


def _hang_off(apart: float, of_child: float, of_candidate: float) -> bool:
    """Says whether neither edge is short."""
    return abs(of_candidate - of_child) <= (1 - 2 * HANGS_OFF) * apart
