"""State_dicts of unknown networks as trees."""

import numpy as np
import pytest

import converters


def test_kernels_are_laid_out_as_in_flax_and_statistics_apart():
    rng = np.random.default_rng(0)
    arrays = {"conv.weight": (8, 3, 5, 4), "line.weight": (8, 3, 5), "fc.weight": (2, 8), "bn.weight": (8,)}
    arrays |= {"bn.bias": (8,), "bn.running_mean": (8,), "bn.running_var": (8,), "bn.num_batches_tracked": ()}
    tensors = {name: rng.normal(size=shape) for name, shape in arrays.items()}
    tree = converters.as_tree(tensors)
    params = tree["params"]
    assert params["conv"]["kernel"].shape == (5, 4, 3, 8)
    assert params["line"]["kernel"].shape == (5, 3, 8)
    assert params["conv"]["kernel"][2, 3, 1, 7] == tensors["conv.weight"][7, 1, 2, 3]
    np.testing.assert_array_equal(params["fc"]["kernel"], tensors["fc.weight"].T)
    assert list(params["bn"]) == ["scale", "bias", "num_batches_tracked"]
    assert {name: array.shape for name, array in tree["batch_stats"]["bn"].items()} == {"mean": (8,), "var": (8,)}


def test_nothing_is_copied():
    tensors = {"0.weight": np.ones((8, 3)), "scale": np.ones(2)}
    tree = converters.as_tree(tensors)
    assert np.shares_memory(tree["params"]["0"]["kernel"], tensors["0.weight"])


def test_names_that_fall_together_are_refused():
    with pytest.raises(converters.ConversionError, match=r"two for 'params/bn/scale', one is 'bn.weight'"):
        converters.as_tree({"bn.scale": np.ones(2), "bn.weight": np.ones(2)})
    with pytest.raises(converters.ConversionError, match="got 'params/head', which is both"):
        converters.as_tree({"head": np.ones(2), "head.bias": np.ones(2)})
