"""The published files: every documented parent is found, and no stranger is taken for one."""

import itertools

import pytest

from experiments.lab import published
from lineage_jax import catalogue
from lineage_jax.cli._catalogue import sentence
from tests.conftest import DATA

pytestmark = pytest.mark.data

FIRST = 7
"""Children whose parent is the first hit of all; before that of the other three comes a checkpoint that descends from
the child itself."""


@pytest.fixture(scope="module")
def ranked(tmp_path_factory):
    """Returns by file the names of all others, the most alike first, and what is said of the best."""
    place = tmp_path_factory.mktemp("catalogue") / "index"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LINEAGE_DATA", str(DATA))
        files = published.files(published.FOLDERS)
    done = catalogue.index(next(iter(files.values())).parents[1], place)
    assert (done.networks, done.failed) == (len(files), {})
    names = {path.resolve(): name for name, path in files.items()}
    opened = catalogue.open(place)
    found = {name: catalogue.search(opened, path, top=len(files)) for name, path in files.items()}
    return {name: ([names[hit.path] for hit in each.hits], sentence(each)) for name, each in found.items()}


def descendants(name):
    """The name, and what is documented to descend from it."""
    children = [child for child in children_of_parents() if published.parent_of(child) == name]
    return {name, *itertools.chain.from_iterable(map(descendants, children))}


def children_of_parents():
    return [f"{folder}/{child}" for folder, parents in published.PARENTS.items() for child in parents]


def test_every_documented_parent_comes_before_all_but_the_descendants_of_its_child(ranked):
    children = children_of_parents()
    assert len(children) == 10
    for child in children:
        hits, _ = ranked[child]
        assert next(hit for hit in hits if hit not in descendants(child)) == published.parent_of(child)
    assert sum(ranked[child][0][0] == published.parent_of(child) for child in children) == FIRST


def test_no_stranger_is_called_related_and_every_relative_is(ranked):
    for name, (hits, said) in ranked.items():
        group = published.group_of(name)
        alike = group is not None and published.group_of(hits[0]) == group
        assert said.startswith(("Whether ", "None ")) != alike, said
