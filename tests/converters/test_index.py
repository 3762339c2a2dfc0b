"""The index of names and shapes: in step with PyTorch, and every entry in it converts, whatever is installed."""

import jax
import numpy as np
import pytest

import converters
from converters._index import INDEX, encoded
from lineage_jax import models


@pytest.mark.torch
def test_the_index_is_what_pytorch_builds():
    from tests.converters import make_index

    assert INDEX.read_bytes() == make_index.made(), "run python -m tests.converters.make_index"


def test_equal_networks_give_equal_bytes():
    assert encoded(converters.index()) == encoded(dict(reversed(converters.index().items()))) == INDEX.read_bytes()


def test_every_entry_is_in_the_index():
    assert converters.index().keys() == converters.ENTRIES.keys()


@pytest.mark.parametrize("name", converters.index())
def test_every_entry_fits_its_own_shapes_first_of_those_that_compute_the_same(name):
    found = converters.recognise(converters.names_of(name))
    assert name in [match.entry.name for match in found.fits]


@pytest.mark.parametrize("name", converters.index())
def test_zeros_of_every_entry_convert_onto_its_network_and_back(name):
    entry, indexed = converters.ENTRIES[name], converters.index()[name]
    zeros = {name: np.broadcast_to(np.float32(0), shape) for name, shape in indexed.names.items()}
    network = models.build(entry.architecture, **entry.settings_of(indexed.names))
    target = models.shapes_of(network, indexed.input_shape)
    converted = converters.to_flax(zeros, target, entry)
    leaves = jax.tree.leaves_with_path(converted.variables)
    assert {jax.tree_util.keystr(p, simple=True, separator="/"): leaf.shape for p, leaf in leaves} == target
    returned = converters.to_torch(converted.variables, indexed.names, entry, ignored=converted.ignored)
    assert {name: array.shape for name, array in returned.items()} == indexed.names


SAMPLE = (
    *("torchvision/resnet18", "torchvision/vgg11_bn", "timm/vit_tiny_patch16_224", "timm/efficientnet_b0", "named/fc"),
    *("torchvision/lraspp_mobilenet_v3_large", "torchvision/ssdlite320_mobilenet_v3_large", "milesial/unet"),
)


@pytest.mark.parametrize("name", SAMPLE)
@pytest.mark.parametrize("num_classes", [1, 14])  # 14 is twice what the index's networks have, as wide ones are
def test_networks_of_another_class_count_are_recognised(name, num_classes):
    entry, indexed = converters.ENTRIES[name], converters.index()[name]
    settings = entry.settings_of(indexed.names) | {"num_classes": num_classes}
    target = models.shapes_of(models.build(entry.architecture, **settings), indexed.input_shape)
    zeros = {path: np.broadcast_to(np.float32(0), shape) for path, shape in target.items()}
    tensors = converters.to_torch(zeros, indexed.names, entry)
    match = converters.recognise({name: array.shape for name, array in tensors.items()}).fits[0]
    assert (match.entry.name, match.settings) == (name, settings)


def test_sources_of_equal_shapes_but_other_numbers_are_both_named():
    for name, other in (
        ("timm/efficientnet_b0", "timm/tf_efficientnet_b0"),
        ("torchvision/retinanet_resnet50_fpn_coco", "torchvision/retinanet_resnet50_fpn"),
    ):
        for shapes in (converters.names_of(name), converters.names_of(other)):
            found = converters.recognise(shapes)
            assert [match.entry.name for match in found.fits] == [name, other]
            assert [match.entry.name for match in found.others] == [other]
