"""The parent is found, wherever its kernels stand; estimates are those of the full comparison."""

import os
import subprocess
import sys

import numpy as np
import pytest

import converters
from lineage_jax import catalogue, io, lineage
from tests.catalogue.conftest import inside, other_head, random_network, tuned

IN_A_PROCESS = """
import sys
from lineage_jax import catalogue
found = catalogue.search(catalogue.open(sys.argv[1]), sys.argv[2])
print(found.hits[0].path.name, *{"jax", "flax", "xarray", "orbax"} & set(sys.modules))
"""


@pytest.fixture
def searched(folder, tmp_path):
    """Returns the hits for a network that is given as {name: array}."""
    catalogue.index(folder, tmp_path / "index")
    opened = catalogue.open(tmp_path / "index")

    def search(network, **settings):
        (tmp_path / "child.pth").unlink(missing_ok=True)
        converters.write(tmp_path / "child.pth", network)
        return catalogue.search(opened, tmp_path / "child.pth", **settings)

    return search


def names(found):
    return [hit.path.name for hit in found.hits]


def test_the_parent_comes_before_its_other_children_and_these_before_strangers(searched):
    for parent in range(4):
        found = searched(tuned(random_network(100 + parent), seed=77))
        assert names(found)[0] == f"p{parent}.safetensors"
        assert set(names(found)[1:3]) == {f"c{parent}0.pt", f"c{parent}1.pt"}
        assert found.hits[2].cosine > 0.5
        assert abs(found.hits[3].cosine) < 0.2


@pytest.mark.parametrize(
    ("change", "module"),
    [
        (lambda network: {f"module.{name}": array for name, array in network.items()}, ""),
        (lambda network: other_head(network, seed=5), ""),
        (lambda network: {f"model.net.{name}": array for name, array in network.items()}, "model/net"),
        (lambda network: inside(network, "backbone.body"), "backbone/body"),
    ],
    ids=["module.", "another head", "a module", "a backbone"],
)
def test_the_parent_is_found_wherever_its_kernels_stand(searched, change, module):
    found = searched(change(tuned(random_network(102), seed=77)))
    assert names(found)[0] == "p2.safetensors"
    assert found.hits[0].child_module == module
    assert found.hits[0].cosine > found.hits[3].cosine + 0.3


def test_a_parent_that_holds_the_child_inside_is_found(tmp_path, folder):
    converters.write(folder / "detector.pth", inside(random_network(55), "backbone"))
    catalogue.index(folder, tmp_path / "index")
    found = catalogue.search(catalogue.open(tmp_path / "index"), {"params": tree(tuned(random_network(55), 3))})
    assert names(found)[0] == "detector.pth"
    assert (found.hits[0].parent_module, found.hits[0].kernels) == ("backbone", 2)
    assert 0.5 < found.hits[0].compared < 1


def tree(network):
    return converters.as_tree(network)["params"]


def test_estimates_are_those_of_the_full_comparison_within_their_errors(searched, folder):
    for child in (tuned(random_network(101), 4, step=1.0), inside(tuned(random_network(101), 4), "features")):
        found = searched(child, top=22)
        candidates = {hit.path.name: converters.as_tree(converters.read(hit.path).tensors) for hit in found.hits}
        full = lineage.overlap(candidates, converters.as_tree(child))
        for hit in found.hits:
            exact = full.sel(parent=hit.path.name)
            assert abs(hit.cosine - exact["centred_kernel_cosine"].item()) <= 5 * hit.error + 1e-6
            assert np.isclose(hit.compared, exact["compared"].item())
            assert hit.error < 0.1


def test_an_equal_network_has_a_cosine_of_exactly_1(searched):
    copy = random_network(103)
    found = searched(copy | {"fc.bias": copy["fc.bias"] + 1})  # another file
    assert names(found)[0] == "p3.safetensors"
    assert (found.hits[0].cosine, found.hits[0].error) == (1.0, 0.0)


