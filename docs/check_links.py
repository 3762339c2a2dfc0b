"""Checks the built pages: every internal link and anchor leads somewhere, and nothing is loaded from elsewhere.

python docs/check_links.py docs/_build/html
"""

import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urldefrag, urlsplit

LOADED = {"script": "src", "img": "src", "iframe": "src", "source": "src", "link": "href"}
"""What a browser fetches by itself."""
NOT_FETCHED = {"canonical", "author", "license", "next", "prev", "search", "index"}


class Page(HTMLParser):
    """The anchors of a page, the links that a reader can follow, and what is fetched with it."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.anchors: set[str] = set()
        self.links: list[str] = []
        self.loaded: list[str] = []
        self.feed(path.read_text())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = {name: value or "" for name, value in attrs}
        self.anchors.update(attributes[name] for name in ("id", "name") if name in attributes)
        if tag == "a" and "href" in attributes:
            self.links.append(attributes["href"])
        source = attributes.get(LOADED.get(tag, ""))
        if source is not None and attributes.get("rel") not in NOT_FETCHED:
            self.loaded.append(source)


def faults(root: Path) -> list[str]:
    """Returns a line for every link that leads nowhere and for everything that would be fetched from elsewhere."""
    pages = {path.resolve(): Page(path) for path in sorted(root.rglob("*.html")) if "_static" not in path.parts}
    found = []
    for path, page in pages.items():
        here = path.relative_to(root.resolve())
        for target in page.loaded:
            if urlsplit(target).netloc:
                found.append(f"{here}: {target} is fetched from elsewhere")
        for target in [*page.links, *page.loaded]:
            if not urlsplit(target).scheme and not urlsplit(target).netloc and _leads_nowhere(path, target, pages):
                found.append(f"{here}: {target} leads nowhere")
    return found


def _leads_nowhere(path: Path, target: str, pages: dict[Path, Page]) -> bool:
    file, anchor = urldefrag(target)
    file = unquote(urlsplit(file).path)
    reached = (path.parent / file).resolve() if file else path
    if reached in pages:
        return bool(anchor) and unquote(anchor) not in pages[reached].anchors
    return not reached.exists()


def main() -> int:
    root = Path(sys.argv[1])
    found = faults(root)
    print(*found, sep="\n", end="\n" if found else "")
    print(f"{root}: {len(list(root.rglob('*.html')))} pages, {len(found)} faults")
    return bool(found)


if __name__ == "__main__":
    raise SystemExit(main())
