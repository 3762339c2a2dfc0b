"""The project files agree with each other."""

import tomllib
from pathlib import Path

ROOT = Path(__file__).parent.parent


def test_requirements_are_the_library_its_experiments_and_its_tests():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    stated = {*project["dependencies"], *extras["experiments"], *extras["dev"]}
    lines = (ROOT / "requirements.txt").read_text().splitlines()
    listed = [line for line in lines if line and not line.startswith("#")]
    assert sorted(listed) == sorted(stated)


def test_the_readme_starts_with_the_two_commands():
    readme = (ROOT / "README.md").read_text()
    assert readme.index("make demo") < readme.index("make test") < 2000
