"""Networks out of files of every container, made by hand: no torch is needed to see what is read."""

import gzip
import pickle
import zipfile

import ml_dtypes
import numpy as np
import pytest
import safetensors.numpy

import converters
from tests.converters.handmade import (
    ORDERED,
    Call,
    Name,
    Raw,
    Reference,
    Storages,
    legacy_file,
    ordered,
    tar_file,
    zip_file,
)

WEIGHT = np.arange(6, dtype=np.float32).reshape(2, 3)
BIAS = np.array([0.5, -0.0], np.float32)
NETWORK = {"fc.weight": WEIGHT, "fc.bias": BIAS}


@pytest.fixture
def read(tmp_path):
    """Reads a file of these bytes."""

    def read_bytes(content, **options):
        (tmp_path / "a.pth").write_bytes(content)
        return converters.read(tmp_path / "a.pth", **options)

    return read_bytes


def refused(read, content, match, **options):
    with pytest.raises(converters.UnreadableFile, match=match) as caught:
        read(content, **options)
    assert "\n" not in str(caught.value)
    assert "a.pth: expected " in str(caught.value)


def state_dict(storages, network=NETWORK):
    return ordered({name: storages.tensor(array) for name, array in network.items()})


def zipped(make, **options):
    """A zip file of what `make` returns, which describes its tensors with the storages that it is given."""
    storages = Storages()
    value = make(storages)
    return zip_file(value, storages, **options)


def legacy(make, **options):
    storages = Storages(None)
    value = make(storages)
    return legacy_file(value, storages, **options)


def assert_network(checkpoint, network=NETWORK):
    assert list(checkpoint.tensors) == list(network)
    for name, array in network.items():
        assert checkpoint.tensors[name].dtype == array.dtype
        assert checkpoint.tensors[name].shape == array.shape
        assert checkpoint.tensors[name].tobytes() == array.tobytes()


@pytest.mark.parametrize("pack", [zipped, legacy])
def test_a_state_dict_is_read_in_its_order(read, pack):
    checkpoint = read(pack(state_dict))
    assert_network(checkpoint)
    assert checkpoint.container == {zipped: "zip", legacy: "legacy"}[pack]
    assert (checkpoint.nesting, checkpoint.prefix, checkpoint.others, checkpoint.placeholders) == ("", "", {}, ())


@pytest.mark.parametrize("pack", [zipped, legacy])
def test_the_oldest_rebuilding_call_and_dictionaries_made_of_pairs_are_read(read, pack):
    pairs = lambda storages: Call(
        ORDERED, [[name, storages.tensor(array, "_rebuild_tensor")] for name, array in NETWORK.items()]
    )
    assert_network(read(pack(pairs)))


def test_stored_tensors_are_views_of_the_file_and_cannot_be_changed(read):
    array = read(zipped(state_dict)).tensors["fc.weight"]
    assert not array.flags.owndata
    with pytest.raises(ValueError, match="read-only"):
        array[0, 0] = 1


def test_deflated_entries_are_read_too(read):
    zeros = {"fc.weight": np.zeros((64, 64), np.float32)}
    content = zipped(lambda storages: state_dict(storages, zeros), compression=zipfile.ZIP_DEFLATED)
    assert len(content) < 4096
    assert_network(read(content), zeros)


@pytest.mark.parametrize("pack", [zipped, legacy])
@pytest.mark.parametrize("dtype", ["float64", "float16", "int64", "int32", "int8", "uint8", "bool", "complex64"])
def test_every_number_format_keeps_its_bits(read, pack, dtype):
    network = {"a": np.array([[0, 1], [2, 300]]).astype(dtype)}
    assert_network(read(pack(lambda storages: state_dict(storages, network))), network)


@pytest.mark.parametrize("dtype", ["float64", "float32", "int64", "complex64", "uint8"])
def test_a_file_of_a_big_endian_machine_is_read(read, dtype):
    network = {"a": np.array([[0, 1], [2, 300]]).astype(dtype)}
    assert_network(read(zipped(lambda storages: state_dict(storages, network), order="big")), network)


def test_tensors_without_elements_and_without_axes_are_read(read):
    network = {"empty": np.zeros((0, 3), np.float32), "steps": np.array(7)}
    assert_network(read(zipped(lambda storages: state_dict(storages, network))), network)


