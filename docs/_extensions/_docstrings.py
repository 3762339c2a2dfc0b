"""Google docstrings with `$...$` for formulas, as the reStructuredText that autodoc and napoleon understand."""

import re
from typing import Any

from sphinx.application import Sphinx

PIECES = re.compile(r"(``.+?``|`[^`]+`|\$\$.+?\$\$|\$[^$]+\$)", re.DOTALL)
"""Code and mathematics, which no markup is looked for in."""
COLON = "\ue000"
"""Stands for a colon in what is returned, or a property is, where napoleon would take all before it for a type."""


def to_restructured_text(app: Sphinx, what: str, name: str, value: Any, options: Any, lines: list[str]) -> None:
    """Turns `$...$` into roles and keeps bars (|x|) from being taken for substitutions, examples left alone."""
    if what == "property":
        lines[:1] = [lines[0].replace(":", COLON)]
    head, examples, tail = "\n".join(lines).partition("\nExamples:\n")
    marked = "".join(map(_marked, PIECES.split(head))) + examples + tail
    returned = re.sub(
        r"(?<=^Returns:\n)(?:(?:    .*)?\n?)*", lambda text: text[0].replace(":", COLON), marked, flags=re.M
    )
    lines[:] = returned.split("\n")


def with_colons(app: Sphinx, what: str, name: str, value: Any, options: Any, lines: list[str]) -> None:
    """Puts the colons back, once napoleon has read the sections."""
    lines[:] = [line.replace(COLON, ":") for line in lines]


def _marked(piece: str) -> str:
    if piece.startswith("$$"):
        return f"\n\n.. math:: {' '.join(piece[2:-2].split())}\n\n"
    if piece.startswith("$"):
        return f":math:`{' '.join(piece[1:-1].split())}`"
    return piece if piece.startswith("`") else re.sub(r"(?<!\\)\|", r"\\|", piece)
