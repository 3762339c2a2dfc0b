"""A verification in words: what may be claimed, and a line for everything else that a reader should know."""

import math
from collections.abc import Iterator, Mapping, Sequence

from lineage_jax.evidence._claims import CLAIMS, SAID
from lineage_jax.evidence._finding import Finding
from lineage_jax.evidence._wording import format_cosine, format_p, format_share, listed


def sentence(child: str, findings: Mapping[str, Finding], fpr: float) -> str:
    """Says what may be claimed in one line, the strongest claim first, and what it rests on."""
    by_relation = {relation: [each for each in findings.values() if each.relation == relation] for relation in CLAIMS}
    found = {relation: sorted(each, key=_nearest) for relation, each in by_relation.items() if each}
    claims: list[str] = []
    for relation, of_it in found.items():
        grounds = _grounds(relation, of_it, fpr) if not claims or not of_it[0].is_kin else ""
        names = listed(each.candidate for each in of_it)
        claims.append(f"{'It' if claims else child} {SAID[relation]} {names}{grounds}.")
    return " ".join(claims)


def _nearest(finding: Finding) -> float:
    return -finding.cosine


def _grounds(relation: str, findings: Sequence[Finding], fpr: float) -> str:
    if relation == "copy":
        return f": {findings[0].notes[0]}" if findings[0].notes else ""
    if relation == "unrelated":
        return f": {_of_strangers(findings, fpr)}"
    if relation == "cannot be compared":
        return f": {_of_unknown(findings)}"
    return f": {_of_kin(findings[0], fpr)}"


def _of_kin(finding: Finding, fpr: float) -> str:
    """Says what a claim of kinship rests on."""
    how = ", its units matched" if finding.aligned else ""
    cosine = f"centred kernel cosine {format_cosine(finding.cosine)}{how}"
    asked = f"{format_p(finding.p_holm)} where {fpr:.2g} was asked for"
    return f"{cosine}; {asked}; {format_share(finding.compared)} of its kernels were compared; {_order(finding)}"


def _order(finding: Finding) -> str:
    """Says which of two relatives came first, and by what."""
    told = "; ".join(cue.said for cue in finding.cues)
    if finding.relation != "related":
        return told
    return f"which came first is not shown{f' by anything to rely on: {told}' if told else ''}"


def _of_strangers(findings: Sequence[Finding], fpr: float) -> str:
    """Says what the absence of a kinship rests on, for the one of whom least is known."""
    least = min(each.p_holm for each in findings)
    standing, matched = (
        max(math.inf if limit is None else limit for limit in limits)
        for limits in zip(*((each.limit, each.limit_matched) for each in findings), strict=True)
    )
    renumbered = f"down to {matched:g} with units renumbered" if matched < 1 else "none with units renumbered"
    reach = f"{standing:g} would have been found with units in their places, {renumbered}"
    if standing > 1:
        reach = f"{matched:g} would have been found in any order of units"
    return f"{format_p(least)} where {fpr:.2g} was asked for; relatives down to a centred kernel cosine of {reach}"


def _of_unknown(findings: Sequence[Finding]) -> str:
    """Says how little could be compared."""
    most = max(findings, key=lambda each: each.compared)
    judged = max((each.share for each in most.evidence), default=0.0)
    return (
        f"{most.shared:,} of its {most.tensors:,} tensors have a counterpart in {most.candidate}, "
        f"{format_share(most.compared)} of its kernels, and {format_share(judged)} could be judged"
    )


def notes(findings: Mapping[str, Finding], skipped: Mapping[str, str]) -> Iterator[str]:
    """Yields a line for everything beside the sentence that a reader should know."""
    for finding in findings.values():
        for note in finding.notes:
            yield f"{finding.candidate}: {note}"
    for name, reason in skipped.items():
        yield f"{name} could not be read: {reason}"