def test_windows_on_one_storage_share_its_memory(read):
    def make(storages):
        storage = storages.storage(np.arange(12, dtype=np.float32))
        window = lambda *place: Call(Name("torch._utils", "_rebuild_tensor_v2"), storage, *place, False, Call(ORDERED))
        return {"all": window(0, (3, 4), (4, 1)), "transposed": window(0, (4, 3), (1, 4)), "row": window(4, (4,), (1,))}

    tensors = read(zipped(make)).tensors
    np.testing.assert_array_equal(tensors["transposed"], tensors["all"].T)
    np.testing.assert_array_equal(tensors["row"], [4, 5, 6, 7])
    assert np.shares_memory(tensors["row"], tensors["all"])


def test_a_legacy_storage_may_be_a_view_of_another(read):
    def make(storages):
        storages.tensor(np.arange(12, dtype=np.float32))
        view = Reference(("storage", Name("torch.cuda", "FloatStorage"), "0", "cuda:1", 12, ("7", 4, 3)))
        return {"a": Call(Name("torch._utils", "_rebuild_tensor"), view, 1, (2,), (1,))}

    np.testing.assert_array_equal(read(legacy(make)).tensors["a"], [5, 6])


def test_the_container_before_0_1_12_is_read_with_views(read):
    value = ordered({"fc.weight": Reference("0"), "fc.bias": Reference("1"), "row": Reference("2")})
    checkpoint = read(tar_file(value, [WEIGHT, BIAS], views=[(0, 3, 3)]))
    assert checkpoint.container == "tar"
    assert_network(checkpoint, {**NETWORK, "row": WEIGHT[1]})


def test_safetensors_are_read_with_bfloat16_float8_and_their_texts(read):
    network = {"b": np.ones((2, 2), ml_dtypes.bfloat16), "f": np.ones(3, ml_dtypes.float8_e4m3fn), "z": np.array(1.5)}
    checkpoint = read(safetensors.numpy.save(network, metadata={"format": "pt"}))
    assert checkpoint.container == "safetensors"
    assert checkpoint.others == {"__metadata__.format": "pt"}
    assert checkpoint.tensors.keys() == network.keys()
    for name, array in network.items():
        assert checkpoint.tensors[name].dtype == array.dtype
        assert checkpoint.tensors[name].tobytes() == array.tobytes()


@pytest.mark.parametrize(
    ("scheme", "scale", "zero", "expected"),
    [("per_tensor_affine", 0.5, 2, [[-1.0, -0.5], [0.0, 0.5]]), ("per_channel_affine", "s", "z", [[0, 1], [-8, -4]])],
)
def test_quantised_tensors_are_dequantised(read, scheme, scale, zero, expected):
    def make(storages):
        stored = storages.storage(np.arange(4, dtype=np.int8))
        channels = {"s": storages.tensor(np.array([1.0, 4.0])), "z": storages.tensor(np.array([0, 4]))}
        parameters = (channels.get(scale, scale), channels.get(zero, zero), *((0,) if scale == "s" else ()))
        quantizer = (Name("torch", scheme), *parameters)
        return {
            "a": Call(
                Name("torch._utils", "_rebuild_qtensor"), stored, 0, (2, 2), (2, 1), quantizer, False, Call(ORDERED)
            )
        }

    assert_network(read(zipped(make)), {"a": np.array(expected, np.float32)})


@pytest.mark.parametrize("prefix", ["module.", "_orig_mod.", "module._orig_mod."])
def test_prefixes_are_stripped_and_told(read, prefix):
    network = {prefix + name: array for name, array in NETWORK.items()}
    checkpoint = read(zipped(lambda storages: state_dict(storages, network)))
    assert_network(checkpoint)
    assert checkpoint.prefix == prefix


@pytest.mark.parametrize(
    ("wrap", "nesting"),
    [
        (lambda found: {"epoch": 3, "state_dict": found}, "state_dict"),
        (lambda found: {"net": found, "acc": 0.9}, "net"),
        (lambda found: [found], "[0]"),
        (lambda found: {"state_dict": [found]}, "state_dict[0]"),
        (lambda found: [{"model": {"state_dict": found}}], "[0].model.state_dict"),
        (lambda found: {"anything": {"else": found}}, "anything.else"),
        (lambda found: Call(Name("pkg", "Learner"), state={"opt": 1, "model": found}), "model"),
        (lambda found: Call(Name("pkg", "Dict"), entries=["model", found]), "model"),
    ],
)
def test_the_network_is_found_wherever_it_lies(read, wrap, nesting):
    checkpoint = read(zipped(lambda storages: wrap(state_dict(storages))))
    assert checkpoint.nesting == nesting
    assert_network(checkpoint)


