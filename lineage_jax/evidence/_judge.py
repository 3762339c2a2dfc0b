"""One candidate: what it has of the child, and by what evidence the two are no strangers."""

import dataclasses
import functools
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from lineage_jax.checkpoints import LoadedNetwork
from lineage_jax.evidence._cues import MOST_EQUAL, cues_of_pair, share_of_equal
from lineage_jax.evidence._further import Movable, movable
from lineage_jax.evidence._limits import COSINES, FAR_COSINES, limit
from lineage_jax.evidence._p import KINDS
from lineage_jax.evidence._sorted import sorted_by
from lineage_jax.evidence._subject import Sides, Subject
from lineage_jax.evidence._weights import same_file, same_tensors, share_of_plain
from lineage_jax.leaves import Weights, kernels_among

if TYPE_CHECKING:
    import xarray

    from lineage_jax.kinship import Evidence
    from lineage_jax.lineage import Cue
    from lineage_jax.symmetry import Element

ROUNDING = 1e-4
"""Distance of the weights of matched networks, as a share of their norm, that is taken for rounding."""

LINED_UP = 0.5
"""Cosine that no stranger reaches by putting its units into the order that suits the child best; 0.1 to 0.4 are."""

ORDER_ALONE = (
    "the claim rests on the order of units alone, into which a stranger can be put by whoever has the child: it holds "
    "if the candidate is older than the child, or was made without it"
)

SORTED = (
    "units of both are sorted by their {}, so strangers stand alike, too: the p-value in place holds for units that no "
    "rule has put into order, evidence of another kind for these as well"
)

MIXED = (
    "{:.0%} of its single weights are the child's, bit for bit, in kernels that are not: it may have been put together "
    "from them, so no third relative is asked who came first"
)


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Judged:
    """What one candidate showed, before others are taken into account.

    Attributes:
        candidate: its name.
        same: by what it shows to be the child itself, or None.
        row: what `lineage.overlap` says, of the aligned candidate where it was aligned; None where it was not asked.
        compared: the share of all of the child's kernels that was compared.
        evidence: the kinds that were looked at.
        among: how many pairs of modules could correspond; the most alike ones were compared.
        element: what brings its units to the child's, where these were matched and that showed something.
        limits: by kind of evidence the cosine down to which a relative would have been found.
        cues: of who came first, from the two alone.
        equal: share of single weights that are the child's bit for bit in kernels that are not so as a whole.
        notes: what else should be known.
    """

    candidate: str
    same: str | None = None
    row: "xarray.Dataset | None" = None
    compared: float = 0.0
    evidence: "tuple[Evidence, ...]" = ()
    among: int = 1
    element: "Element | None" = None
    limits: Mapping[str, float] = dataclasses.field(default_factory=dict)
    cues: "tuple[Cue, ...]" = ()
    equal: float = 0.0
    notes: tuple[str, ...] = ()

    @property
    def p(self) -> float:
        """P-value of "the two are strangers" over all kinds of evidence; 0 for a copy, NaN where nothing was judged."""
        if self.same:
            return 0.0
        found = [each.p for each in self.evidence if each.layers]
        return min(1.0, KINDS * self.among * min(found)) if found else np.nan


def judge(subject: Subject, candidate: LoadedNetwork, *, level: float, fpr: float, any_order: bool = False) -> Judged:
    """Looks at one candidate: first at units where they stand, and where these show nothing, at matched ones.

    Where they show a cosine that a stranger could be lined up to, matched ones are asked as well.

    Args:
        subject: the child.
        candidate: the candidate.
        level: p-value over all kinds at which a kinship is claimed whatever the other candidates show.
        fpr: one above which none is, whatever they show.
        any_order: whether units where they stand are no evidence.
    """
    from lineage_jax import kinship

    same = same_file(candidate, subject.network)
    if same:
        return Judged(candidate=candidate.name, same=same)
    sides = subject.beside(candidate)
    judged = _beside(subject, candidate.name, sides)
    if not judged.same and not any_order and kernels_among(sides.child):
        standing = kinship.in_place(sides.candidate, sides.child, sides.orders)
        judged = dataclasses.replace(judged, evidence=(standing,))
    if not judged.same and not judged.p <= level:
        judged, sides = _looked_further(subject, judged, sides, level)
    elif judged.row is not None and not judged.same and judged.row["centred_kernel_cosine"].item() < LINED_UP:
        judged = _asked_for_more(subject, judged, sides, level)
    if judged.same or not judged.p <= fpr:
        return judged
    equal, notes = share_of_equal(sides), judged.notes
    if equal > MOST_EQUAL:
        notes = (*notes, MIXED.format(equal))
    rule = sorted_by(sides.candidate, sides.child)
    if rule:
        notes = (*notes, SORTED.format(rule))
    cues = cues_of_pair(subject.network, candidate, sides)
    return dataclasses.replace(judged, cues=cues, equal=equal, notes=notes)


