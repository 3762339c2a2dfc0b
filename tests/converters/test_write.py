"""What is written comes back bit for bit, here and in torch, and nothing is overwritten."""

import os

import ml_dtypes
import numpy as np
import pytest

import converters
from converters._tensors import DTYPES
from tests.converters.bits import assert_same_bits


def arrays(without=()):
    """Every number format in every bit pattern, and shapes and strides of all kinds."""
    noise = np.random.default_rng(0)
    formats = {}
    for name, dtype in DTYPES.items():
        data = noise.integers(0, 2 if name == "bool" else 256, 12 * dtype.itemsize, np.uint8)
        formats[f"z.{name}"] = data.view(dtype).reshape(3, 4)
    base = np.arange(24, dtype=np.float32).reshape(2, 3, 4)
    shapes = {"transposed": base.T, "strided": base[:, ::2], "empty": base[:0], "single": np.array(2.5), "a.ü": base}
    return {name: array for name, array in {**formats, **shapes}.items() if name not in without}


def assert_same(found, expected):
    assert found.keys() == expected.keys()
    for name, array in expected.items():
        assert found[name].dtype == array.dtype
        assert found[name].shape == array.shape
        assert found[name].tobytes() == array.tobytes()


@pytest.mark.parametrize("suffix", [".pth", ".pt"])
def test_arrays_come_back_in_their_order(tmp_path, suffix):
    converters.write(tmp_path / f"a{suffix}", arrays())
    found = converters.read(tmp_path / f"a{suffix}")
    assert_same(found.tensors, arrays())
    assert list(found.tensors) == list(arrays())
    assert (found.container, found.placeholders, found.others) == ("zip", (), {})


def test_arrays_come_back_from_safetensors(tmp_path):
    expected = arrays(without={"z.complex128"})
    converters.write(tmp_path / "a.safetensors", expected)
    assert_same(converters.read(tmp_path / "a.safetensors").tensors, expected)


def test_elements_lie_where_they_can_be_mapped(tmp_path):
    converters.write(tmp_path / "a.pth", arrays())
    for array in converters.read(tmp_path / "a.pth").tensors.values():
        assert array.size == 0 or array.ctypes.data % 64 == 0


def test_arrays_of_the_other_byte_order_are_written_in_this_one(tmp_path):
    for suffix in (".pth", ".safetensors"):
        converters.write(tmp_path / f"a{suffix}", {"a": np.array([1.5, 2.5], ">f4")})
        assert_same(converters.read(tmp_path / f"a{suffix}").tensors, {"a": np.array([1.5, 2.5], np.float32)})


@pytest.mark.torch
def test_torch_loads_what_is_written(tmp_path):
    import torch

    converters.write(tmp_path / "a.pth", arrays())
    for options in ({}, {"mmap": True}):
        found = torch.load(tmp_path / "a.pth", weights_only=True, **options)
        assert list(found) == list(arrays())
        for name, array in arrays().items():
            assert_same_bits(array, found[name])


@pytest.mark.torch
def test_safetensors_loads_what_is_written_into_torch(tmp_path):
    import safetensors.torch

    expected = arrays(without={"z.complex128"})
    converters.write(tmp_path / "a.safetensors", expected)
    found = safetensors.torch.load_file(tmp_path / "a.safetensors")
    for name, array in expected.items():
        assert_same_bits(array, found[name])


@pytest.mark.torch
def test_a_network_goes_out_and_back_into_torch(tmp_path):
    from tests.oracles.torch_networks import torchvision

    network = torchvision().models.resnet18(weights=None)
    tensors = {name: tensor.numpy() for name, tensor in network.state_dict().items()}
    converters.write(tmp_path / "a.pth", tensors)
    import torch

    network.load_state_dict(torch.load(tmp_path / "a.pth", weights_only=True))
    assert_same(converters.read(tmp_path / "a.pth").tensors, tensors)


@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
def test_an_existing_file_is_not_overwritten(tmp_path, suffix):
    path = tmp_path / f"a{suffix}"
    path.write_text("mine")
    with pytest.raises(FileExistsError, match="which exists: choose another"):
        converters.write(path, {"a": np.ones(2)})
    assert path.read_text() == "mine"
    assert os.listdir(tmp_path) == [path.name]


def test_a_write_that_fails_leaves_nothing(tmp_path):
    with pytest.raises(ValueError, match=r"expected arrays that safetensors can hold: .*; write .pth instead"):
        converters.write(tmp_path / "a.safetensors", {"a": np.ones(2, np.complex128)})
    with pytest.raises(ValueError, match=r"expected arrays of float64, .*, got <U1 under 'a': convert it"):
        converters.write(tmp_path / "a.pth", {"a": np.array(["x"])})
    with pytest.raises(ValueError, match="got int4 under 'a'"):
        converters.write(tmp_path / "a.pth", {"a": np.ones(2, ml_dtypes.int4)})
    with pytest.raises(TypeError, match=r"expected arrays by name, got list under 'a': use numpy.asarray"):
        converters.write(tmp_path / "a.pth", {"a": [1.0]})
    with pytest.raises(TypeError, match="expected arrays by name, got ndarray under 3"):
        converters.write(tmp_path / "a.pth", {3: np.ones(2)})
    with pytest.raises(
        ValueError, match=r"expected a path that ends in .pt, .pth, .safetensors, got .*a.npz: rename it"
    ):
        converters.write(tmp_path / "a.npz", {"a": np.ones(2)})
    assert os.listdir(tmp_path) == []