def test_averaged_weights_come_before_the_last_ones(read):
    other = {"fc.weight": WEIGHT + 1}
    make = lambda storages: {"state_dict": state_dict(storages, other), "state_dict_ema": state_dict(storages)}
    checkpoint = read(zipped(make))
    assert_network(checkpoint)
    assert checkpoint.others == {"state_dict": "1 tensor"}
    assert_network(read(zipped(make), nesting="state_dict"), other)


def test_a_tensor_of_the_accuracy_does_not_hide_the_network(read):
    checkpoint = read(zipped(lambda storages: {"best": storages.tensor(BIAS), "state_dict": state_dict(storages)}))
    assert_network(checkpoint)
    assert checkpoint.others == {"best": "tensor of shape (2,)"}


def test_a_network_is_found_among_as_many_loose_tensors_and_those_can_be_named_too(read):
    def make(storages):
        return {"mean": storages.tensor(BIAS), "std": storages.tensor(BIAS), "net": state_dict(storages)}

    checkpoint = read(zipped(make))
    assert_network(checkpoint)
    assert checkpoint.nesting == "net"
    flat = {"mean": BIAS, "std": BIAS, **{f"net.{name}": array for name, array in NETWORK.items()}}
    assert_network(read(zipped(make), nesting=""), flat)


def test_an_odd_value_in_a_state_dict_stays_beside_the_network(read):
    def make(storages):
        extra = {"scale": storages.tensor(np.array(2.0)), "version": 3}
        return {**{name: storages.tensor(array) for name, array in NETWORK.items()}, "fc._extra_state": extra}

    checkpoint = read(zipped(make))
    assert_network(checkpoint, {**NETWORK, "fc._extra_state.scale": np.array(2.0)})
    assert checkpoint.others == {"fc._extra_state.version": "3"}


def test_optimizer_state_is_not_the_network(read):
    def make(storages):
        moments = {0: {"exp_avg": storages.tensor(WEIGHT)}, 1: {"exp_avg": storages.tensor(BIAS)}}
        optimizer = {"state": moments, "param_groups": [{"lr": 0.1, "params": [0, 1]}]}
        return {
            "weights_of_it": state_dict(storages),
            "optimizer": optimizer,
            "note": "it\nworks",
            "args": Call(Name("argparse", "Namespace")),
        }

    checkpoint = read(zipped(make))
    assert_network(checkpoint)
    assert checkpoint.others == {"optimizer": "2 tensors", "note": r"'it\nworks'", "args": "argparse.Namespace"}
    assert checkpoint.placeholders == ("argparse.Namespace",)


def test_of_several_networks_another_can_be_named(read):
    make = lambda storages: {"G": state_dict(storages), "D": state_dict(storages, {"fc.weight": WEIGHT + 1})}
    assert read(zipped(make)).nesting == "G"
    refused(read, zipped(make), "expected a network at E, got some at G, D", nesting="E")
    checkpoint = read(zipped(make), nesting="G")
    assert_network(checkpoint)
    assert checkpoint.others == {"D": "1 tensor"}


def module(name, parameters=(), modules=(), buffers=(), **more):
    state = {
        "training": True,
        "_parameters": ordered(dict(parameters)),
        "_buffers": ordered(dict(buffers)),
        "_backward_hooks": Call(ORDERED),
        "_modules": ordered(dict(modules)),
        **more,
    }
    return Call(Name(*name.rsplit(".", 1)), state=state, opcode=pickle.NEWOBJ)


@pytest.mark.parametrize("pack", [zipped, legacy])
def test_a_pickled_module_gives_the_names_of_its_state_dict(read, pack):
    def make(storages):
        linear = module("torch.nn.modules.linear.Linear", {"weight": storages.tensor(WEIGHT), "bias": None})
        norm = module(
            "torch.nn.modules.batchnorm.BatchNorm2d",
            buffers={"running_mean": storages.tensor(BIAS), "mask": storages.tensor(BIAS)},
            _non_persistent_buffers_set={"mask"},
        )
        block = module(
            "author.Block",
            {"scale": Call(Name("torch._utils", "_rebuild_parameter"), storages.tensor(BIAS), True, Call(ORDERED))},
            {"fc": linear, "norm": norm, "none": None},
        )
        return {"net": module("torch.nn.DataParallel", modules={"module": block})}

    checkpoint = read(pack(make))
    assert_network(checkpoint, {"scale": BIAS, "fc.weight": WEIGHT, "norm.running_mean": BIAS})
    assert (checkpoint.nesting, checkpoint.prefix) == ("net", "module.")
    assert "author.Block" in checkpoint.placeholders


