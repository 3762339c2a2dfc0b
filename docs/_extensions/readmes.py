"""READMEs of the repository as pages: `{readme}` shows one, its links between READMEs and to figures followed."""

import os
import re
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx

ROOT = Path(__file__).parent.parent.parent
SHOWN = re.compile(r"^```\{readme\} (\S+)\n```$", re.MULTILINE)
LINKS = re.compile(r"\]\((?!https?:|#)([^)#\s]+)")


def _show(app: Sphinx, docname: str, source: list[str]) -> None:
    source[0] = SHOWN.sub(lambda found: _text(app, docname, ROOT / found[1]), source[0])


def _text(app: Sphinx, docname: str, readme: Path) -> str:
    app.env.note_dependency(str(readme))
    here = Path(app.srcdir, docname).parent
    pages = _pages(app)

    def followed(link: re.Match[str]) -> str:
        target = (readme.parent / link[1]).resolve()
        if not target.exists():
            raise FileNotFoundError(f"{readme} links to {link[1]}, where there is nothing")
        return f"]({os.path.relpath(pages.get(target, target), here)}"

    return LINKS.sub(followed, readme.read_text())


def _pages(app: Sphinx) -> dict[Path, Path]:
    """Returns the page of every README that is shown, and that of every file below `docs` itself."""
    pages = {}
    for docname in app.env.found_docs:
        page = Path(app.env.doc2path(docname))
        pages |= {(ROOT / readme).resolve(): page for readme in SHOWN.findall(page.read_text())}
    return pages


def setup(app: Sphinx) -> dict[str, Any]:
    """Registers what shows a README."""
    app.connect("source-read", _show)
    return {"version": "1", "parallel_read_safe": True}
