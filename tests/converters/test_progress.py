"""How far a training was, out of files of every kind; what was only planned, or lies in the network, is left alone."""

import numpy as np
import pytest

import converters

WEIGHTS = {"fc.weight": np.ones((3, 2), np.float32), "fc.bias": np.zeros(3, np.float32)}


def test_numbers_that_count_are_kept_with_their_place(tmp_path):
    state = {"step": np.array(4800), "mu": {"fc": np.ones(6)}}
    tree = {"params": {"fc": {"kernel": np.ones((2, 3))}}, "opt_state": [state], "epoch": 12, "args": {"epoch": 90}}
    found = converters.from_tree(tree, path=tmp_path, container="orbax", sha256="")
    assert found.progress == {"epoch": 12, "opt_state.[0].step": 4800}


@pytest.mark.parametrize("value", [-1, 0.5, np.nan, True, "12", np.ones(2)])
def test_what_is_no_whole_number_is_no_count(tmp_path, value):
    tree = {"params": {"fc": {"kernel": np.ones((2, 3))}}, "epoch": value}
    assert converters.from_tree(tree, path=tmp_path, container="orbax", sha256="").progress == {}


def test_flat_files_count_too(tmp_path):
    np.savez(tmp_path / "a.npz", **WEIGHTS, **{"optimizer/adam/iteration:0": np.array(7), "global_step": np.array([9])})
    assert converters.read(tmp_path / "a.npz").progress == {"optimizer/adam/iteration:0": 7, "global_step": 9}
