"""The project files agree with each other, and with what the code imports."""

import ast
import importlib.metadata
import re
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
OWN = {"lineage_jax", "converters", "experiments", "tests"}
DISTRIBUTIONS = importlib.metadata.packages_distributions()
EXTRAS = {
    "lineage_jax": {"experiments"},
    "converters": {"hdf5"},
    "experiments": {"experiments", "torch"},
    "tests": {"experiments", "hdf5", "dev", "torch"},
}
"""Extras that a folder may need; where something of them is missing it says so, or the tests are skipped."""


def distribution(package):
    """The name by which a package that is imported is required: `PIL` is Pillow's."""
    return re.sub(r"[-_.]+", "-", DISTRIBUTIONS.get(package, [package])[0]).lower()


def required(lines):
    return {re.sub(r"[-_.]+", "-", re.match(r"[\w.-]+", line)[0]).lower() for line in lines}


def imported(nodes):
    """Packages of others among the imports."""
    names = set()
    for node in nodes:
        if isinstance(node, ast.ImportFrom):
            names.add(node.module.partition(".")[0])
        elif isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
    return {distribution(name) for name in names - OWN - sys.stdlib_module_names}


def modules(folder):
    return [ast.parse(path.read_text()) for path in (ROOT / folder).rglob("*.py") if "golden" not in path.parts]


@pytest.mark.parametrize("folder", sorted(EXTRAS))
def test_what_is_imported_is_required(folder):
    lines = [line for extra in EXTRAS[folder] for line in PROJECT["optional-dependencies"][extra]]
    every = imported(node for module in modules(folder) for node in ast.walk(module))
    assert len(every) > 3
    assert every <= required([*PROJECT["dependencies"], *lines])


@pytest.mark.parametrize("folder", ["lineage_jax", "converters"])
def test_what_is_imported_at_once_comes_with_the_library(folder):
    assert imported(node for module in modules(folder) for node in module.body) <= required(PROJECT["dependencies"])


def test_nothing_is_required_that_nobody_imports():
    everything = {name for folder in EXTRAS for module in modules(folder) for name in imported(ast.walk(module))}
    assert required(PROJECT["dependencies"]) <= everything


def test_requirements_are_the_library_its_experiments_and_its_tests():
    extras = PROJECT["optional-dependencies"]
    stated = {*PROJECT["dependencies"], *extras["experiments"], *extras["dev"]}
    lines = (ROOT / "requirements.txt").read_text().splitlines()
    listed = [line for line in lines if line and not line.startswith("#")]
    assert sorted(listed) == sorted(stated)


def test_the_readme_starts_with_the_two_commands():
    readme = (ROOT / "README.md").read_text()
    assert readme.index("make demo") < readme.index("make test") < 2000
