"""What is asked of a family of known order: every pair by every cue, and what the right answer is."""

import itertools
from collections.abc import Iterator

from experiments.evidence.direction_families import EDITED_FROM, SET_OF, Families, ancestors, cosines
from lineage_jax import lineage

TRAINED = tuple(SET_OF)
"""Roles of networks that are related by training alone."""
COPY = "float16"
ORIGINAL = EDITED_FROM[COPY]


def truth(one: str, other: str) -> str:
    """Returns who came first of two roles, "candidate" or "child" for the one and the other, or "neither".

    Half precision makes a copy: it came before what came from the original.
    """
    if one in ancestors(other) or (one == COPY and ORIGINAL in ancestors(other)):
        return "candidate"
    return "child" if other in ancestors(one) or (other == COPY and ORIGINAL in ancestors(one)) else "neither"


def case_of(one: str, other: str, third: str) -> str:
    """Names what a pair is, and what a third relative is to it."""
    pair = "twins" if "twin" in (one, other) else "parent and child" if truth(one, other) != "neither" else "siblings"
    older, younger = (other, one) if truth(one, other) == "child" else (one, other)
    drifts = pair != "twins" and "short" in (one, other, third) and "long" in (one, other, third)
    if drifts:
        return f"{pair}, one trained further on the same images"
    below = [each for each in (older, younger) if each in ancestors(third)]
    if not below:
        return f"{pair}, third descends from neither"
    if younger in below or pair != "parent and child":
        return f"{pair}, third descends from {'the younger' if pair == 'parent and child' else 'one of them'}"
    return f"{pair}, third descends from the older"


def cases(families: Families, number: int) -> Iterator[tuple[str, str, str]]:
    """Yields cue, case and outcome of every question to one family."""
    kernels = {role: of[number] for role, of in families.kernels.items()}
    related = cosines({role: kernels[role] for role in TRAINED})
    for one, other in itertools.combinations(TRAINED, 2):
        for third in TRAINED:
            if third not in (one, other):
                found = lineage.cue_by_outgroup(one, related[other], {third: related[one][third]})
                yield _told("outgroup", case_of(one, other, third), found, one, other)
    for one, other in itertools.combinations([*TRAINED, *EDITED_FROM], 2):
        pair = "siblings" if truth(one, other) == "neither" else "parent and child"
        for name, read in (("zeros", lineage.cue_by_zeros), ("rounding", lineage.cue_by_rounding)):
            yield _told(name, f"{pair}, {edit_of(one, other, name)}", read(kernels[one], kernels[other]), one, other)
        for way, seen in (("going on", families.seen), ("set back at every start", families.own)):
            steps = (families.own[one] or None, families.own[other] or None) if seen is families.seen else (None, None)
            counters = [{"bn": seen[role]} for role in (one, other)]
            found = lineage.cue_by_counters(*counters, candidate_steps=steps[0], child_steps=steps[1])
            yield _told("batch counters", f"{pair}, {way}", found, one, other)


def edit_of(one: str, other: str, cue: str) -> str:
    """Says what a cue has to see in two networks."""
    start = ("pruned",) if cue == "zeros" else ("int8", "float16")
    edited = [role for role in (one, other) if role.startswith(start)]
    if not edited:
        return "neither is edited"
    if len(edited) == 2:
        return "both are edited"
    plain = other if edited[0] == one else one
    if plain in ancestors(edited[0]):
        return "the younger is edited"
    return "the older is edited" if edited[0] in ancestors(plain) else "one is edited"


def _told(name: str, case: str, cue: lineage.Cue | None, one: str, other: str) -> tuple[str, str, str]:
    """Returns the name of the cue that was given, or of the one asked, the case, and what the answer is worth."""
    if cue is None:
        return name, case, "abstained"
    if (cue.first or "neither") == truth(one, other):
        return cue.name, case, "right"
    return cue.name, case, "wrong" if cue.first else "siblings"
