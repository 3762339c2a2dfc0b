"""Units of one size: whatever somebody rescaled, the same network comes out."""

import jax
import numpy as np
import pytest

from lineage_jax import models, symmetry
from lineage_jax.leaves import leaf_paths

SHAPE = (1, 8, 8, 1)


@pytest.fixture(scope="module", params=["fc", "convnet"])
def network_and_groups(request):
    network = models.build(request.param, num_classes=3, widths=(16, 12))
    variables = models.init(network, jax.random.key(0), SHAPE[1:])
    return network, variables, symmetry.groups(network.apply, variables, jax.ShapeDtypeStruct(SHAPE, np.float32))


def equalised(variables, groups):
    return symmetry.apply_on_host(variables, groups, symmetry.equalise(variables, groups))


def test_networks_that_differ_by_factors_alone_become_one(network_and_groups):
    _, variables, groups = network_and_groups
    sizes = np.exp(np.random.default_rng(0).normal(size=groups.sizes.count))
    rescaled = symmetry.rescale(variables, groups, sizes=sizes)
    once, again = (leaf_paths(equalised(each, groups)) for each in (variables, rescaled))
    for path, leaf in once.items():
        np.testing.assert_allclose(again[path], leaf, rtol=1e-3, atol=1e-6)  # factors are found to a part in 10,000


def test_units_are_of_one_size_and_outputs_stay(network_and_groups):
    network, variables, groups = network_and_groups
    images = jax.random.normal(jax.random.key(1), (4, *SHAPE[1:]))
    found = equalised(symmetry.apply(variables, groups, symmetry.random(jax.random.key(2), groups)), groups)
    np.testing.assert_allclose(network.apply(found, images), network.apply(variables, images), rtol=1e-4, atol=1e-5)


def test_nothing_is_permuted_or_flipped(network_and_groups):
    _, variables, groups = network_and_groups
    element = symmetry.equalise(variables, groups)
    assert np.array_equal(element.order, np.arange(groups.slots))
    assert (element.factor > 0).all()


def test_weights_that_are_not_finite_are_refused(network_and_groups):
    _, variables, groups = network_and_groups
    broken = jax.tree.map(lambda leaf: leaf * np.nan, variables)
    with pytest.raises(ValueError, match=r"expected finite weights in network to equalise, got NaN or infinity at"):
        symmetry.equalise(broken, groups)
