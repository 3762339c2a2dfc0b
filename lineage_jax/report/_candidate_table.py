"""The table of candidates: those that something is claimed of first, then by p-value."""

import math
from collections.abc import Iterable
from typing import TYPE_CHECKING
from xml.etree.ElementTree import Element

from lineage_jax.report._markup import Content, element, named
from lineage_jax.report._numbers import format_number, format_p, format_share

if TYPE_CHECKING:
    from lineage_jax.evidence import Finding

MANY = 24
"""Rows from which on a table scrolls on a screen; on paper it never does."""

NAMES = ("candidate", "claim")
NUMBERS = ("p", "after Holm", "probability", "cosine", "found from", "compared", "equal")


def ordered(findings: "Iterable[Finding]") -> "list[Finding]":
    """Returns relatives first, each part by p-value, those without one last."""
    return sorted(
        findings, key=lambda each: (not each.is_kin, math.isnan(each.p), each.p, -each.cosine, each.candidate)
    )


def candidate_table(findings: "list[Finding]") -> Element:
    """Returns the table, a row for each candidate."""
    head = [element("th", text, scope="col") for text in NAMES]
    head += [element("th", text, scope="col", class_="number") for text in NUMBERS]
    return table_of(head, [_row(each) for each in findings])


def table_of(head: list[Element], rows: list[Element]) -> Element:
    """Returns a table, in a frame of its own that scrolls where it has many rows."""
    table = element("table", element("thead", element("tr", *head)), element("tbody", *rows))
    return element("div", table, class_="long", tabindex=0) if len(rows) > MANY else table


def _row(finding: "Finding") -> Element:
    numbers = (
        format_p(finding.p),
        format_p(finding.p_holm),
        format_number(finding.probability),
        format_number(finding.cosine),
        format_number(finding.limit, 2),
        format_share(finding.compared),
        f"{finding.identical:,} of {finding.tensors:,}",
    )
    claim = element("td", finding.relation, class_="claim", data_label=NAMES[1])
    cues = "; ".join(f"{cue.name}: {who(cue.first)}" for cue in finding.cues)
    if cues:
        claim.append(element("small", cues))
    return element(
        "tr",
        element("th", named(finding.candidate), scope="row"),
        claim,
        *(cell(label, text, "number") for label, text in zip(NUMBERS, numbers, strict=True)),
        class_="found" if finding.is_kin else "",
    )


def who(first: str | None) -> str:
    """Says who came first by a cue."""
    return f"{first} first" if first else "neither from the other"


def cell(label: str, content: Content, class_: str = "") -> Element:
    """Returns a cell of a table that says on narrow screens, where headings have no place, what it holds."""
    return element("td", content, class_=class_, data_label=label)
