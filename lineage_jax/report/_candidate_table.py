"""The table of candidates: the strongest claim first, then by p-value."""

import math
from collections.abc import Iterable
from typing import TYPE_CHECKING
from xml.etree.ElementTree import Element

from lineage_jax.evidence import SAID
from lineage_jax.report._markup import Content, element, named
from lineage_jax.report._numbers import NONE, format_number, format_p, format_share

if TYPE_CHECKING:
    from lineage_jax.evidence import Finding

MANY = 24
"""Rows from which on a table scrolls on a screen; on paper it never does."""

NEITHER = "neither"
"""Whom a cue calls the first that says that neither descends from the other."""

NAMES = ("candidate", "claim")
NUMBERS = ("p", "after Holm", "probability", "cosine", "found from", "compared", "equal")


def ordered(findings: "Iterable[Finding]") -> "list[Finding]":
    """Returns the strongest claims first, each by p-value, those without one last."""
    strength = list(SAID)
    return sorted(
        findings,
        key=lambda each: (strength.index(each.relation), math.isnan(each.p), each.p, -each.cosine, each.candidate),
    )


def candidate_table(findings: "list[Finding]") -> Element:
    """Returns the table, a row for each candidate."""
    head = [element("th", text, scope="col") for text in NAMES]
    head += [element("th", text, scope="col", class_="number") for text in NUMBERS]
    return table_of(head, [_row(each) for each in findings])


def table_of(head: list[Element], rows: list[Element]) -> Element:
    """Returns a table, in a frame of its own that scrolls where it has many rows."""
    table = element("table", element("thead", element("tr", *head)), element("tbody", *rows))
    return element("div", table, class_="long" if len(rows) > MANY else "wide", tabindex=0)


def _row(finding: "Finding") -> Element:
    numbers = (
        format_p(finding.p),
        format_p(finding.p_holm),
        format_number(finding.probability),
        format_number(finding.cosine),
        _limits(finding),
        format_share(finding.compared),
        f"{finding.identical:,} of {finding.tensors:,}",
    )
    claim = element("td", finding.relation, class_="claim", data_label=NAMES[1])
    claim.extend(element("small", f"{cue.name}: {cue.first or NEITHER}") for cue in finding.cues)
    return element(
        "tr",
        element("th", named(finding.candidate), scope="row"),
        claim,
        *(cell(label, text, "number") for label, text in zip(NUMBERS, numbers, strict=True)),
        class_="found" if finding.is_kin else "",
    )


def _limits(finding: "Finding") -> str:
    """Says from which cosines on a relative would have been found: where units stand, and renumbered."""
    limits = [format_number(limit, 2) for limit in (finding.limit, finding.limit_matched)]
    return NONE if set(limits) == {NONE} else " / ".join(limits)


def cell(label: str, content: Content, class_: str = "") -> Element:
    """Returns a cell of a table that says on narrow screens, where headings have no place, what it holds."""
    return element("td", content, class_=class_, data_label=label)
