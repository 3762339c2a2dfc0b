"""What a report says of one candidate: the claim, its evidence by kind, who came first, what was left out."""

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING
from xml.etree.ElementTree import Element

from lineage_jax.report._candidate_table import NEITHER, cell, table_of
from lineage_jax.report._claims import CLAIMS, ORDER_ALONE
from lineage_jax.report._layer_drawing import beyond, layer_drawing
from lineage_jax.report._markup import LONG_NAME, element, named, short
from lineage_jax.report._null_drawing import null_drawing
from lineage_jax.report._numbers import equation, format_number, format_p, format_share

if TYPE_CHECKING:
    from lineage_jax.evidence import Finding, Verification
    from lineage_jax.kinship import Evidence

KINDS = {
    "in place": (
        "Units where they stand",
        "Are units of equal number more alike than they would be if one network's were numbered at random?",
    ),
    "matched": (
        "Units matched",
        "Units may have been renumbered, rescaled or flipped. They are matched by one half of what they read and by "
        "the other half: do both agree more often than those of strangers?",
    ),
    "inner products": (
        "Units matched by inner products",
        "Streams of a transformer may have been turned. They are turned back by other layers, and hidden units matched "
        "by one half of what they read and write: are they more alike by the other half than those of strangers?",
    ),
}
"""By kind of evidence a heading, and the question that its p-values answer."""

MOST_PATHS = 4
"""Names of kernels that are written out before the rest is counted."""


def finding_section(verification: "Verification", finding: "Finding", key: str) -> Iterator[Element]:
    """Yields the parts of what is said of a candidate.

    Args:
        verification: that of the finding.
        finding: of the candidate.
        key: what the names of drawings begin with.
    """
    names = {"child": short(verification.child, LONG_NAME), "candidate": short(finding.candidate, LONG_NAME)}
    claimed, not_claimed = (text.format(**names) for text in CLAIMS[finding.relation])
    yield element("h2", "What is claimed of ", named(finding.candidate))
    yield element(
        "div",
        element("div", element("h3", "What this claims"), element("p", claimed)),
        element("div", element("h3", "What it does not"), element("p", not_claimed)),
        class_="beside",
    )
    if finding.is_kin and by_order_alone(finding, verification.fpr):
        yield element("p", ORDER_ALONE.format(**names), class_="aside")
    judged = [each for each in finding.evidence if each.layers]
    if judged and finding.relation != "copy":
        yield element("h3", "Against strangers")
        yield _against_strangers(verification, finding, f"{key}-null")
    for number, evidence in enumerate(finding.evidence):
        yield from _evidence(evidence, f"{key}-{number}")
    if finding.cues:
        yield element("h3", "Who came first")
        yield _cue_table(finding)
    if finding.notes:
        yield element("h3", "What else should be known")
        yield element("ul", *(element("li", note) for note in finding.notes))


def by_order_alone(finding: "Finding", fpr: float) -> bool:
    """Tells whether a claim rests on units where they stand and on nothing that the order of units does not change."""
    claimed = {each.kind for each in finding.evidence if each.layers and each.p <= fpr}
    return claimed == {"in place"}


def _against_strangers(verification: "Verification", finding: "Finding", key: str) -> Element:
    """Returns the drawing of the null with its caption."""
    judged = [each for each in verification.findings.values() if each.relation != "copy" and not math.isnan(each.p)]
    others = [each.p for each in judged if each.candidate != finding.candidate]
    limit = verification.fpr / len(judged)
    strokes = (
        "The short stroke is the other candidate" if len(others) == 1 else "Short strokes are the other candidates"
    )
    beside = f" {strokes}." if others else ""
    caption = (
        "The p-value over all kinds of evidence, before Holm. Strangers make the grey bell, or lie to the left of it. "
        f"The line is this candidate; from the dashed one on, {equation(limit)}, the strongest is named.{beside}"
    )
    return element("figure", null_drawing(finding.p, others, limit, key), element("figcaption", caption))


def _evidence(evidence: "Evidence", key: str) -> Iterator[Element]:
    """Yields a kind of evidence: its question, its numbers, the drawing and the layers, and what was left out."""
    heading, question = KINDS[evidence.kind]
    layers = len(evidence.layers)
    numbers = (
        f" All layers together: {format_number(evidence.statistic, 2)} deviations above what strangers have on "
        f"average, {equation(evidence.p)}."
        if layers
        else " No layer could be judged."
    )
    yield element("h3", heading)
    yield element("p", question + numbers)
    if layers:
        caption = (
            "A dot is a layer, or all layers that write to one stream, in the order of the network. Of strangers, 95% "
            f"lie in the darker band and 99% in both; of these layers, {beyond(evidence):,} of {layers:,} lie beyond."
        )
        yield element("figure", layer_drawing(evidence, key), element("figcaption", caption))
        yield element("details", element("summary", f"The {layers:,} layers in numbers"), _layer_table(evidence))
    yield _left_out(evidence)


def _layer_table(evidence: "Evidence") -> Element:
    labels = ("units", "deviations", "p")
    head = [
        element("th", "layer", scope="col"),
        *(element("th", text, scope="col", class_="number") for text in labels),
    ]
    rows = []
    for layer in evidence.layers:
        numbers = (f"{layer.units:,}", format_number(layer.statistic, 2), format_p(layer.p))
        cells = (cell(label, text, "number") for label, text in zip(labels, numbers, strict=True))
        rows.append(element("tr", element("th", layer.name, scope="row"), *cells))
    return table_of(head, rows)


def _cue_table(finding: "Finding") -> Element:
    labels = ("came first", "wrong in at most", "measured on", "can be forged")
    head = [element("th", "cue", scope="col"), *(element("th", text, scope="col") for text in labels)]
    rows = []
    for cue in finding.cues:
        name = element("th", cue.name, element("small", cue.said), scope="row")
        rate = f"{100 * cue.error:.3g}%" if cue.tried else "not measured"
        texts = (cue.first or NEITHER, rate, f"{cue.tried:,} families", "yes" if cue.forgeable else "no")
        rows.append(element("tr", name, *(cell(label, text) for label, text in zip(labels, texts, strict=True))))
    return table_of(head, rows)


def _left_out(evidence: "Evidence") -> Element:
    """Returns how much was judged, and which kernels were not, by reason."""
    by_reason: dict[str, list[str]] = {}
    for path, reason in evidence.left_out.items():
        by_reason.setdefault(reason, []).append(path)
    items = [
        element("li", element("code", ", ".join(paths[:MOST_PATHS])), _and_more(paths), f": {reason}")
        for reason, paths in by_reason.items()
    ]
    judged = f"{format_share(evidence.share)} of the kernels' weights were judged"
    return element("div", element("p", f"{judged}; left out:" if items else f"{judged}."), element("ul", *items))


def _and_more(paths: list[str]) -> str:
    return f" and {len(paths) - MOST_PATHS:,} more" if len(paths) > MOST_PATHS else ""
