"""Which network a state_dict belongs to, from its names and shapes."""

import itertools

import pytest

import converters
from converters import Entry, _index, _matching, _recognise, _wrapped
from converters._index import Indexed


def forget():
    for cached in (_matching.expected, _wrapped.head_of, _wrapped._first_kernel):
        cached.cache_clear()


@pytest.fixture
def zoo(monkeypatch):
    """Puts entries and the shapes of their networks in place of the zoo."""

    def put(*networks):
        entries = {entry.name: entry for entry, _ in networks}
        index = {entry.name: Indexed(names=names, input_shape=(8, 8, 3)) for entry, names in networks}
        for module in (_recognise, _matching, _wrapped):
            monkeypatch.setattr(module, "ENTRIES", entries)
        for module in (_recognise, _wrapped, _index):
            monkeypatch.setattr(module, "index", lambda: index)
        forget()

    yield put
    forget()


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
    zoo((net()[0], {**NET, "bn.weight": (4,)}))
    (fewer,) = converters.recognise(NET).nearest
    assert fewer.differences == ("'bn.weight': nothing, expected (4,)",)
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


HEADS = {
    "none": {},
    "without a bias": {"fc.weight": (10, 4)},
    "of two layers": {"fc.0.weight": (9, 4), "fc.0.bias": (9,), "fc.2.weight": (10, 9), "fc.2.bias": (10,)},
    "of another name": {"classifier.weight": (10, 4), "classifier.bias": (10,)},
    "behind a norm": {"head.norm.weight": (4,), "head.norm.bias": (4,), "head.fc.weight": (10, 4)},
}
BODY = {name: shape for name, shape in NET.items() if not name.startswith("fc")}


@pytest.mark.parametrize("prefix", ["", "model.", "net._orig_mod.", "module.encoder_q."])
@pytest.mark.parametrize("head", HEADS)
def test_a_network_in_a_wrapper_and_with_another_head_is_recognised_and_what_is_beside_it_said(zoo, prefix, head):
    zoo(net(), net("far/net"))
    beside = {"criterion.weight": (7,), "total_ops": (1,), "grid": (4, 4, 4)}
    shapes = {prefix + name: shape for name, shape in (BODY | HEADS[head]).items()} | beside
    for match in converters.recognise(shapes, buffers=beside).fits:
        assert (match.prefix, match.headless) == (prefix, True)
        assert match.settings == {"num_classes": 0, "width": 4}
        assert set(match.ignored) == {*beside, *(prefix + name for name in HEADS[head])}
    whole = {prefix + name: shape for name, shape in NET.items()} | beside
    (match, _) = converters.recognise(whole, buffers=beside).fits
    assert (match.prefix, match.headless, set(match.ignored)) == (prefix, False, set(beside))
    assert match.settings == {"num_classes": 7, "width": 4}


@pytest.mark.parametrize(
    "more",
    [
        {"head.weight": (6, 4, 3, 3)},
        {"model.neck.weight": (6, 4, 1, 1)},
        {"model.conv.gate.weight": (4, 4)},
    ],
)
def test_another_function_around_a_network_is_another_network(zoo, more):
    zoo(net())
    shapes = {f"model.{name}": shape for name, shape in BODY.items()}
    assert converters.recognise(shapes).fits
    assert converters.recognise(shapes | more).fits == ()
