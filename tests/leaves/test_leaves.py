"""Leaves by name: other leaves in a tree, where trees differ, which arrays are weights and which of these kernels."""

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from lineage_jax import leaves

TREE = {"fc": {"kernel": np.ones((2, 3)), "bias": np.zeros(3)}, "scale": 2.0}


def test_a_leaf_has_one_name_in_a_box_or_out_of_it():
    boxed = {"fc": {"kernel": nn.Partitioned(np.ones((2, 3)), names=("in", "out")), "bias": nnx.Param(jnp.zeros(3))}}
    assert list(leaves.leaf_paths(boxed)) == ["fc/bias", "fc/kernel"]
    assert leaves.leaf_shapes(boxed) == {"fc/bias": (3,), "fc/kernel": (2, 3)}


def test_two_leaves_of_one_path_are_refused():
    twice = {"a": {"b": 1.0}, "a/b": 2.0}
    for read in (leaves.leaf_paths, leaves.leaf_shapes, lambda tree: leaves.weights_of(tree, ())):
        with pytest.raises(ValueError, match="expected one leaf a path, got two at 'a/b'"):
            read(twice)
    with pytest.raises(ValueError, match="expected one leaf a path, got two at 'a/b'"):
        leaves.replace_leaves(twice, {})


def test_shapes_of_leaves_need_no_arrays():
    shapes = jax.eval_shape(lambda: TREE)
    assert leaves.leaf_shapes(shapes) == leaves.leaf_shapes(TREE) == {"fc/bias": (3,), "fc/kernel": (2, 3), "scale": ()}


def test_replaced_leaves_keep_the_tree_and_what_is_missing_is_made_or_stays():
    new = np.full((2, 3), 7.0)
    kept = leaves.replace_leaves(TREE, {"fc/kernel": new, "elsewhere": 1})
    assert jax.tree.structure(kept) == jax.tree.structure(TREE)
    assert kept["fc"]["kernel"] is new
    assert kept["fc"]["bias"] is TREE["fc"]["bias"]
    filled = leaves.replace_leaves(TREE, {"fc/kernel": new}, missing=lambda leaf: np.full(np.shape(leaf), np.nan))
    assert filled["fc"]["kernel"] is new
    assert np.isnan(filled["fc"]["bias"]).all()
    assert np.isnan(filled["scale"])


def test_the_first_difference_names_a_tree_of_each_sort():
    trees = {"a": {"x": (1,), "y": (2,)}, "b": {"x": (1,), "y": (2,)}, "c": {"x": (1,), "y": (3,)}, "d": {"x": (1,)}}
    found = leaves.first_difference(trees)
    assert found.path == "y"
    assert found.found == {"a": (2,), "b": (2,), "c": (3,), "d": None}
    assert str(found) == "(2,) in a, (3,) in c, absent in d"


def test_what_only_a_later_tree_has_is_a_difference():
    found = leaves.first_difference({"a": {"x": (1,)}, "b": {"w": (4,), "x": (1,)}})
    assert (found.path, str(found)) == ("w", "absent in a, (4,) in b")
    assert leaves.first_difference({"a": {"x": (1,)}, "b": {"x": (1,)}}) is None
    assert leaves.first_difference({}) is None


def test_shapes_that_are_not_those_expected_are_refused():
    leaves.check_shapes({"x": (1,)}, {"x": (1,)}, variables="variables of FC")
    with pytest.raises(ValueError, match=r"expected variables of FC: nothing at 'y', got \(2,\)"):
        leaves.check_shapes({"x": (1,), "y": (2,)}, {"x": (1,)}, variables="variables of FC")
    with pytest.raises(ValueError, match=r"expected variables of FC: \(1,\) at 'x', got \(2,\)"):
        leaves.check_shapes({"x": (2,)}, {"x": (1,)}, variables="variables of FC")


def test_weights_are_views_without_what_was_never_learned():
    kernel = np.random.default_rng(0).normal(size=(4, 3)).astype(np.float32)
    network = {
        "params": {"fc": {"weight": kernel, "steps": np.arange(3)}, "grid": np.linspace(0, 1, 8).reshape(2, 4)},
        "opt_state": {"mu": kernel},
        "batch_stats": {"bn": {"mean": np.ones(3)}},
        "params_ema": {"num_batches_tracked": 5},
    }
    found = leaves.weights_of(network, held=("batch_stats",))
    assert list(found) == ["fc/kernel"]
    np.testing.assert_array_equal(found["fc/kernel"], kernel.T)
    assert np.shares_memory(found["fc/kernel"], kernel)
    assert leaves.kernels_among(found) == {"fc/kernel"}


@pytest.mark.parametrize("name", ["w", "conv", "weight"])
def test_a_convolution_with_its_units_first_is_laid_out_by_its_shape_whatever_its_name(name):
    units_first = np.random.default_rng(0).normal(size=(16, 3, 5, 5))
    (found,) = leaves.weights_of({"enc": {name: units_first}}, held=()).values()
    np.testing.assert_array_equal(found, units_first.transpose(2, 3, 1, 0))
    (again,) = leaves.weights_of({"enc": {name if name != "weight" else "kernel": found}}, held=()).values()
    np.testing.assert_array_equal(again, found)
