"""HTML and SVG as trees of elements: whatever text goes in comes out as text, since trees are escaped when written."""

from importlib import resources
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

Content = str | Element
"""What an element holds: text, or another element."""

LONG_NAME = 72
"""Letters of a name that are shown."""

POLICY = "default-src 'none'; style-src 'unsafe-inline'"
"""What a browser may load or run for a page: its own style, nothing else."""


def element(tag: str, /, *content: Content, **attributes: str | int | float) -> Element:
    r"""Makes an element; `class_` and `aria_label` become `class` and `aria-label`.

    Examples:
        >>> made = element("p", "a <b>", element("em", "c\n"), "d", class_="lead")
        >>> ElementTree.tostring(made, encoding="unicode", method="html")
        '<p class="lead">a &lt;b&gt;<em>c\\n</em>d</p>'
    """
    named = {name.rstrip("_").replace("_", "-"): printable(str(value)) for name, value in attributes.items()}
    made = Element(tag, named)
    for part in content:
        if isinstance(part, Element):
            made.append(part)
        elif len(made):
            made[-1].tail = (made[-1].tail or "") + printable(part)
        else:
            made.text = (made.text or "") + printable(part)
    return made


def printable(text: str) -> str:
    r"""Writes out what cannot be seen, such as marks that turn the direction of the text around them.

    Examples:
        >>> printable("naïve 网络"), printable("exe\u202egpj"), printable("a\ud800\0")
        ('naïve 网络', 'exe\\u202egpj', 'a\\ud800\\x00')
    """
    if text.isprintable():
        return text
    return "".join(letter if letter.isprintable() else repr(letter)[1:-1] for letter in text)


def named(name: str) -> Element:
    """Shows a name that somebody else chose: as text, in its own direction, without its middle where it is long."""
    shown = short(name, LONG_NAME)
    return element("bdi", shown) if shown == name else element("bdi", shown, title=name)


def short(text: str, most: int) -> str:
    """Leaves out the middle of a long text.

    Examples:
        >>> short("stage1/block0/conv1", 11)
        'stage…conv1'
    """
    kept = (most - 1) // 2
    return text if len(text) <= most else f"{text[: most - 1 - kept]}…{text[-kept:]}"


def page(title: str, *content: Content) -> bytes:
    """Returns a page that needs no other file, in the style of `page.css`."""
    style = Element("style")
    style.text = resources.files("lineage_jax.report").joinpath("page.css").read_text()
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", name="color-scheme", content="light dark"),
        element("meta", **{"http-equiv": "Content-Security-Policy", "content": POLICY}),
        element("title", title),
        style,
    )
    root = element("html", head, element("body", element("main", *content)), lang="en")
    return b"<!DOCTYPE html>\n" + ElementTree.tostring(root, encoding="unicode", method="html").encode() + b"\n"
