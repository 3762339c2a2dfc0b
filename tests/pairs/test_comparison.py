"""The driver: what it asks a comparison to prepare and to compare, how often, and where the answers lie."""

import dataclasses

import jax.numpy as jnp
import numpy as np
import pytest

from lineage_jax import lineage, pairs

PARENTS = {name: {"w": jnp.array([float(place)])} for place, name in enumerate("abcde")}
CHILDREN = {name: {"w": jnp.array([10.0 * place])} for place, name in enumerate("vwxyz")}


@dataclasses.dataclass(frozen=True, kw_only=True)
class Sums(pairs.Comparison):
    """Adds the one weight of the parent and that of the child; writes down what it was asked for."""

    reading: pairs.Reading
    asked: list
    size: pairs.AtATime

    @property
    def at_a_time(self):
        return self.size

    @property
    def labels(self):
        return {"measure": ["sum", "product"]}

    @property
    def not_shared(self):
        return ("head",)

    def prepare(self, role, names):
        self.asked.append("".join(names))
        return np.array([self.reading.population(role)[name]["w"].item() for name in names])

    def compare(self, parents, children):
        return np.stack([parents[:, None] + children, parents[:, None] * children], axis=-1)


def compared(parents_at_a_time, children_at_a_time, progress=None):
    asked, size = [], pairs.AtATime(parents_at_a_time, children_at_a_time)
    found = pairs.compare_all(
        lambda reading: Sums(reading=reading, asked=asked, size=size), PARENTS, CHILDREN, held=(), progress=progress
    )
    return found, asked


@pytest.mark.parametrize("size", [(5, 5), (5, 2), (2, 5), (2, 3), (1, 1), (9, 9)])
def test_every_pair_is_compared_and_labelled_however_networks_are_blocked(size):
    found, _ = compared(*size)
    assert found.dims == ("parent", "child", "measure")
    assert found.attrs == {"not_shared": ["head"]}
    places = np.arange(5.0)
    np.testing.assert_array_equal(found.sel(measure="sum"), places[:, None] + 10 * places)
    assert found.sel(parent="c", child="z", measure="product").item() == 80


def test_networks_are_prepared_once_where_all_parents_are_held():
    assert compared(5, 2)[1] == ["abcde", "vw", "xy", "z"]
    assert compared(2, 5)[1] == ["vwxyz", "ab", "cd", "e"]
    assert compared(3, 3)[1] == ["vwx", "abc", "de", "yz", "abc", "de"]


def test_progress_counts_pairs_after_each_block_of_children():
    said = []
    compared(2, 2, progress=lambda done, total: said.append((done, total)))
    assert said == [(10, 25), (20, 25), (25, 25)]


def test_tiles_say_where_they_lie():
    reading = pairs.first_look(PARENTS, CHILDREN, held=())
    comparison = Sums(reading=reading, asked=[], size=pairs.AtATime(3, 4))
    found = [(tile.parents, tile.children) for tile in pairs.tiles(comparison, tuple("abcde"), tuple("vwxyz"))]
    sides = slice(0, 3), slice(3, 5)
    assert found == [(side, block) for block in (slice(0, 4), slice(4, 5)) for side in sides]


def test_a_network_of_another_kind_starts_the_comparison_again_with_all_kinds_known():
    made = []

    class Changing(Sums):
        def prepare(self, role, names):
            if len(made) == 1 and role == "child":
                raise pairs.UnknownKindError("child 'v'")
            return super().prepare(role, names)

    def make(reading):
        made.append(reading)
        return Changing(reading=reading, asked=[], size=pairs.AtATime(5, 5))

    found = pairs.compare_all(make, PARENTS, CHILDREN, held=())
    assert len(made) == 2
    assert found.sel(parent="b", child="w", measure="sum").item() == 11


def test_what_is_not_shared_is_said_of_weights_and_held_is_no_string():
    with_head = {name: {**tree, "head": jnp.ones(3)} for name, tree in PARENTS.items()}
    assert lineage.weight_scores(with_head, CHILDREN).attrs == {"not_shared": ["head"]}
    for compare in (lineage.weight_scores, lambda p, c, held: lineage.overlap(p, c["v"], held=held)):
        with pytest.raises(TypeError, match="expected held as a tuple of paths, got the string 'head'"):
            compare(with_head, CHILDREN, held="head")
    with pytest.raises(TypeError, match="expected held as a tuple of paths, got the string 'head'"):
        lineage.mixture(with_head, CHILDREN["v"], held="head")
