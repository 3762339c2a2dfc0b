"""Networks by name."""

import jax
import pytest

from lineage_jax import models


@pytest.mark.parametrize("name", models.ARCHITECTURES)
def test_every_architecture_builds_with_its_number_of_classes(name):
    assert models.build(name, num_classes=7) == models.ARCHITECTURES[name](num_classes=7)


def test_settings_read_from_json_give_the_same_network():
    assert models.build("fc", num_classes=10, widths=[32, 16]) == models.fc(widths=(32, 16))


def test_an_unknown_architecture_is_refused_with_those_that_exist():
    with pytest.raises(ValueError, match=r"expected an architecture among fc, convnet, .*resnet18, .*, got 'vgg'"):
        models.build("vgg")


def test_an_unknown_setting_is_refused_with_those_that_exist():
    with pytest.raises(ValueError, match=r"expected settings of convnet among num_classes, widths, got depth"):
        models.build("convnet", depth=3)


def test_variables_are_a_plain_dictionary(key):
    variables = models.init(models.fc(widths=(4,)), key, (2, 2, 1))
    assert type(variables) is dict
    assert variables.keys() == {"params"}
    assert variables["params"].keys() == {"fc1", "fc2"}


def test_the_same_key_gives_the_same_variables(key):
    network = models.convnet(widths=(2,))
    first, second = (models.init(network, key, (4, 4, 1)) for _ in range(2))
    assert jax.tree.all(jax.tree.map(lambda a, b: bool((a == b).all()), first, second))


@pytest.mark.parametrize("input_shape", [(28, 28), (1, 28, 28, 1), (28, 28, 0)])
def test_an_input_shape_that_is_no_image_is_refused(input_shape, key):
    with pytest.raises(ValueError, match=r"expected input_shape as three positive sizes \(h, w, c\), got"):
        models.init(models.fc(), key, input_shape)
