"""What a detector learns from: views, examples, batches and splits."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lineage_jax import linearize, population
from lineage_jax.detector import batches, examples_of, folds, split, views_of
from lineage_jax.typing import Networks
from tests.detector.conftest import look_at

FC = {"params": {"fc1": {"kernel": jnp.arange(6.0).reshape(2, 3)}, "fc2": {"kernel": jnp.ones((3, 2))}}}


def family_of_kernels(labels, *, parents=3):
    """Returns examples of tiny kernels whose single number says which network it is."""
    kernel = lambda number: {"params": {"a": {"kernel": jnp.full((1, 1), float(number))}}}
    names = [f"parent-{index}" for index in range(parents)]
    children = {f"child-{index:03}": kernel(100 + index) for index in range(len(labels))}
    truth = {child: names[label] for child, label in zip(children, labels, strict=True)}
    roots = Networks.stack({name: kernel(index) for index, name in enumerate(names)})
    return examples_of(roots, Networks.stack(children), truth, weights=("a",))


def test_a_convolution_is_seen_as_an_image_of_its_output_channels():
    kernel = jnp.arange(2 * 3 * 4 * 5.0).reshape(2, 3, 4, 5)
    networks = Networks.stack({"a": {"params": {"stage": {"conv": {"kernel": kernel}}}}})
    image = views_of(networks, weights=("stage/conv",)).weights["stage/conv"]
    assert image.shape == (1, 24, 5)
    np.testing.assert_array_equal(image[0, 4 * (3 * 1 + 2) + 3], kernel[1, 2, 3])


def test_a_layer_without_a_kernel_is_refused_with_those_that_have_one():
    with pytest.raises(ValueError, match="with a kernel among fc1, fc2, got 'fc3'"):
        views_of(Networks.stack({"a": FC}), weights=("fc3",))


def test_what_is_not_finite_is_refused_by_its_layer():
    broken = {"params": {"fc1": {"kernel": jnp.full((2, 3), jnp.nan)}}}
    with pytest.raises(ValueError, match="finite weights of layer 'fc1'"):
        views_of(Networks.stack({"a": broken}), weights=("fc1",))


def test_misuse_of_views_is_refused():
    networks = Networks.stack({"a": FC})
    with pytest.raises(TypeError, match=r"write \('fc1',\)"):
        views_of(networks, weights="fc1")
    with pytest.raises(TypeError, match="expected probes"):
        views_of(networks, features=lambda variables, x: {"out": x})
    with pytest.raises(TypeError, match=r"\{layer: \[n, \.\.\.\]\}, got"):
        views_of(networks, jnp.ones((2, 2)), features=lambda variables, x: x @ variables["params"]["fc1"]["kernel"])


def test_every_network_is_seen_once_and_by_its_own_features(family, examples, probes):
    assert examples.children.weights["fc2"].shape == (64, 16, 12)
    assert examples.parents.features["relu2"].shape == (4, 16, 12)
    features = linearize.features_of(family.network, ("relu2",))
    own = features(family.children[examples.child_names[5]], probes)["relu2"]
    # float32 sums of 64 products of order one, compiled in another order
    np.testing.assert_allclose(examples.children.features["relu2"][5], own, atol=1e-5)
    truth = [examples.parent_names[label] for label in examples.labels]
    assert truth == list(family.truth.values())


def test_a_feature_that_depends_on_the_head_is_refused(family, probes):
    features = linearize.features_of(family.network, (family.network.head,))
    with pytest.raises(ValueError, match="finite features of layer 'fc3'"):
        examples_of(family.parents, family.children, family.truth, probes, features=features)


def test_a_child_without_truth_is_refused(family):
    with pytest.raises(ValueError, match="no true parent is known for child 'child-00'"):
        examples_of(family.parents, family.children, {}, weights=("fc2",))


def test_a_parent_that_is_no_candidate_is_labelled_so(family):
    three = family.parents.select(family.parents.names[:3])
    examples = examples_of(three, family.children, family.truth, weights=("fc2",))
    assert examples.labels.tolist() == [0] * 16 + [1] * 16 + [2] * 16 + [3] * 16


def test_a_family_from_disk_is_seen_as_it_was(tmp_path, family, examples, probes):
    population.save_family(tmp_path / "family", family)
    loaded = look_at(population.load_family(tmp_path / "family"), probes)
    assert loaded.child_names == examples.child_names
    jax.tree.map(np.testing.assert_array_equal, loaded.children, examples.children)
    jax.tree.map(np.testing.assert_array_equal, loaded.parents, examples.parents)


def test_an_epoch_shows_every_child_once_beside_its_own_family():
    families = [family_of_kernels([0, 1, 2] * 3), family_of_kernels([1, 0] * 2, parents=2)]
    seen = {0: [], 1: []}
    for index, batch in batches(families, batch_size=4, seed=0, epoch=0):
        assert batch.labels.shape == (4,)
        counted = batch.counts == 1
        assert batch.parent_mask.shape == (4, len(families[index].parent_names))
        np.testing.assert_array_equal(batch.labels, families[index].labels[batch.places])
        np.testing.assert_array_equal(batch.children.weights["a"][:, 0, 0], 100 + batch.places)
        seen[index] += batch.places[counted].tolist()
    assert sorted(seen[0]) == list(range(9))
    assert sorted(seen[1]) == list(range(4))


def test_seed_and_epoch_decide_the_order():
    family = family_of_kernels([0, 1, 2] * 10)
    order = lambda seed, epoch: [
        place for _, batch in batches([family], batch_size=5, seed=seed, epoch=epoch) for place in batch.places.tolist()
    ]
    assert order(0, 0) == order(0, 0)
    assert len({tuple(order(*at)) for at in ((0, 0), (0, 1), (1, 0), (1, 1))}) == 4


def test_an_orphan_loses_its_parent_and_says_so():
    family = family_of_kernels([0, 1, 2] * 20)
    struck = 0
    for _, batch in batches([family], batch_size=60, seed=0, epoch=0, orphans=0.5):
        orphans = batch.labels == 3
        struck += orphans.sum()
        np.testing.assert_array_equal(batch.parent_mask.sum(axis=1), np.where(orphans, 2, 3))
        assert not batch.parent_mask[orphans, family.labels[batch.places][orphans]].any()
    assert 15 < struck < 45  # of 60 with probability one half


def test_five_hundred_children_are_split_as_published():
    family = family_of_kernels(np.repeat(np.arange(10), 50).tolist(), parents=10)
    parts = split([family], seed=0)
    for part, size, each in ((parts.train, 350, 35), (parts.validation, 50, 5), (parts.test, 100, 10)):
        assert len(part[0]) == size
        counts = np.bincount(part[0].labels, minlength=10)
        assert abs(counts - each).max() <= 1
    names = [name for part in (parts.train, parts.validation, parts.test) for name in part[0].child_names]
    assert sorted(names) == list(family.child_names)


def test_the_seed_decides_the_split():
    family = family_of_kernels([0, 1, 2] * 10)
    names = lambda seed: split([family], seed=seed).test[0].child_names
    assert names(0) == names(0)
    assert names(0) != names(1)


def test_every_child_is_tested_in_one_of_five_folds_and_never_learned_from_there():
    families = [family_of_kernels([0, 1, 2] * 20), family_of_kernels([0, 1] * 10, parents=2)]
    every = list(folds(families, seed=0))
    for index, family in enumerate(families):
        tested = [name for parts in every for name in parts.test[index].child_names]
        assert sorted(tested) == list(family.child_names)
        for parts in every:
            names = [set(part[index].child_names) for part in (parts.train, parts.validation, parts.test)]
            assert sum(map(len, names)) == len(set.union(*names)) == len(family)


def test_an_empty_part_is_refused():
    with pytest.raises(ValueError, match="got none for validation of 4"):
        split([family_of_kernels([0, 1, 2, 0])], seed=0)


def test_a_parent_without_a_child_is_refused_by_name():
    with pytest.raises(ValueError, match="got none of 'parent-1'"):
        split([family_of_kernels([0, 2] * 10)], seed=0)


@pytest.mark.parametrize("shares", [(0.5, 0.5, 0.5), (1.0, 0.0, 0.0)])
def test_shares_that_are_no_split_are_refused(shares):
    with pytest.raises(ValueError, match="add up to 1"):
        split([family_of_kernels([0, 1, 2])], seed=0, shares=shares)


def test_no_family_and_one_fold_are_refused():
    with pytest.raises(ValueError, match="at least one family"):
        split([], seed=0)
    with pytest.raises(ValueError, match="at least 2 folds"):
        next(folds([family_of_kernels([0, 1, 2])], 1, seed=0))
