"""Every public name has its place in the API reference; a name that was renamed or taken away has none."""

import ast
import itertools
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
REFERENCE = ROOT / "docs" / "reference"
LISTED = re.compile(r"^```\{public-names\} (\S+)\n(.*?)^```", re.MULTILINE | re.DOTALL)


def parts():
    """Every module and package that can be imported by a public name, with the file that says what is in it."""
    library = ROOT / "lineage_jax"
    found = {f"lineage_jax.{path.parent.name}": path for path in library.glob("*/__init__.py")}
    found |= {f"lineage_jax.{path.stem}": path for path in library.glob("*.py")}
    found["converters"] = ROOT / "converters" / "__init__.py"
    return {name: path for name, path in sorted(found.items()) if not name.endswith((".__init__", ".cli"))}


def public_names(path):
    """What a package re-exports; of a module what it defines and says something of."""
    body = ast.parse(path.read_text()).body
    if path.name == "__init__.py":
        aliases = [alias for node in body if isinstance(node, ast.ImportFrom) for alias in node.names]
        return {alias.asname for alias in aliases if alias.asname == alias.name}
    defined = {node.name for node in body if isinstance(node, ast.FunctionDef | ast.ClassDef)}
    for node, below in itertools.pairwise(body):
        if isinstance(below, ast.Expr) and isinstance(node, ast.Assign | ast.AnnAssign):
            defined |= {each.id for each in (node.targets if isinstance(node, ast.Assign) else [node.target])}
    return {name for name in defined if not name.startswith("_")}


def listed_names(part):
    blocks = [match for page in sorted(REFERENCE.glob("*.md")) for match in LISTED.findall(page.read_text())]
    return [name for listed, block in blocks if listed == part for name in block.split()]


def test_there_is_something_to_list():
    assert len(parts()) > 10
    assert sum(len(public_names(path)) for path in parts().values()) > 200


@pytest.mark.parametrize(("part", "path"), parts().items(), ids=parts())
def test_the_reference_lists_every_public_name_once_and_no_other(part, path):
    public, listed = public_names(path), listed_names(part)
    assert public - set(listed) == set(), f"add these to the `public-names` of {part} in docs/reference"
    assert set(listed) - public == set(), f"these are not public in {part} any more"
    assert len(listed) == len(set(listed))


@pytest.mark.parametrize("part", parts())
def test_the_reference_shows_what_every_part_says_of_itself(part):
    assert sum(f"{{module-docstring}} {part}\n" in page.read_text() for page in REFERENCE.glob("*.md")) == 1
