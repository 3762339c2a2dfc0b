"""How relatives of one child lie to each other, two in memory at a time."""

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

from lineage_jax.checkpoints import LazyNetworks
from lineage_jax.evidence._further import movable
from lineage_jax.evidence._judge import Judged, compared
from lineage_jax.evidence._subject import Subject
from lineage_jax.leaves import Weights

if TYPE_CHECKING:
    from lineage_jax.lineage import Likeness

MOST = 8
"""Relatives that are asked about each other, the nearest ones: the cost grows with their square."""


def likenesses(
    subject: Subject, candidates: LazyNetworks, kin: Mapping[str, Judged]
) -> "tuple[Mapping[str, Likeness], Mapping[str, Mapping[str, Likeness]]]":
    """Returns how the child and its relatives are alike, and each of these and the others.

    Heads take no part, nor any kernel that was not judged: a new head would make its network seem farther from all
    others. Units of candidates that were matched are in the child's order.

    Args:
        subject: the child.
        candidates: by name, read once more.
        kin: what relatives showed.
    """
    nearest = sorted(kin, key=lambda name: -_cosine(kin[name]))[:MOST]
    of_child: dict[str, Likeness] = {}
    between: dict[str, dict[str, Likeness]] = {name: {} for name in nearest}
    for place, name in enumerate(nearest):
        ours, theirs = _judged_kernels(subject, candidates, kin[name])
        of_child[name] = _alike(theirs, ours)
        for other in nearest[place + 1 :]:
            _, others = _judged_kernels(subject, candidates, kin[other])
            between[name][other] = _alike(others, theirs)
            between[other][name] = between[name][other].turned
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


def _alike(relative: Weights, network: Weights) -> "Likeness":
    from lineage_jax import lineage

    both = [path for path in relative if path in network]
    if not both:
        return lineage.Likeness(0.0, math.nan, math.nan)
    theirs, ours = ({path: side[path] for path in both} for side in (relative, network))
    cosine = compared("relative", theirs, ours)["centred_kernel_cosine"].item()
    return lineage.Likeness(cosine, lineage.kept(theirs, ours), lineage.kept(ours, theirs))
