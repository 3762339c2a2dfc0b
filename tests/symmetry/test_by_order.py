"""Without a program layers are a chain by sizes and order, and the answer says that it was guessed."""

import numpy as np
import pytest

from lineage_jax import symmetry

FILE = {
    "conv1/kernel": (3, 3, 3, 16),
    "conv1/bias": (16,),
    "depthwise/kernel": (3, 3, 1, 16),
    "conv2/kernel": (1, 1, 16, 24),
    "norm/scale": (24,),
    "fc1/kernel": (4 * 24, 20),
    "fc1/bias": (20,),
    "fc2/kernel": (20, 5),
    "fc2/bias": (5,),
}


def leaves(seed):
    rng = np.random.default_rng(seed)
    return {path: rng.normal(size=shape).astype(np.float32) for path, shape in FILE.items()}


def test_layers_are_chained_by_sizes_and_order():
    groups = symmetry.groups_by_order(leaves(0))
    assert groups.by_order
    assert [family.axes for family in groups.families] == [
        ("conv1/kernel[3]", "conv1/bias[0]", "depthwise/kernel[3]", "conv2/kernel[2]"),
        ("conv2/kernel[3]", "norm/scale[0]", "fc1/kernel[0]"),
        ("fc1/kernel[1]", "fc1/bias[0]", "fc2/kernel[0]"),
    ]
    assert groups.families[1].slots.shape == (24, 1 + 1 + 4)  # flattened from four places
    assert groups.sizes.count == groups.signs.count == 0


def test_two_files_are_matched_by_it():
    file, groups = leaves(0), symmetry.groups_by_order(leaves(0))
    rng = np.random.default_rng(1)
    element = symmetry.from_permutations(groups, {n: rng.permutation(f.size) for n, f in enumerate(groups.families)})
    found = symmetry.match(file, symmetry.apply(file, groups, element), groups)
    np.testing.assert_array_equal(symmetry.compose(element, found).order, np.arange(groups.slots))


def test_less_than_a_chain_is_refused():
    with pytest.raises(ValueError, match="expected at least two kernels to make a chain of, got 1 among 2 leaves"):
        symmetry.groups_by_order({"a": np.ones((3, 4)), "b": np.ones(4)})
