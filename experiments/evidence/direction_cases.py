"""What is asked of a family of known order: every pair by every cue, and what the right answer is."""

import itertools
from collections.abc import Iterator, Mapping

from experiments.evidence.direction_families import EDITED_FROM, SET_OF, Families, ancestors, likenesses
from lineage_jax import lineage

TRAINED = tuple(SET_OF)
"""Roles of networks that are related by training alone."""
COPY = "float16"
ORIGINAL = EDITED_FROM[COPY]
BETWEEN = "one between the others"
"""What `lineage.between` says, that one of the others descends from it; no cue."""
ALL = "outgroup, by all others"
"""What all other networks of a family say together."""


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
    drifts = pair != "twins" and "short" in (one, other, third) and "long" in (one, other, third)
    if drifts:
        return f"{pair}, one trained further on the same images"
    older, younger = (other, one) if truth(one, other) == "child" else (one, other)
    return f"{pair}, third {_stands(third, older, younger, whose=THEIRS[pair == 'parent and child'])}"


THEIRS = (("one of them", "one of them"), ("the older", "the younger"))
"""How two networks are called, siblings and a parent and its child."""


def _stands(third: str, older: str, younger: str, whose: tuple[str, str]) -> str:
    """Says what a third relative is to two networks."""
    if third in ancestors(older) and third in ancestors(younger):
        return "is an ancestor of both"
    if third in ancestors(younger) and older in ancestors(third):
        return "came between"
    above = [each for each in (older, younger) if each in ancestors(third)]
    return f"descends from {whose[younger in above] if above else 'neither'}"


def cases(families: Families, number: int) -> Iterator[tuple[str, str, str]]:
    """Yields cue, case and outcome of every question to one family."""
    kernels = {role: of[number] for role, of in families.kernels.items()}
    yield from _placed(likenesses({role: kernels[role] for role in TRAINED}))
    for one, other in itertools.combinations([*TRAINED, *EDITED_FROM], 2):
        pair = "siblings" if truth(one, other) == "neither" else "parent and child"
        for name, read in (("zeros", lineage.cue_by_zeros), ("rounding", lineage.cue_by_rounding)):
            yield _told(name, f"{pair}, {edit_of(one, other, name)}", read(kernels[one], kernels[other]), one, other)
        for way, seen in (("going on", families.seen), ("set back at every start", families.own)):
            steps = (families.own[one] or None, families.own[other] or None) if seen is families.seen else (None, None)
            counters = [{"bn": seen[role]} for role in (one, other)]
            found = lineage.cue_by_counters(*counters, candidate_steps=steps[0], child_steps=steps[1])
            yield _told("batch counters", f"{pair}, {way}", found, one, other)


def _placed(related: Mapping[str, Mapping[str, lineage.Likeness]]) -> Iterator[tuple[str, str, str]]:
    """Yields what each third relative says of every pair, and what all of them say together."""
    for one, other in itertools.combinations(TRAINED, 2):
        thirds = {third: related[one][third] for third in TRAINED if third not in (one, other)}
        for third, likeness in thirds.items():
            case = case_of(one, other, third)
            yield _told("outgroup", case, lineage.cue_by_outgroup(one, related[other], {third: likeness}), one, other)
            middles = lineage.between(one, related[other], {third: likeness})
            yield BETWEEN, case, _worth(middles, {"candidate": one, "child": other, "third": third})
        found = lineage.cue_by_outgroup(one, related[other], thirds)
        _, _, outcome = _told("outgroup", "", found, one, other)
        yield ALL, case_of(one, other, "").partition(",")[0], outcome


def _worth(middles: Mapping[str, str], roles: Mapping[str, str]) -> str:
    """Returns what it is worth that one of the others descends from the one between."""
    if not middles:
        return "abstained"
    (middle,) = (roles[each] for each in middles.values())
    return "right" if any(middle in ancestors(each) for each in roles.values()) else "wrong"


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
