"""The check of the built pages finds what it is there for."""

import importlib.util
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parent.parent.parent / "docs" / "check_links.py"


@pytest.fixture(scope="module")
def check_links():
    spec = importlib.util.spec_from_file_location("check_links", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        ('<a href="other.html#there">', None),
        ('<a href="#here"><h1 id="here">', None),
        ('<a href="https://arxiv.org">', None),
        ('<img src="figure.png">', None),
        ('<a href="other.html#nowhere">', "page.html: other.html#nowhere leads nowhere"),
        ('<a href="gone.html">', "page.html: gone.html leads nowhere"),
        ('<img src="gone.png">', "page.html: gone.png leads nowhere"),
        ('<script src="https://cdn.example/x.js">', "page.html: https://cdn.example/x.js is fetched from elsewhere"),
        (
            '<link rel="stylesheet" href="//cdn.example/x.css">',
            "page.html: //cdn.example/x.css is fetched from elsewhere",
        ),
    ],
)
def test_broken_links_and_what_comes_from_elsewhere_are_found(check_links, tmp_path, body, fault):
    (tmp_path / "page.html").write_text(body)
    (tmp_path / "other.html").write_text('<h1 id="there">')
    (tmp_path / "figure.png").touch()
    assert check_links.faults(tmp_path) == ([fault] if fault else [])
