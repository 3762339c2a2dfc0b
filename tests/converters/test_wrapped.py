"""Every network of the zoo is recognised with other classes, in wrappers, and up to its head."""

import pytest

import converters
from converters._wrapped import head_of

HEADED = [name for name in converters.ENTRIES if head_of(name)]


def with_classes(name, classes):
    """The shapes of an entry's network with another number of classes, where one dense layer tells it."""
    head = head_of(name)
    shapes = dict(converters.names_of(name))
    return {n: (classes, *shape[1:]) if n.startswith(head) else shape for n, shape in shapes.items()}


def without_head(name):
    return {n: shape for n, shape in converters.names_of(name).items() if not n.startswith(head_of(name))}


def assert_found(name, shapes, **expected):
    found = converters.recognise(shapes)
    assert name in [match.entry.name for match in found.fits]
    match = next(match for match in found.fits if match.entry.name == name)
    assert {key: getattr(match, key) for key in expected} == expected
    return match


def test_heads_are_those_of_classifiers():
    without = {name for name in converters.ENTRIES if not head_of(name)}
    networks = ("fc", "unet", "fcn", "deeplabv3", "retinanet", "fcos", "ssdlite320", "lraspp")
    assert {name.partition("/")[2].partition("_")[0] for name in without} <= set(networks)
    assert len(HEADED) > 40


@pytest.mark.parametrize("name", converters.ENTRIES)
def test_every_network_is_recognised_in_a_wrapper(name):
    wrapper = "model._orig_mod."
    match = assert_found(name, {wrapper + n: shape for n, shape in converters.names_of(name).items()}, prefix=wrapper)
    assert not match.headless
    assert match.ignored == ()


@pytest.mark.parametrize("name", HEADED[::6])
def test_classifiers_are_recognised_with_other_classes_and_up_to_their_head(name):
    assert assert_found(name, with_classes(name, 23), prefix="").settings["num_classes"] == 23
    own = {"classifier_of_mine.0.weight": (9, 8), "classifier_of_mine.0.bias": (9,)}
    match = assert_found(name, without_head(name) | own, headless=True, ignored=tuple(own))
    assert match.settings["num_classes"] == 0
    wrapped = {f"net.{n}": shape for n, shape in (without_head(name) | own).items()}
    assert_found(name, wrapped, headless=True, prefix="net.")


@pytest.mark.parametrize("width", [8, 24])
def test_narrow_and_wide_residual_networks_are_recognised(width):
    grown = lambda shape: tuple(n if n in (3, 10) and len(shape) < 5 else n * width // 16 for n in shape)
    shapes = {}
    for name, shape in converters.names_of("akamaster/resnet20").items():
        kernel = shape[2:] if len(shape) == 4 else ()
        head = tuple(shape[:2]) if len(shape) == 4 else shape
        shapes[name] = (*grown(head), *kernel)
    shapes |= {"linear.weight": (7, 4 * width), "linear.bias": (7,)}
    assert assert_found("akamaster/resnet20", shapes).settings == {"num_classes": 7, "width": width}
