"""The parent comes before relatives that are nearer to the child, as soon as there are others to tell by."""

import numpy as np

from lineage_jax import catalogue
from lineage_jax.catalogue._parents import _ways

SIZE = 4000


def steps(count, seed=0):
    """Steps of length 1, nearly orthogonal."""
    return np.random.default_rng(seed).normal(size=(count, SIZE)) / np.sqrt(SIZE)


def test_without_others_the_nearest_is_first():
    child = np.zeros(SIZE)
    assert np.argsort(_ways(child, steps(3) * np.array([[2.0], [1.0], [3.0]]))).tolist() == [1, 0, 2]


def test_a_sibling_that_is_nearer_than_the_parent_comes_after_it():
    shared, own, of_sibling, *others = steps(12)
    parent = np.zeros(SIZE)
    child, sibling = shared + own, shared + 0.8 * of_sibling
    assert np.sum((child - sibling) ** 2) < np.sum((child - parent) ** 2)
    cost = _ways(child, np.stack([sibling, parent, *others]))
    assert cost.argmin() == 1


def test_a_child_of_the_child_comes_after_the_parent_though_it_is_nearer():
    way, of_grandchild, *others = steps(8)
    parent, child = np.zeros(SIZE), way
    cost = _ways(child, np.stack([child + 0.6 * of_grandchild, parent, *others]))
    assert cost.argmin() == 1


def test_the_grandparent_comes_after_the_parent_however_many_children_it_has():
    of_parent, way, *others = steps(22)
    grandparent, parent = np.zeros(SIZE), of_parent
    child = parent + way
    cost = _ways(child, np.stack([grandparent, parent, *others]))
    assert np.argsort(cost)[:2].tolist() == [1, 0]


def test_a_checkpoint_on_the_way_to_the_child_comes_before_the_parent():
    way, *others = steps(6)
    cost = _ways(way, np.stack([0.6 * way, np.zeros(SIZE), *others]))
    assert cost.argmin() == 0


def test_the_parent_is_first_in_a_catalogue_with_nearer_siblings(tmp_path):
    """Kernels of two sizes, and relatives that lack one of them: ranked by what all of them share."""
    rng = np.random.default_rng(0)
    kernel = lambda *shape: rng.normal(size=shape).astype(np.float32)
    start, way = kernel(128, 96), kernel(128, 96)
    place = tmp_path / "networks"
    place.mkdir()
    networks = {
        "parent": {"a.weight": start},
        "sibling": {"a.weight": start + 0.5 * way + 0.4 * kernel(128, 96), "head.weight": kernel(10, 128)},
        **{f"other-{number}": {"a.weight": start + 0.4 * kernel(128, 96)} for number in range(6)},
        "stranger": {"a.weight": kernel(128, 96), "head.weight": kernel(10, 128)},
    }
    for name, weights in networks.items():
        np.savez(place / f"{name}.npz", **weights)
    catalogue.index(place, tmp_path / "index")
    child = {"a": {"weight": start + 0.5 * way + 0.5 * kernel(128, 96)}, "head": {"weight": kernel(10, 128)}}
    found = catalogue.search(catalogue.open(tmp_path / "index"), child)
    names = [hit.path.stem for hit in found.hits]
    assert found.hits[1].cosine > found.hits[0].cosine
    assert (names[0], names[-1]) == ("parent", "stranger")
