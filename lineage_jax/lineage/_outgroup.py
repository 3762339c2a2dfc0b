"""Who came first by how both lie to a third relative."""

from collections.abc import Mapping

from lineage_jax.lineage._cue import Cue, cue
from lineage_jax.lineage._direction import place

FIRST = {"between": "candidate", "child between": "child", "siblings": None}
"""What `place` says -> who came first."""


def cue_by_outgroup(candidate: str, of_child: Mapping[str, float], of_candidate: Mapping[str, float]) -> Cue | None:
    """Says who came first as `place` does, which has the geometry and what it rests on.

    Args:
        candidate: the one in question.
        of_child: centred kernel cosines of the child with its relatives, the candidate among them; without heads.
        of_candidate: those of the candidate with the others, which should descend from neither.

    Returns:
        A cue, whose `first` is None where both hang off the path between the other and each other, as siblings do; no
        cue where `place` says nothing.

    Examples:
        >>> cue_by_outgroup("a", {"a": 0.9, "b": 0.72}, {"b": 0.8}).said
        'the candidate lies between the child and b, as a parent does unless these descend from the child'
    """
    lies = place(candidate, of_child, of_candidate)
    if lies is None:
        return None
    others = ", ".join(of_candidate)
    unless = "as a parent does unless these descend from"
    said = {
        "between": f"the candidate lies between the child and {others}, {unless} the child",
        "child between": f"the child lies between the candidate and {others}, {unless} the candidate",
        "siblings": f"seen from {others}, the candidate and the child lie apart as siblings do",
    }[lies]
    return cue("outgroup", FIRST[lies], said, forgeable=False)