def test_the_class_of_a_legacy_module_may_come_with_its_source(read):
    def make(storages):
        whole = module("author.Net", {"weight": storages.tensor(WEIGHT)})
        whole.name = Reference(("module", whole.name, "net.py", "class Net: ..."))
        return whole

    assert_network(read(legacy(make)), {"weight": WEIGHT})


def test_state_as_a_pair_and_modules_that_are_placeholders_themselves_are_followed(read):
    def make(storages):
        inner = module("a.Inner", {"weight": storages.tensor(WEIGHT)})
        outer = module("a.Outer")
        outer.state = (None, {**outer.state, "_modules": Call(Name("a", "Modules"), entries=["inner", inner])})
        return outer

    assert_network(read(zipped(make)), {"inner.weight": WEIGHT})


def test_a_module_that_is_rebuilt_by_a_function_is_found_in_its_arguments(read):
    def make(storages):
        body = module("a.Net", {"weight": storages.tensor(WEIGHT)}).state
        return Call(Name("torch.fx.graph_module", "reduce_graph_module"), body, "import torch")

    assert_network(read(zipped(make)), {"weight": WEIGHT})


def test_attributes_of_torchscript_are_its_names(read):
    def make(storages):
        make_object = lambda name, **state: Call(Name(f"__torch__.{name}", "Net"), state=state, opcode=pickle.NEWOBJ)
        inner = make_object("Linear", weight=storages.tensor(WEIGHT), bias=storages.tensor(BIAS), training=False)
        return make_object("Net", training=False, fc=inner)

    assert_network(read(zipped(make)))


def test_a_module_that_holds_itself_is_refused(read):
    parts = [b"_parameters", b"_buffers", b"_modules"]
    parameters, buffers, modules = (b"X" + len(part).to_bytes(4, "little") + part for part in parts)
    again = b"}X\1\0\0\0ah\0s"
    script = b"ca\nNet\n)\x81q\0}(" + parameters + b"}" + buffers + b"}" + modules + again + b"ub"
    refused(read, zipped(lambda storages: Raw(script)), "expected at most 32 levels of modules, got more at a.a.a")


@pytest.mark.parametrize("rebuild", ["_rebuild_sparse_tensor", "_rebuild_nested_tensor"])
def test_a_tensor_that_is_not_rebuilt_is_refused_by_its_name(read, rebuild):
    make = lambda storages: {**{"a": storages.tensor(WEIGHT)}, "b": Call(Name("torch._utils", rebuild), 1)}
    refused(read, zipped(make), f"expected dense tensors, got torch._utils.{rebuild} at b: save to_dense")


def test_two_tensors_of_one_name_are_refused(read):
    make = lambda storages: {
        "a.b": storages.tensor(WEIGHT),
        "c": storages.tensor(BIAS),
        "a": {"b": storages.tensor(BIAS)},
    }
    refused(read, zipped(make), "expected names that differ, got a.b twice")


def test_a_lazy_conjugate_is_refused(read):
    def make(storages):
        tensor = storages.tensor(np.ones(2, np.complex64))
        tensor.arguments += ({"conj": True},)
        return {"a": tensor}

    refused(read, zipped(make), "expected stored values, got a lazy view")


def window(*place, count=6, kind="FloatStorage", rebuild="_rebuild_tensor_v2"):
    """A tensor at a place of a storage that says it has `count` elements; the file holds six."""

    def make(storages):
        storages.tensor(WEIGHT)
        storage = Reference(("storage", Name("torch", kind), "0", "cpu", count))
        return {"a": Call(Name("torch._utils", rebuild), storage, *place, False, Call(ORDERED))}

    return make


@pytest.mark.parametrize(
    "place",
    [
        (0, (7,), (1,)),
        (1, (2, 3), (3, 1)),
        (0, (2, 3), (4, 1)),
        (6, (1,), (1,)),
        (1 << 70, (1,), (1,)),
        (0, (2,), (1 << 70,)),
    ],
)
def test_a_window_beyond_its_storage_is_refused(read, place):
    refused(read, zipped(window(*place)), "expected a storage of more than")


@pytest.mark.parametrize(
    "place",
    [(-1, (2,), (1,)), (0, (-2,), (1,)), (0, (2,), (-1,)), (0, (2,), (1, 1)), (0, "ab", "cd"), (0.0, (2,), (1,))],
)
def test_a_window_that_is_none_is_refused(read, place):
    refused(read, zipped(window(*place)), "expected storage, offset, shape and strides of a tensor")


