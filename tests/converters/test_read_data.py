"""The published files: all of them load, and hold what torch finds in them."""

import hashlib
import pickle
import types

import pytest

import converters
from tests.converters.bits import assert_same_bits

pytestmark = pytest.mark.data

REFUSED = {  # they hold objects that weights_only does not take
    "checkpoint_trained_channel_regularized_resnet20.pth.tar": ("distiller.thinning.ThinningRecipe",),
    "checkpoint_trained_channel_regularized_resnet20_finetuned.pth.tar": ("distiller.thinning.ThinningRecipe",),
    "resnet20_cifar10_checkpoint.pth.tar": ("torch.optim.sgd.SGD",),
}


@pytest.fixture
def files(data_folder):
    found = sorted(path for path in (data_folder / "checkpoints").rglob("*.*") if path.is_file())
    assert len(found) == 29
    return found


class Stub:
    def __new__(cls, *arguments):
        return super().__new__(cls)


class Lenient(pickle.Unpickler):
    def find_class(self, module, name):
        return Stub if module.startswith("distiller") else super().find_class(module, name)


LENIENT = types.SimpleNamespace(
    __name__="lenient", Unpickler=Lenient, load=lambda file, **options: Lenient(file, **options).load()
)


def load(path):
    import torch

    if path.name in REFUSED:
        with pytest.raises(pickle.UnpicklingError, match="Weights only load failed"):
            torch.load(path, weights_only=True, map_location="cpu")
        return torch.load(path, weights_only=False, pickle_module=LENIENT, map_location="cpu")
    return torch.load(path, weights_only=True, map_location="cpu")


@pytest.mark.torch
def test_every_file_equals_what_torch_loads_bit_for_bit(files):
    for path in files:
        loaded, checkpoint = load(path), converters.read(path)
        expected = loaded.get("state_dict", loaded)
        assert [checkpoint.prefix + name for name in checkpoint.tensors] == list(expected)
        for name, array in checkpoint.tensors.items():
            assert_same_bits(array, expected[checkpoint.prefix + name])


def test_every_file_loads_without_torch_and_its_sum_is_that_of_the_list(files, data_folder):
    listed = dict(line.split()[::-1] for line in (data_folder / "SHA256SUMS").read_text().splitlines())
    sums = {path.removeprefix("./"): digest for path, digest in listed.items()}
    for path in files:
        checkpoint = converters.read(path)
        assert checkpoint.container == "legacy"
        assert len(checkpoint.tensors) in (8, 97, 107, 128, 157, 217, 244, 277)
        assert checkpoint.placeholders == REFUSED.get(path.name, ())
        assert checkpoint.sha256 == sums[path.relative_to(data_folder).as_posix()]


def test_the_words_beside_the_network_tell_what_the_file_was(data_folder):
    path = data_folder / "checkpoints/distiller_resnet/checkpoint_trained_dense.pth.tar"
    checkpoint = converters.read(path)
    assert (checkpoint.nesting, checkpoint.prefix) == ("state_dict", "module.")
    assert checkpoint.others["epoch"] == "179"
    assert checkpoint.others["arch"] == "resnet20_cifar"
    assert checkpoint.others["optimizer"] == "65 tensors"
    assert checkpoint.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
