"""Imports only go down, and importing the library stays light."""

import ast
import functools
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "lineage_jax"

FLOORS = [
    {"typing", "genealogy"},
    {"leaves", "io"},
    {"similarity", "linearize", "models", "data", "symmetry"},
    {"pairs"},
    {"lineage", "population", "detector", "kinship"},
    {"checkpoints"},
    {"catalogue"},
    {"sweep", "evidence"},
    {"report"},
    {"cli"},
]
"""Ground first. A module may import from lower floors, and from its own sub-package."""

FLOOR_OF = {name: floor for floor, names in enumerate(FLOORS) for name in names}

NEVER = {
    "pairs": {"models"},
    "lineage": {"models"},
    "similarity": {"models", "linearize"},
    "linearize": {"models", "similarity"},
    "symmetry": {"models"},
    "kinship": {"linearize", "similarity", "models"},
    "population": {"linearize"},
    "evidence": {"population", "models"},
}
"""What lies on a lower floor and is not imported all the same: ideas that know nothing of each other."""

TEACHING = {
    *("fit", "init", "train_step", "DetectorTraining", "Program", "State", "split", "folds", "Split"),
    *("save_detector", "fit_temperature", "batches", "Batch"),
}
"""Names of `detector` that train one: an answer asks a detector and teaches none."""

ONLY_IN = {
    "orbax": {"io"},
    "tensorstore": {"io"},
    "zarr": {"io"},
    "grain": {"sweep"},
    "typer": {"cli"},
    "rich": {"cli", "report"},
    "converters": {"checkpoints", "cli"},
    "torch": set(),
    "ml_collections": set(),
    "experiments": set(),
}
"""Packages that only some parts may import."""


def modules():
    return [path for path in sorted(PACKAGE.rglob("*.py")) if path != PACKAGE / "__init__.py"]


def part_of(path):
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


@functools.cache
def nodes_of(path):
    return list(ast.walk(ast.parse(path.read_text())))


@functools.cache
def imports_of(path):
    """Every name that a module imports, in full: `from a.b import c` is `a.b.c`."""
    names = []
    for node in nodes_of(path):
        if isinstance(node, ast.ImportFrom):
            assert not node.level, f"{path} has a relative import"
            names += [f"{node.module}.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
    return names


def imported_parts(path):
    return {name.split(".")[1] for name in imports_of(path) if name.startswith("lineage_jax.")}


def imported_packages(path):
    return {name.split(".")[0] for name in imports_of(path)}


each_module = pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(PACKAGE)))


def test_there_is_something_to_check():
    assert len(modules()) > 20
    assert {part_of(path) for path in modules()} <= FLOOR_OF.keys()


@each_module
def test_imports_only_go_down(path):
    part = part_of(path)
    for imported in imported_parts(path):
        assert imported == part or FLOOR_OF[imported] < FLOOR_OF[part], f"{part} imports {imported}"


@each_module
def test_ideas_that_know_nothing_of_each_other_stay_apart(path):
    assert not imported_parts(path) & NEVER.get(part_of(path), set())


@each_module
def test_packages_are_imported_where_they_belong(path):
    for package in imported_packages(path) & ONLY_IN.keys():
        assert part_of(path) in ONLY_IN[package], f"{part_of(path)} imports {package}"


@each_module
def test_other_parts_are_used_by_their_public_names(path):
    for name in imports_of(path):
        steps = name.split(".")
        if steps[0] == "lineage_jax" and steps[1:2] != [part_of(path)]:
            assert not any(step.startswith("_") for step in steps), f"{path.name} imports {name}"


@each_module
def test_only_sweeps_run_on_several_hosts(path):
    names = {ast.unparse(node) for node in nodes_of(path) if isinstance(node, ast.Attribute)}
    assert part_of(path) == "sweep" or not any(name.startswith("jax.distributed") for name in names)


def test_an_answer_teaches_no_detector():
    for path in modules():
        if part_of(path) == "evidence":
            attributes = [node for node in nodes_of(path) if isinstance(node, ast.Attribute)]
            used = {node.attr for node in attributes if ast.unparse(node.value) == "detector"}
            imports = [name for name in imports_of(path) if name.startswith("lineage_jax.detector.")]
            imported = {name.rpartition(".")[2] for name in imports}
            assert not (used | imported) & TEACHING, path


def graph(folder, package):
    """Which module of a folder imports which other one there."""
    names = {
        path: f"{package}.{'.'.join(path.relative_to(folder).with_suffix('').parts)}" for path in folder.rglob("*.py")
    }
    return {
        name: {other for other in names.values() if other != name and any(starts(i, other) for i in imports_of(path))}
        for path, name in names.items()
    }


def starts(imported, module):
    return imported == module or imported.startswith(f"{module}.")


def circle(edges):
    """Modules that import each other in a circle, or an empty list: what is left once leaves are taken off."""
    left = dict(edges)
    while free := [name for name, others in left.items() if not others & left.keys()]:
        for name in free:
            del left[name]
    return sorted(left)


def test_no_module_takes_part_in_a_circle():
    assert circle(graph(PACKAGE, "lineage_jax")) == []
    assert circle(graph(ROOT / "converters", "converters")) == []
    assert circle(graph(ROOT / "experiments", "experiments")) == []
    assert circle({"a": {"b"}, "b": {"c"}, "c": {"b"}, "d": set()}) == ["a", "b", "c"]


def test_no_command_imports_another():
    commands = {path.stem for path in (PACKAGE / "cli").glob("*.py") if "@app.command" in path.read_text()}
    assert len(commands) >= 5
    for path in (PACKAGE / "cli").glob("*.py"):
        if path.stem in commands:
            imported = {name.split(".")[2] for name in imports_of(path) if name.startswith("lineage_jax.cli.")}
            assert not imported & commands, path


def test_studies_and_benchmarks_do_not_know_each_other():
    studies, benchmarks = [], []
    for path in sorted((ROOT / "experiments").rglob("*.py")):
        (benchmarks if "benchmarks" in path.parts else studies).append(path)
    assert len(studies) > 10
    assert len(benchmarks) > 10
    for path in studies:
        assert not any(name.startswith("experiments.benchmarks") for name in imports_of(path)), path
    for path in benchmarks:
        assert not any(starts(name, "experiments") and "benchmarks" not in name for name in imports_of(path)), path


def test_the_converters_import_neither_the_library_nor_torch():
    script = "import sys, converters; print(*{'lineage_jax', 'jax', 'flax', 'torch'} & set(sys.modules))"
    printed = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
    assert printed.split() == []
    for path in sorted((ROOT / "converters").rglob("*.py")):
        assert not imported_packages(path) & {"lineage_jax", "experiments", "torch"}, path


def test_importing_pulls_in_no_heavy_package():
    parts = ", ".join(f"lineage_jax.{part}" for part in sorted({part_of(path) for path in modules()} - {"report"}))
    script = (
        f"import sys, {parts}; "
        "heavy = {'torch', 'pandas', 'sklearn', 'matplotlib', 'ml_collections'}; print(*heavy & set(sys.modules))"
    )
    printed = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
    assert printed.split() == []


def test_sub_packages_are_attributes_of_the_library():
    import lineage_jax

    parts = {part_of(path) for path in modules()} - {"cli"}
    assert parts <= set(dir(lineage_jax))
    for part in parts:
        assert getattr(lineage_jax, part).__name__ == f"lineage_jax.{part}"
    assert lineage_jax.similarity.l1
    with pytest.raises(AttributeError, match="no attribute 'lineages'"):
        lineage_jax.lineages  # noqa: B018
