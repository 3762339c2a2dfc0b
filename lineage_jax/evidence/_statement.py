"""A verification in words: one sentence, and a line for everything else that a reader should know."""

import math
from collections.abc import Iterator, Mapping

from lineage_jax.evidence._claims import CLAIMS, KIN
from lineage_jax.evidence._finding import Finding
from lineage_jax.evidence._wording import format_cosine, format_share, listed

SAID = {
    "copy": "is a copy of",
    "descends": "descends from",
    "ancestor": "is an ancestor of",
    "shares a start": "shares a start with",
    "related": "is related to",
    "unrelated": "is unrelated to",
    "cannot be compared": "cannot be compared with",
}
"""By relation what the child does or is."""

LEAST_P = 1e-300
"""P-values below this one are no longer told apart."""


def sentence(child: str, findings: Mapping[str, Finding], fpr: float) -> str:
    """Says what may be claimed in one line, the strongest claim first."""
    by_relation = {relation: [each for each in findings.values() if each.relation == relation] for relation in CLAIMS}
    claims = [
        f"{SAID[relation]} {listed(each.candidate for each in sorted(found, key=_nearest))}"
        for relation, found in by_relation.items()
        if found
    ]
    first = next((found for found in by_relation.values() if found), [])
    if not first:
        return f"{child} was compared with nobody."
    said = "; it ".join(claims)
    if any(by_relation[relation] for relation in KIN):
        return f"{child} {said}: {_of_kin(min(first, key=_nearest), fpr)}."
    return f"{child} {said}{_of_nobody(by_relation, fpr)}."


def _nearest(finding: Finding) -> float:
    return -finding.cosine


def _of_kin(finding: Finding, fpr: float) -> str:
    """Says what a claim of kinship rests on."""
    how = ", units matched" if finding.aligned else ""
    compared = f"{format_share(finding.compared)} of its kernels were compared"
    if finding.relation == "copy":
        return finding.notes[0] if finding.notes else compared
    order = ""
    if finding.relation == "related":
        order = "; which came first is not shown"
    rests = f"centred kernel cosine {format_cosine(finding.cosine)}{how}, {format_p(finding.p_holm)} after Holm"
    return f"{rests}, at most {fpr:.2g} asked for; {compared}{order}"


def _of_nobody(by_relation: dict[str, list[Finding]], fpr: float) -> str:
    """Says what the absence of a kinship rests on."""
    found = by_relation["unrelated"]
    if not found:
        return ": too little could be judged to find even a near relative"
    limit = max(each.limit if each.limit is not None else 1.0 for each in found)
    least = min(found, key=lambda each: each.p_holm)
    return (
        f": {format_p(least.p_holm)} after Holm, {fpr:.2g} asked for; relatives down to a centred kernel cosine of "
        f"{limit:.2f} would have been found with their units in their places"
    )


def notes(findings: Mapping[str, Finding], skipped: Mapping[str, str]) -> Iterator[str]:
    """Yields a line for everything beside the sentence that a reader should know."""
    for finding in findings.values():
        for note in finding.notes:
            yield f"{finding.candidate}: {note}"
    for name, reason in skipped.items():
        yield f"{name} could not be read: {reason}"


def format_p(p: float) -> str:
    """Writes a p-value.

    Examples:
        >>> format_p(0.0312), format_p(4e-31), format_p(0.0), format_p(math.nan)
        ('p = 0.031', 'p = 4e-31', 'p < 1e-300', 'no p-value')
    """
    if math.isnan(p):
        return "no p-value"
    if p < LEAST_P:
        return f"p < {LEAST_P:g}"
    return f"p = {p:.2g}"