def test_a_network_that_is_in_the_catalogue_is_not_its_own_parent(searched, folder):
    found = searched(converters.read(folder / "p1.safetensors").tensors)
    assert found.itself == ()  # another file
    again = catalogue.search(catalogue.open(folder.parent / "index"), folder / "p1.safetensors")
    assert again.itself == (folder.resolve() / "p1.safetensors",)
    assert "p1.safetensors" not in names(again)
    assert again.networks == found.networks - 1


def test_files_that_have_vanished_or_changed_since_are_said(searched, folder):
    child = tuned(random_network(100), seed=77)
    (folder / "p0.safetensors").unlink()
    os.utime(folder / "deep" / "er" / "c00.pt", (1, 1))
    stale = {hit.path.name: hit.stale for hit in searched(child).hits}
    assert stale["p0.safetensors"] == "it has vanished since"
    assert stale["c00.pt"] == "it has changed since"
    assert stale["c01.pt"] is None


def test_as_many_hits_come_as_were_asked_for_in_falling_order(searched):
    child = tuned(random_network(100), seed=77)
    every = searched(child, top=100).hits
    assert len(every) == 22
    assert [hit.cosine for hit in every] == sorted((hit.cosine for hit in every), reverse=True)
    assert searched(child, top=3).hits == every[:3]
    with pytest.raises(ValueError, match="expected at least 1 network to be asked for, got top 0"):
        searched(child, top=0)


def test_networks_of_vectors_alone_and_of_one_kernel_are_ranked_too(tmp_path):
    place = tmp_path / "networks"
    place.mkdir()
    rng = np.random.default_rng(0)
    for name in "ab":
        np.savez(place / f"vectors-{name}.npz", scale=rng.normal(size=64).astype(np.float32))
        np.savez(place / f"kernel-{name}.npz", **{"fc.weight": rng.normal(size=(64, 64)).astype(np.float32)})
    catalogue.index(place, tmp_path / "index")
    opened = catalogue.open(tmp_path / "index")
    for name in ("vectors-a", "kernel-b"):
        child = converters.read(place / f"{name}.npz").tensors
        found = catalogue.search(opened, converters.as_tree({key: 2 * array for key, array in child.items()}))
        assert names(found)[0] == f"{name}.npz"
        assert found.hits[0].cosine > 0.9999  # twice the numbers round alike


def test_checkpoints_of_ours_are_found_by_files_of_others(tmp_path):
    place = tmp_path / "networks"
    io.save(place / "ours", converters.as_tree(random_network(1)), description={"tree of": "ours"})
    converters.write(place / "other.pth", random_network(2))
    catalogue.index(place, tmp_path / "index")
    converters.write(tmp_path / "child.pth", tuned(random_network(1), 3))
    opened = catalogue.open(tmp_path / "index")
    assert names(catalogue.search(opened, tmp_path / "child.pth"))[0] == "ours"
    assert catalogue.search(opened, place / "ours").itself == (place / "ours",)


def test_searching_for_a_file_imports_no_jax(searched, tmp_path):
    searched(tuned(random_network(101), seed=7))
    command = [sys.executable, "-c", IN_A_PROCESS, str(tmp_path / "index"), str(tmp_path / "child.pth")]
    printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert printed.split() == ["p1.safetensors"]


def test_a_catalogue_without_networks_and_a_damaged_network_are_refused(tmp_path, searched):
    with pytest.raises(ValueError, match=r"child\.pth: expected finite weights, got NaN or infinity"):
        searched(random_network(1) | {"fc.weight": np.full((10, 32), np.nan, np.float32)})
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad" / "a.pth").write_text("no network")
    catalogue.index(tmp_path / "bad", tmp_path / "empty")
    with pytest.raises(ValueError, match=r"got an empty catalogue; 1 could not be read, a\.pth for one: expected a "):
        catalogue.search(catalogue.open(tmp_path / "empty"), random_network(1))
