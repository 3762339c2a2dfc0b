"""The report of a verification: one page that needs no other file, for people who were not there."""

import datetime
import os
import shlex
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any
from xml.etree.ElementTree import Element

from lineage_jax import io
from lineage_jax.evidence import SAID
from lineage_jax.report._candidate_table import candidate_table, cell, ordered, table_of
from lineage_jax.report._finding_section import finding_section
from lineage_jax.report._markup import Content, element, named, page
from lineage_jax.report._numbers import NONE, format_number, format_p, format_share

if TYPE_CHECKING:
    from lineage_jax.evidence import Finding, Verification

MOST_SECTIONS = 6
"""Candidates that have a section of their own, with drawings."""


def html_report(verification: "Verification", path: str | os.PathLike) -> None:
    """Writes what was found as a page to read, print and hand on: one file, whole or not at all.

    It holds the claim and what is not claimed, every candidate's numbers, the evidence layer by layer beside what
    strangers show, who came first and how far that can be trusted, what was left out and why, hashes, versions and the
    command to make it again. It loads nothing and runs nothing, and can be read on a telephone, in the dark and on
    paper. Names in it may come from anybody: they are shown as text, marks that cannot be seen written out.

    Args:
        verification: what `evidence.verify` returned.
        path: of the file, which is replaced if it is there.

    Raises:
        OSError: If it cannot be written; an old file stays.
    """
    now = datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d %H:%M UTC")
    findings = ordered(verification.findings.values())
    content = [
        *_head(verification, findings),
        *_candidates(findings),
        *(
            part
            for number, finding in enumerate(_shown(findings))
            for part in finding_section(verification, finding, f"candidate-{number}")
        ),
        *_what_was_read(verification),
        *_again(verification, now),
    ]
    io.write_whole(path, page(verification.sentence, *content))


def _shown(findings: "list[Finding]") -> "list[Finding]":
    """Returns those that have a section: relatives, or the nearest where there are none."""
    return [each for each in findings if each.is_kin][:MOST_SECTIONS] or findings[:1]


def _head(verification: "Verification", findings: "list[Finding]") -> Iterator[Element]:
    """Yields the claim, and the numbers that it rests on."""
    yield element("p", "Verification of kinship, from weights alone", class_="over")
    yield element("h1", *_headline(verification.child, findings))
    yield element("p", verification.sentence)
    if findings:
        first = findings[0]
        numbers = {
            "p, after Holm": format_p(first.p_holm),
            "probability of kinship": format_number(first.probability),
            "compared": format_share(first.compared),
            "candidates": f"{len(findings) + len(verification.skipped):,}",
            "false accusations, at most": f"{100 * verification.fpr:.3g}%",
        }
        parts = (element("div", element("dt", label), element("dd", text)) for label, text in numbers.items())
        yield element("dl", *parts, class_="numbers")


def _headline(child: str, findings: "list[Finding]") -> Iterator[Content]:
    """Yields the strongest claim, and of whom it is made."""
    if findings:
        relation = findings[0].relation
        names = [each.candidate for each in findings if each.relation == relation]
        yield from (named(child), f" {SAID[relation]} ", named(names[0]))
        yield f" and {len(names) - 1:,} more" if len(names) > 1 else ""


def _candidates(findings: "list[Finding]") -> Iterator[Element]:
    yield element("h2", "Candidates")
    yield candidate_table(findings)
    caption = (
        "p: how often strangers would show as much. After Holm: the same, with all candidates counted; a kinship is "
        "claimed where it is at most the rate asked for. Found from: the cosine from which on a relative "
        "would have been found, its units where they stand, or in another order. Compared: the share of the child's "
        "kernels that have a counterpart. Equal: tensors, bit for bit."
    )
    yield element("p", caption, class_="quiet")
    left = sum(each.is_kin for each in findings) - MOST_SECTIONS
    if left > 0:
        yield element("p", f"The {MOST_SECTIONS} strongest have a section below, {left:,} more do not.", class_="quiet")


def _what_was_read(verification: "Verification") -> Iterator[Element]:
    """Yields the facts of every network, and which could not be read."""
    if verification.facts:
        yield element("h2", "What was read")
        head = [element("th", text, scope="col") for text in ("network", "SHA-256", "what it is")]
        rows = [_network(name, facts) for name, facts in verification.facts.items()]
        yield table_of(head, rows)
    if verification.skipped:
        yield element("h2", "What could not be read")
        items = (element("li", named(name), f": {why}") for name, why in verification.skipped.items())
        yield element("ul", *items)


def _network(name: str, facts: "Mapping[str, Any]") -> Element:
    """Returns a row with what is known of a network's file."""
    known = ", ".join(str(facts[fact]) for fact in ("architecture", "container", "nesting") if fact in facts)
    return element(
        "tr",
        element("th", named(name), element("small", str(facts.get("path", "in memory"))), scope="row"),
        cell("SHA-256", element("code", str(facts.get("sha256", NONE)))),
        cell("what it is", known or NONE),
    )


def _again(verification: "Verification", now: str) -> Iterator[Element]:
    """Yields how to make it again, and what made it."""
    command = command_of(verification)
    if command:
        yield element("h2", "To make it again")
        yield element("pre", element("code", command))
    versions = ", ".join(f"{name} {version}" for name, version in verification.versions.items())
    seed = f"random numbers from seed {verification.seed}"
    yield element("footer", element("p", f"{now} · {versions} · {seed}"))


def command_of(verification: "Verification") -> str | None:
    """Returns the command that makes a report again; None where a network was no file."""
    networks = [verification.child, *verification.findings]
    paths = [verification.facts.get(name, {}).get("path") for name in networks]
    if None in paths:
        return None
    words = ["lineage-jax", "verify", paths[0], "--against", *paths[1:], "--fpr", f"{verification.fpr:g}"]
    return f"{shlex.join(map(str, words))} --report report.html"
