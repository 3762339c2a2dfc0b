"""Imports only go down, and importing the library stays light."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "lineage_jax"

FLOORS = [
    {"typing"},
    {"io"},
    {"similarity", "linearize", "models", "data"},
    {"lineage", "population", "detector"},
    {"sweep"},
    {"report"},
    {"cli"},
]
"""Ground first. A module may import from lower floors, and from its own sub-package."""

FLOOR_OF = {name: floor for floor, names in enumerate(FLOORS) for name in names}


def modules():
    return [path for path in sorted(PACKAGE.rglob("*.py")) if path != PACKAGE / "__init__.py"]


def part_of(path):
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imported_parts(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module == "lineage_jax":
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("lineage_jax."):
            yield node.module.split(".")[1]
        elif isinstance(node, ast.Import):
            yield from (alias.name.split(".")[1] for alias in node.names if alias.name.startswith("lineage_jax."))


def imported_names(path):
    """The top-level packages that a module names in its imports."""
    nodes = list(ast.walk(ast.parse(path.read_text())))
    plain = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    return {
        name.split(".")[0] for name in plain | {node.module or "" for node in nodes if isinstance(node, ast.ImportFrom)}
    }


def test_there_is_something_to_check():
    assert len(modules()) > 20
    assert {part_of(path) for path in modules()} <= FLOOR_OF.keys()


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_only_go_down(path):
    part = part_of(path)
    for imported in imported_parts(path):
        assert imported == part or FLOOR_OF[imported] < FLOOR_OF[part], f"{part} imports {imported}"


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_only_the_command_line_knows_the_converters(path):
    names = imported_names(path)
    forbidden = {"torch", "ml_collections", "experiments"} | ({"converters"} if part_of(path) != "cli" else set())
    assert not names & forbidden
    assert "orbax" not in names or path.name == "io.py"


def test_the_converters_import_neither_the_library_nor_torch():
    script = "import sys, converters; print(*{'lineage_jax', 'jax', 'flax', 'torch'} & set(sys.modules))"
    printed = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
    assert printed.split() == []
    for path in sorted((ROOT / "converters").rglob("*.py")):
        assert not imported_names(path) & {"lineage_jax", "experiments", "torch"}, path


@pytest.mark.parametrize(
    "part", ["lineage", "linearize", "similarity", "models", "population", "detector", "data", "cli"]
)
def test_importing_pulls_in_no_heavy_package(part):
    script = (
        f"import sys, lineage_jax.{part}; "
        "heavy = {'torch', 'pandas', 'sklearn', 'matplotlib', 'ml_collections'}; print(*heavy & set(sys.modules))"
    )
    printed = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
    assert printed.split() == []


def test_sub_packages_are_attributes_of_the_library():
    import lineage_jax

    assert lineage_jax.similarity.l1
    assert "lineage" in dir(lineage_jax)
    with pytest.raises(AttributeError, match="no attribute 'lineages'"):
        lineage_jax.lineages  # noqa: B018
