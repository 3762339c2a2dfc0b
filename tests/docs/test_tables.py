"""Tables of the pages are those of the committed results."""

from pathlib import Path

from experiments import overview
from experiments.strangers import table as strangers

DOCS = Path(__file__).parent.parent.parent / "docs"


def test_results_show_what_was_measured():
    page = (DOCS / "results.md").read_text()
    assert overview.expected() in page
    assert overview.learned("experiments/{}.md") in page
    assert strangers.table() in page


def test_the_readme_shows_what_was_measured_and_stays_short():
    readme = (DOCS.parent / "README.md").read_text()
    assert overview.learned("experiments/{}/README.md") in readme
    assert len(readme.splitlines()) <= 110