def _beside(subject: Subject, name: str, sides: Sides) -> Judged:
    """Returns what is known without a test."""
    row = compared(name, sides.candidate, sides.child)
    return Judged(
        candidate=name,
        same=same_tensors(subject.network, row),
        row=row,
        compared=row["compared"].item() * share_of_plain(subject.network, row.attrs["parameters"]),
        among=sides.among,
    )


def compared(name: str, candidate: Weights, child: Weights) -> "xarray.Dataset":
    """Returns what `lineage.overlap` says of one candidate; its attributes are how much the child has."""
    from lineage_jax import lineage

    return lineage.overlap({name: candidate}, child).sel(parent=name)


def _looked_further(subject: Subject, judged: Judged, sides: Sides, level: float) -> tuple[Judged, Sides]:
    """Adds what matched units show; where they show a kinship, the candidate is aligned, else limits are looked for."""
    each = level / (KINDS * judged.among)
    free, said = movable(subject, sides)
    further = free.evidence() if free else ()
    judged = dataclasses.replace(
        judged, evidence=(*judged.evidence, *further), notes=(*judged.notes, *([said] if said else []))
    )
    if free and any(found.kind == "matched" and found.p <= each for found in further):
        return _aligned(subject, judged, sides, free)
    if judged.p <= level or not judged.evidence:
        return judged, sides
    limits = {}
    if judged.evidence[0].kind == "in place":
        shows = functools.partial(_shows_in_place, sides)
        limits["in place"] = limit(shows, sides.candidate, sides.child, cosines=COSINES, level=each)
    if free:
        limits["matched"] = limit(free.is_matched, free.candidate, free.child, cosines=FAR_COSINES, level=each)
    found = {kind: cosine for kind, cosine in limits.items() if cosine is not None}
    return dataclasses.replace(judged, limits=found), sides


def _asked_for_more(subject: Subject, judged: Judged, sides: Sides, level: float) -> Judged:
    """Adds what shows in any order of units; where that is nothing, says so."""
    free, _ = movable(subject, sides)
    further = free.evidence() if free else ()
    shown = any(found.p <= level / (KINDS * judged.among) for found in further)
    notes = judged.notes if shown else (*judged.notes, ORDER_ALONE)
    return dataclasses.replace(judged, evidence=(*judged.evidence, *further), notes=notes)


def _shows_in_place(sides: Sides, candidate: Weights, level: float) -> bool:
    from lineage_jax import kinship

    return kinship.in_place(candidate, sides.child, sides.orders).p <= level


def _aligned(subject: Subject, judged: Judged, sides: Sides, free: Movable) -> tuple[Judged, Sides]:
    """Compares once more, the candidate's units brought to the child's."""
    element = free.aligning()
    sides = dataclasses.replace(sides, candidate=free.aligned(element))
    again = _beside(subject, judged.candidate, sides)
    assert again.row is not None
    near = again.row["overlap_distance"].item() >= -ROUNDING
    whole = again.row["tensors"].item() == again.row.attrs["tensors"] and not subject.network.unresolved
    same = (
        "its units were renumbered, rescaled or flipped, and but for rounding nothing else" if near and whole else None
    )
    return dataclasses.replace(again, same=same, evidence=judged.evidence, element=element, notes=judged.notes), sides
