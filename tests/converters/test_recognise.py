"""Which network a state_dict belongs to, from its names and shapes."""

import itertools

import pytest

import converters
from converters import Entry, _index, _recognise
from converters._index import Indexed


@pytest.fixture
def zoo(monkeypatch):
    """Puts entries and the shapes of their networks in place of the zoo."""

    def put(*networks):
        entries = {entry.name: entry for entry, _ in networks}
        index = {entry.name: Indexed(names=names, input_shape=(8, 8, 3)) for entry, names in networks}
        monkeypatch.setattr(_recognise, "ENTRIES", entries)
        for module in (_recognise, _index):
            monkeypatch.setattr(module, "index", lambda: index)
        _recognise._expected.cache_clear()

    yield put
    _recognise._expected.cache_clear()


NET = {"conv.weight": (4, 3, 3, 3), "conv.num_batches_tracked": (), "fc.weight": (7, 4), "fc.bias": (7,)}


def net(name="a/net", **settings):
    entry = Entry(
        name=name,
        architecture="net",
        settings=settings,
        sizes=lambda shapes: {"num_classes": shapes["fc.weight"][0], "width": shapes["conv.weight"][0]},
    )
    return entry, NET


def test_class_count_and_width_are_read_off_and_order_and_counters_do_not_matter(zoo):
    zoo(net())
    found = converters.recognise({"fc.bias": (100,), "fc.weight": (100, 16), "conv.weight": (16, 3, 3, 3)})
    (match,) = found.fits
    assert match.settings == {"num_classes": 100, "width": 16}
    assert found.nearest == found.others == ()


def test_a_name_more_or_less_is_no_fit_and_is_named(zoo):
    zoo(net())
    (more,) = converters.recognise({**NET, "extra": ()}).nearest
    assert more.differences == ("'extra': (), expected nothing",)
    assert more.share == 0.75
    (fewer,) = converters.recognise({name: shape for name, shape in NET.items() if name != "fc.bias"}).nearest
    assert fewer.differences == ("'fc.bias': nothing, expected (7,)",)
    assert converters.recognise({"other": (3,)}) == converters.Recognition(fits=(), nearest=())


def test_a_shape_that_no_size_explains_is_no_fit(zoo):
    zoo(net())
    wrong = {**NET, "fc.weight": (10, 4), "fc.bias": (11,)}
    (match,) = converters.recognise(wrong).nearest
    assert match.differences == ("'fc.bias': (11,), expected (7,)",)
    assert converters.recognise({**wrong, "fc.bias": (10,)}).fits


def test_sources_that_the_weights_do_not_tell_apart_are_all_reported(zoo):
    zoo(net("a/net", epsilon=1e-5), net("b/net", epsilon=1e-3), net("c/net", epsilon=1e-5))
    found = converters.recognise(NET)
    assert [match.entry.name for match in found.fits] == ["a/net", "b/net", "c/net"]
    assert [match.entry.name for match in found.others] == ["b/net"]


def test_names_of_old_agree_with_those_of_today(zoo):
    entry = Entry(name="a/net", architecture="net", renames=((r"^(old|new)\.", "conv."),))
    zoo((entry, {"new.weight": (4, 3, 3, 3)}))
    assert converters.recognise({"old.weight": (4, 3, 3, 3)}).fits


def test_the_nearest_come_best_first(zoo):
    far = Entry(name="far/net", architecture="far")
    zoo((far, {"conv.weight": (4, 3, 3, 3)}), net())
    names = [match.entry.name for match in converters.recognise({**NET, "fc.bias": (8,)}).nearest]
    assert names == ["a/net", "far/net"]


def test_an_entry_that_is_not_indexed_is_refused():
    with pytest.raises(ValueError, match="expected an entry of the index, got 'no/net': run python -m"):
        converters.names_of("no/net")


def test_fully_connected_networks_of_any_depth_and_image_are_told_apart():
    def names(*widths, prefix="fc", step=1, first=1):
        layers = itertools.pairwise(widths)
        return {
            f"{prefix}{first + step * index}.{leaf}": shape
            for index, (before, width) in enumerate(layers)
            for leaf, shape in (("weight", (width, before)), ("bias", (width,)))
        }

    found = lambda shapes: [match.entry.name for match in converters.recognise(shapes).fits[:1]]
    assert found(names(784, 1024, 256, 128, 10)) == ["named/fc"]
    assert found(names(3072, 64, 10)) == ["named/fc_cifar"]
    assert found(names(64, 32, 16, 8, 4, 2, prefix="", step=2, first=0)) == ["sequential/fc"]
    assert found(names(3072, 32, 10, prefix="", step=2, first=1)) == ["sequential/fc_cifar"]
    assert found(names(1000, 32, 10)) == []
    (match, *_) = converters.recognise(names(64, 32, 16, 8, 5)).fits
    assert match.settings == {"num_classes": 5, "widths": (32, 16, 8)}
    assert match.input_shape == (8, 8, 1)
