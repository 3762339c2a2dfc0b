"""How relatives of one child lie to each other, two in memory at a time."""

from collections.abc import Mapping

from lineage_jax.checkpoints import LazyNetworks
from lineage_jax.evidence._further import movable
from lineage_jax.evidence._judge import Judged, compared
from lineage_jax.evidence._subject import Subject
from lineage_jax.leaves import Weights

MOST = 8
"""Relatives that are asked about each other, the nearest ones: the cost grows with their square."""

Cosines = Mapping[str, float]


def cosines_between(
    subject: Subject, candidates: LazyNetworks, kin: Mapping[str, Judged]
) -> tuple[Cosines, Mapping[str, Cosines]]:
    """Returns centred kernel cosines of the child with its relatives, and of each of these with the others.

    Heads take no part, nor any kernel that was not judged: a new head would make its network seem farther from all
    others. Units of candidates that were matched are in the child's order.

    Args:
        subject: the child.
        candidates: by name, read once more.
        kin: what relatives showed.
    """
    nearest = sorted(kin, key=lambda name: -_cosine(kin[name]))[:MOST]
    of_child: dict[str, float] = {}
    between: dict[str, dict[str, float]] = {name: {} for name in nearest}
    for place, name in enumerate(nearest):
        ours, theirs = _judged_kernels(subject, candidates, kin[name])
        of_child[name] = _alike(theirs, ours)
        for other in nearest[place + 1 :]:
            _, others = _judged_kernels(subject, candidates, kin[other])
            between[name][other] = between[other][name] = _alike(others, theirs)
            del others
    return of_child, between


def _cosine(judged: Judged) -> float:
    return 0.0 if judged.row is None else judged.row["centred_kernel_cosine"].item()


def _judged_kernels(subject: Subject, candidates: LazyNetworks, judged: Judged) -> tuple[Weights, Weights]:
    """Returns the kernels that were judged, of the child and of a candidate."""
    sides = subject.beside(candidates[judged.candidate])
    theirs = sides.candidate
    if judged.element is not None:
        free, _ = movable(subject, sides)
        assert free is not None, "what was aligned could be moved"
        theirs = free.aligned(judged.element)
    wanted = {path.removeprefix("params/") for layer in judged.evidence[0].layers for path in layer.paths}
    paths = [path for path in theirs if path.removeprefix("params/") in wanted and path in sides.child]
    return {path: sides.child[path] for path in paths}, {path: theirs[path] for path in paths}


def _alike(candidate: Weights, child: Weights) -> float:
    both = [path for path in candidate if path in child]
    if not both:
        return 0.0
    row = compared("candidate", {path: candidate[path] for path in both}, {path: child[path] for path in both})
    return row["centred_kernel_cosine"].item()