def test_a_storage_that_the_file_does_not_hold_is_refused(read):
    refused(read, zipped(window(0, (7,), (1,), count=7)), "expected a storage of more than 6 elements, got 6")
    refused(read, zipped(window(0, (2,), (1,), kind="QUInt4x2Storage")), "got torch.QUInt4x2Storage: convert")
    missing = Reference(("storage", Name("torch", "FloatStorage"), "../../etc/passwd", "cpu", 6))
    make = lambda storages: {"a": Call(Name("torch._utils", "_rebuild_tensor"), missing, 0, (2,), (1,))}
    refused(read, zipped(make), "expected an entry data/../../etc/passwd in the zip archive")


def test_strides_of_axes_of_length_one_are_free(read):
    checkpoint = read(zipped(window(0, (1, 6), (1 << 70, 1))))
    np.testing.assert_array_equal(checkpoint.tensors["a"], [[0, 1, 2, 3, 4, 5]])


def test_more_than_the_limit_is_refused_before_it_is_made(read):
    one_element_many_times = zipped(window(0, (1 << 40,), (0,)))
    refused(read, one_element_many_times, "expected at most 8589934592 bytes of content, got more: raise limit")
    assert read(zipped(state_dict), limit=100_000).tensors
    refused(read, zipped(state_dict), "expected at most 1000 bytes", limit=1000)
    bomb = zipped(lambda storages: state_dict(storages, {"a": np.zeros(1 << 20)}), compression=zipfile.ZIP_DEFLATED)
    assert len(bomb) < 20_000
    refused(read, bomb, "expected at most 1000000 bytes", limit=1_000_000)


def test_a_legacy_file_is_refused_where_its_storages_are_not_what_the_pickle_says(read):
    content = legacy(state_dict)
    refused(read, content[:-1], "before byte")
    refused(read, legacy(state_dict, magic=17), "expected a state_dict or a module, got 17")
    refused(read, content.replace(b"\6\0\0\0\0\0\0\0", b"\5\0\0\0\0\0\0\0"), "expected 6 elements of storage 0")


def test_zip_archives_that_are_none_of_torch_save_are_refused(read):
    nothing, Empty = Storages(), {}
    refused(
        read, zip_file(Empty, nothing, more=[("other/data.pkl", b"")]), "expected one entry NAME/data.pkl in the zip"
    )
    refused(read, zip_file(Empty, nothing, root="a/b"), "got a/b/data.pkl, a/b/byteorder: unpack the file inside")
    refused(read, zip_file(Empty, nothing, order="middle"), "expected byte order little or big")
    with pytest.warns(UserWarning, match="Duplicate name"):
        twice = zip_file(Empty, nothing, more=[("archive/data.pkl", b"")])
    refused(read, twice, "archive/data.pkl twice")
    refused(read, zipped(state_dict)[:-40], "of the zip archive at byte")


@pytest.mark.parametrize(
    ("content", "match"),
    [
        (b"", "got an empty one"),
        (gzip.compress(b"a", mtime=0), "it is packed by gzip, unpack it"),
        (b"version https://git-lfs.github.com/spec/v1\n", "a pointer of Git LFS"),
        (b"<!DOCTYPE html>", "got a page of HTML or XML: the download gave a page"),
        (pickle.dumps({"a": 1}), "expected a state_dict or a module, got dict of 1"),
        (b"\x10\0\0\0\0\0\0\0{" + b" " * 15, "expected a safetensors file, got"),
    ],
)
def test_files_of_another_kind_are_refused_with_what_to_do(read, content, match):
    refused(read, content, match)


@pytest.mark.parametrize("value", [3, "text", {"epoch": 3}, [1, 2], {}, None])
def test_a_file_without_a_network_is_refused(read, value):
    refused(read, zipped(lambda storages: value), "expected a state_dict or a module, got")


def test_a_module_without_tensors_is_refused(read):
    refused(read, zipped(lambda storages: module("a.Net")), "expected a network with tensors at")


def test_a_path_without_a_file_is_refused(tmp_path):
    with pytest.raises(FileNotFoundError, match="found none: check the path"):
        converters.read(tmp_path / "none.pth")
    with pytest.raises(converters.UnreadableFile, match="expected a folder with one network, got nothing"):
        converters.read(tmp_path)
