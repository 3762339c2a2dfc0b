"""From what single candidates showed to what may be claimed of each: Holm over all, then who came first."""

import dataclasses
import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

from lineage_jax.checkpoints import LazyNetworks
from lineage_jax.evidence._cues import MOST_EQUAL, place_in_words
from lineage_jax.evidence._finding import Finding
from lineage_jax.evidence._judge import Judged
from lineage_jax.evidence._relatives import likenesses
from lineage_jax.evidence._subject import Subject

if TYPE_CHECKING:
    from lineage_jax.lineage import Cue

FARTHEST = 0.35
"""Cosine down to which relatives must have been findable before anybody is called unrelated."""


def relate(subject: Subject, candidates: LazyNetworks, judged: Mapping[str, Judged], fpr: float) -> dict[str, Finding]:
    """Says what may be claimed of every candidate.

    Args:
        subject: the child.
        candidates: by name, read once more where a third relative is asked.
        judged: what each showed by itself.
        fpr: the rate of false accusations.
    """
    from lineage_jax import kinship

    p = {name: each.p for name, each in judged.items() if not each.same and not math.isnan(each.p)}
    adjusted = kinship.holm(p) | {name: 0.0 for name, each in judged.items() if each.same}
    kin = {name: judged[name] for name, value in adjusted.items() if value <= fpr and not judged[name].same}
    if len(kin) > 1:
        kin = with_third_relatives(subject, candidates, kin)
    return {
        name: _finding(subject, kin.get(name, each), adjusted.get(name, math.nan), fpr) for name, each in judged.items()
    }


def with_third_relatives(subject: Subject, candidates: LazyNetworks, kin: Mapping[str, Judged]) -> dict[str, Judged]:
    """Adds to each relative how it and the child lie to the others: a cue, or else what may be said of it in words."""
    from lineage_jax import lineage

    of_child, between = likenesses(subject, candidates, kin)
    asked = [name for name in between if kin[name].equal <= MOST_EQUAL]
    found = {}
    for name in asked:
        of_candidate = {other: between[name][other] for other in asked if other != name}
        cue, each = lineage.cue_by_outgroup(name, of_child, of_candidate), kin[name]
        notes = () if cue else place_in_words(name, of_child, of_candidate)
        found[name] = dataclasses.replace(each, cues=(*each.cues, *([cue] if cue else [])), notes=(*each.notes, *notes))
    return {**kin, **found}


def _finding(subject: Subject, judged: Judged, p_holm: float, fpr: float) -> Finding:
    row, tensors = judged.row, len(subject.weights)
    copied = (judged.same,) if judged.same else ()
    relation = _relation(judged, p_holm, fpr)
    if row is None:
        return Finding(
            candidate=judged.candidate,
            relation=relation,
            p=0.0,
            p_holm=0.0,
            probability=1.0,
            cosine=1.0,
            compared=1.0,
            shared=tensors,
            tensors=tensors,
            identical=tensors,
            notes=copied,
        )
    return Finding(
        candidate=judged.candidate,
        relation=relation,
        p=judged.p,
        p_holm=p_holm,
        probability=_probability(judged),
        cosine=row["centred_kernel_cosine"].item(),
        compared=judged.compared,
        shared=row["tensors"].item(),
        tensors=row.attrs["tensors"],
        identical=row["identical"].item(),
        evidence=judged.evidence,
        aligned=judged.element is not None,
        limit=judged.limits.get("in place"),
        limit_matched=judged.limits.get("matched"),
        cues=judged.cues,
        notes=(*copied, *judged.notes),
    )


def _probability(judged: Judged) -> float:
    from lineage_jax import kinship

    if judged.same:
        return 1.0
    return math.nan if math.isnan(judged.p) else kinship.probability(judged.p)


def _relation(judged: Judged, p_holm: float, fpr: float) -> str:
    if judged.same:
        return "copy"
    if p_holm <= fpr:
        return _order(judged.cues)
    from lineage_jax import lineage

    if math.isnan(p_holm):
        return "cannot be compared"
    reach = min(judged.limits.values(), default=1.0)
    found = judged.compared >= lineage.LEAST_COMPARED and reach <= FARTHEST
    return "unrelated" if found else "cannot be compared"


def _order(cues: "tuple[Cue, ...]") -> str:
    """Says which of two relatives came first, by cues that nobody can forge; those that one can may only object."""
    from lineage_jax import lineage

    order = lineage.came_first(each for each in cues if not each.forgeable)
    second = lineage.came_first(each for each in cues if each.forgeable).first
    if order.siblings:
        return "shares a start"
    if order.first is None or second not in (None, order.first):
        return "related"
    return "descends" if order.first == "candidate" else "ancestor"
