"""Networks of Flax, Keras and ONNX and plain HDF5, written by their own libraries, and what other files are called."""

import bz2
import io
import json
import lzma
import pickle
import struct
import tarfile
import tracemalloc
import zipfile

import h5py
import ml_dtypes
import numpy as np
import onnx
import onnx.external_data_helper
import onnx.numpy_helper
import pytest
import safetensors.numpy

import converters

KERNEL = np.arange(24, dtype=np.float32).reshape(2, 2, 2, 3)
VARIABLES = {
    "params": {"Conv_0": {"kernel": KERNEL, "bias": np.ones(3, ml_dtypes.bfloat16)}},
    "batch_stats": {"BatchNorm_0": {"mean": np.zeros(3, np.float32), "var": np.ones(3, np.float32)}},
}
NAMES = {
    "params/Conv_0/kernel": KERNEL,
    "params/Conv_0/bias": np.ones(3, ml_dtypes.bfloat16),
    "batch_stats/BatchNorm_0/mean": np.zeros(3, np.float32),
    "batch_stats/BatchNorm_0/var": np.ones(3, np.float32),
}


def assert_network(checkpoint, network):
    assert checkpoint.tensors.keys() == network.keys()
    for name, array in network.items():
        assert checkpoint.tensors[name].dtype == array.dtype
        assert np.array_equal(checkpoint.tensors[name], array), name


def refused(path, match, *, cut=False):
    with pytest.raises(converters.UnreadableFile, match=match) as caught:
        converters.read(path)
    assert "\n" not in str(caught.value)
    assert ("cut short" in str(caught.value)) == cut


def saved(path, content):
    path.write_bytes(content)
    return path


def test_flax_msgpack_is_read_in_its_own_layout(tmp_path):
    from flax import serialization

    checkpoint = converters.read(saved(tmp_path / "a.msgpack", serialization.to_bytes(VARIABLES)))
    assert_network(checkpoint, NAMES)
    assert (checkpoint.container, checkpoint.layout, checkpoint.nesting) == ("msgpack", "flax", "params")
    assert converters.as_tree(checkpoint.tensors)["params"]["Conv_0"]["kernel"].shape == KERNEL.shape
    assert not checkpoint.tensors["params/Conv_0/kernel"].flags.writeable


def test_params_alone_are_read_under_their_own_names(tmp_path):
    from flax import serialization

    checkpoint = converters.read(saved(tmp_path / "a", serialization.to_bytes(VARIABLES["params"])))
    assert checkpoint.tensors.keys() == {"Conv_0/kernel", "Conv_0/bias"}
    assert converters.as_tree(checkpoint.tensors)["params"]["Conv_0"]["kernel"].shape == KERNEL.shape


def test_of_a_training_state_the_parameters_are_taken_and_no_moments(tmp_path):
    import optax
    from flax import serialization
    from flax.training import train_state

    class State(train_state.TrainState):
        batch_stats: dict

    state = State.create(apply_fn=None, tx=optax.adam(0.1), **VARIABLES)
    checkpoint = converters.read(saved(tmp_path / "a", serialization.to_bytes(state)))
    assert_network(checkpoint, NAMES)
    assert checkpoint.others == {"opt_state": "5 tensors", "step": "0"}


def test_averaged_parameters_come_first_and_that_is_said(tmp_path):
    from flax import serialization

    state = {"params": VARIABLES["params"], "ema_params": {"Conv_0": {"kernel": KERNEL + 1}}}
    path = saved(tmp_path / "a", serialization.to_bytes(state))
    checkpoint = converters.read(path)
    assert np.array_equal(checkpoint.tensors["params/Conv_0/kernel"], KERNEL + 1)
    (note,) = checkpoint.notes
    assert note.startswith("of the networks at params, ema_params that at ema_params is taken: averaged weights are")
    assert np.array_equal(converters.read(path, nesting="params").tensors["params/Conv_0/kernel"], KERNEL)


def test_of_several_trees_the_usual_one_is_taken_and_said_or_one_must_be_named(tmp_path):
    from flax import serialization

    other = {"params": {"Conv_0": {"kernel": KERNEL + 1}}}
    two = {"critic": other, "generator": VARIABLES}
    checkpoint = converters.read(saved(tmp_path / "a", serialization.to_bytes(two)))
    assert_network(checkpoint, NAMES)
    assert "critic.params, generator.params that at generator.params is taken" in checkpoint.notes[0]
    assert checkpoint.others == {"critic": "1 tensor"}
    agent = {"target_params": other["params"], "online_params": VARIABLES["params"], "opt_state": other["params"]}
    checkpoint = converters.read(saved(tmp_path / "b", serialization.to_bytes(agent)))
    assert np.array_equal(checkpoint.tensors["params/Conv_0/kernel"], KERNEL)
    path = saved(tmp_path / "c", serialization.to_bytes({"one": VARIABLES, "two": VARIABLES}))
    refused(path, "expected one network, got 2, at one.params, two.params: name one with nesting=")
    assert_network(converters.read(path, nesting="two.params"), NAMES)


def test_an_array_in_chunks_is_joined(tmp_path, monkeypatch):
    from flax import serialization

    monkeypatch.setattr(serialization, "MAX_CHUNK_SIZE", 32)
    tree = {"params": {"fc": {"kernel": KERNEL}}}
    content = serialization.to_bytes(tree)
    assert b"__msgpack_chunked_array__" in content
    assert_network(converters.read(saved(tmp_path / "a", content)), {"params/fc/kernel": KERNEL})


def test_a_cut_msgpack_is_said_to_be_cut(tmp_path):
    from flax import serialization

    refused(saved(tmp_path / "a", serialization.to_bytes(VARIABLES)[:-7]), "bytes at byte", cut=True)


def test_plain_hdf5_is_read_by_path_and_stays_in_the_file(tmp_path):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["layer1/0/conv.weight"] = KERNEL
        file.create_dataset("layer1/packed", data=KERNEL, compression="gzip", shuffle=True)
        file["big"] = np.arange(3, dtype=">f8")
        file["words"] = ["a", "b"]
        file["again"] = h5py.SoftLink("/big")
    checkpoint = converters.read(tmp_path / "a.h5")
    assert_network(checkpoint, {"layer1/0/conv.weight": KERNEL, "layer1/packed": KERNEL, "big": np.arange(3.0)})
    assert (checkpoint.container, checkpoint.layout, checkpoint.others) == ("hdf5", "torch", {"words": "texts"})
    assert converters.as_tree({"layer1/0/conv.weight": KERNEL})["params"]["layer1"]["0"]["conv"]["kernel"].shape == (
        *(2, 3, 2, 2),
    )


def test_the_weights_of_keras_2_are_read_without_its_optimizer(tmp_path):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["model_weights/conv2d/conv2d/kernel:0"] = KERNEL
        file["model_weights/bn/bn/moving_mean:0"] = np.ones(3, np.float32)
        file["optimizer_weights/Adam/conv2d/kernel/m:0"] = KERNEL
    checkpoint = converters.read(tmp_path / "a.h5")
    assert checkpoint.tensors.keys() == {"params/conv2d/conv2d/kernel", "params/bn/bn/moving_mean"}
    assert (checkpoint.layout, checkpoint.others) == ("flax", {"optimizer_weights": "1 tensor"})
    assert converters.as_tree(checkpoint.tensors)["batch_stats"]["bn"]["bn"]["mean"].shape == (3,)
    with h5py.File(tmp_path / "b.h5", "w") as file:
        file["conv2d/conv2d/kernel:0"], file["bn/bn/moving_mean:0"] = KERNEL, np.ones(3, np.float32)
    tree = converters.as_tree(converters.read(tmp_path / "b.h5").tensors)
    assert tree["params"]["conv2d"]["conv2d"]["kernel"].shape == KERNEL.shape
    assert tree["batch_stats"]["bn"]["bn"]["mean"].shape == (3,)


@pytest.mark.parametrize("compression", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_an_archive_of_keras_3_is_read_with_its_numbers_as_names(tmp_path, compression):
    inner = io.BytesIO()
    with h5py.File(inner, "w") as file:
        file["layers/conv2d/vars/0"], file["layers/conv2d/vars/1"] = KERNEL, np.ones(3, np.float32)
        for index in range(4):
            file[f"layers/batch_normalization/vars/{index}"] = np.full(3, index, np.float32)
        file["optimizer/vars/0"] = np.ones(5)
    with zipfile.ZipFile(tmp_path / "a.keras", "w", compression) as archive:
        archive.writestr("metadata.json", "{}")
        archive.writestr("config.json", "{}")
        archive.writestr("model.weights.h5", inner.getvalue())
    checkpoint = converters.read(tmp_path / "a.keras")
    assert (checkpoint.container, checkpoint.layout) == ("keras", "flax")
    tree = converters.as_tree(checkpoint.tensors)
    assert np.array_equal(tree["params"]["layers"]["conv2d"]["vars"]["kernel"], KERNEL)
    statistics = tree["batch_stats"]["layers"]["batch_normalization"]["vars"]
    assert {name: array[0] for name, array in statistics.items()} == {"mean": 2, "var": 3}
    assert checkpoint.others["optimizer"] == "1 tensor"


def test_hdf5_that_leads_to_other_files_is_refused(tmp_path):
    np.ones(4, np.float32).tofile(tmp_path / "raw")
    with h5py.File(tmp_path / "other.h5", "w") as file:
        file["a"] = np.ones(4)
    for name, fill in {
        "link": lambda file: file.__setitem__("x", h5py.ExternalLink("other.h5", "a")),
        "raw": lambda file: file.create_dataset("x", (4,), "f4", external=[(str(tmp_path / "raw"), 0, 16)]),
        "virtual": lambda file: file.create_virtual_dataset("x", layout_on(tmp_path / "other.h5")),
    }.items():
        with h5py.File(tmp_path / f"{name}.h5", "w") as file:
            fill(file)
        refused(tmp_path / f"{name}.h5", "expected a file that is whole in itself, got")


def layout_on(path):
    layout = h5py.VirtualLayout((4,), "f8")
    layout[:] = h5py.VirtualSource(str(path), "a", (4,))
    return layout


def test_a_cut_hdf5_is_said_to_be_cut(tmp_path):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["a"] = np.ones(1000)
    refused(saved(tmp_path / "b.h5", (tmp_path / "a.h5").read_bytes()[:3000]), "expected an HDF5 file, got", cut=True)


def test_without_h5py_the_extra_is_named(tmp_path, monkeypatch):
    import sys

    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["a"] = np.ones(3)
    monkeypatch.setitem(sys.modules, "h5py", None)
    refused(tmp_path / "a.h5", r"expected h5py, which reads HDF5: pip install 'lineage-jax\[hdf5\]'")


ONNX = {
    "conv.weight": KERNEL,
    "half": np.array([0.5, -2.0], np.float16),
    "brain": np.array([0.5, -2.0], ml_dtypes.bfloat16),
    "small": np.array([-3, 4], np.int8),
    "wide": np.array([-3, 1 << 40], np.int64),
    "double": np.array([0.1, 0.2]),
    "flag": np.array([True, False]),
    "one": np.array(2.5, np.float32),
}


def onnx_model(tensors):
    graph = onnx.helper.make_graph([], "g", [], [], initializer=tensors)
    return onnx.helper.make_model(graph, producer_name="tests")


def test_initialisers_of_onnx_are_read_raw_and_typed(tmp_path):
    raw = [onnx.numpy_helper.from_array(array, name) for name, array in ONNX.items()]
    typed = [
        onnx.helper.make_tensor(name, tensor.data_type, tensor.dims, ONNX[name].ravel().tolist())
        for name, tensor in zip(ONNX, raw, strict=True)
    ]
    for tensors in (raw, typed):
        onnx.save(onnx_model(tensors), tmp_path / "a.bin")
        checkpoint = converters.read(tmp_path / "a.bin")
        assert_network(checkpoint, ONNX)
        assert (checkpoint.container, checkpoint.layout) == ("onnx", "torch")
        assert checkpoint.others == {"producer": "tests"}


def test_elements_beside_an_onnx_model_are_read_from_its_folder_only(tmp_path):
    tensors = [onnx.numpy_helper.from_array(array, name) for name, array in ONNX.items()]
    options = {"save_as_external_data": True, "location": "weights.data", "size_threshold": 0}
    onnx.save(onnx_model(tensors), tmp_path / "a.onnx", **options)
    assert (tmp_path / "weights.data").is_file()
    assert_network(converters.read(tmp_path / "a.onnx"), ONNX)
    content = (tmp_path / "a.onnx").read_bytes()
    refused(saved(tmp_path / "b.onnx", content.replace(b"weights.data", b"../a.data/./")), "it leads out of it")
    (tmp_path / "weights.data").unlink()
    refused(tmp_path / "a.onnx", "expected the file weights.data beside it, which is missing: fetch it too")


def test_elements_of_30_mb_stay_in_the_file(tmp_path):
    from flax import serialization

    array = np.zeros((8, 1 << 20), np.float32)
    (tmp_path / "a.msgpack").write_bytes(serialization.to_bytes({"params": {"fc": {"kernel": array}}}))
    onnx.save(onnx_model([onnx.numpy_helper.from_array(array, "fc.weight")]), tmp_path / "a.onnx")
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["fc/kernel"] = array
    del array
    for name in ("a.msgpack", "a.onnx", "a.h5"):
        tracemalloc.start()
        checkpoint = converters.read(tmp_path / name)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert sum(tensor.nbytes for tensor in checkpoint.tensors.values()) > 30 * 10**6
        assert peak < 2 * 10**6, name


SHARDS = {
    "model-00001-of-00002.safetensors": {"a.weight": np.ones((2, 3), np.float32)},
    "model-00002-of-00002.safetensors": {"b.weight": np.full((3, 2), 2, np.float32), "b.bias": np.zeros(3)},
}


def huggingface(folder, index=None):
    folder.mkdir()
    places = {name: shard for shard, tensors in SHARDS.items() for name in tensors}
    for shard, tensors in SHARDS.items():
        safetensors.numpy.save_file(tensors, folder / shard)
    content = json.dumps({"metadata": {"total_size": 1}, "weight_map": index or places})
    (folder / "model.safetensors.index.json").write_text(content)
    (folder / "config.json").write_text("{}")
    return folder


def test_shards_are_read_together_through_folder_or_index(tmp_path):
    folder = huggingface(tmp_path / "network")
    whole = {name: array for tensors in SHARDS.values() for name, array in tensors.items()}
    for path in (folder, folder / "model.safetensors.index.json"):
        checkpoint = converters.read(path)
        assert_network(checkpoint, whole)
        assert (checkpoint.path, checkpoint.container) == (path, "safetensors")
        assert checkpoint.others["shards"] == "2 files"
    lone = converters.read(folder / "model-00001-of-00002.safetensors")
    assert lone.tensors.keys() == {"a.weight"}
    assert "shard 1 of 2 alone: give its folder" in lone.notes[0]


def test_missing_and_foreign_shards_are_named(tmp_path):
    folder = huggingface(tmp_path / "a")
    (folder / "model-00002-of-00002.safetensors").unlink()
    refused(folder, "expected 2 shards beside it, 1 missing: fetch model-00002-of-00002.safetensors")
    for name in ("../a/model-00001-of-00002.safetensors", "/etc/passwd", "..\\x", ""):
        (tmp_path / "a" / "model.safetensors.index.json").unlink(missing_ok=True)
        content = json.dumps({"weight_map": {"a.weight": name}})
        (folder / "model.safetensors.index.json").write_text(content)
        refused(folder, "expected a file inside the folder, got the name .*: it leads out of it")
    (folder / "model.safetensors.index.json").write_text('{"weight_map": {"c": "model-00001-of-00002.safetensors"}}')
    refused(folder, "expected c in model-00001-of-00002.safetensors, as the index says, got none")
    (folder / "model.safetensors.index.json").unlink()
    converters.write(tmp_path / "a" / "model-00002-of-00002.safetensors", {"x": np.ones(2)})
    refused(folder, "expected an index")


def test_pickled_shards_share_their_index_too(tmp_path):
    for number in (1, 2):
        converters.write(tmp_path / f"{number}.pth", {f"{number}.weight": np.full(2, number, np.float32)})
        (tmp_path / f"{number}.pth").rename(tmp_path / f"pytorch_model-0000{number}-of-00002.bin")
    places = {f"{number}.weight": f"pytorch_model-0000{number}-of-00002.bin" for number in (1, 2)}
    (tmp_path / "pytorch_model.bin.index.json").write_text(json.dumps({"weight_map": places}))
    checkpoint = converters.read(tmp_path)
    assert {name: array.tolist() for name, array in checkpoint.tensors.items()} == {
        "1.weight": [1, 1],
        "2.weight": [2, 2],
    }


def test_the_network_of_a_folder_is_found_beside_other_files(tmp_path):
    safetensors.numpy.save_file({"a": np.ones(2)}, tmp_path / "model.safetensors")
    (tmp_path / "config.json").write_text("{}")
    converters.write(tmp_path / "optimizer.pt", {"b": np.ones(2)})
    assert converters.read(tmp_path).tensors.keys() == {"a"}
    (tmp_path / "model.safetensors").rename(tmp_path / "mine.safetensors")
    assert converters.read(tmp_path).tensors.keys() == {"a"}
    converters.write(tmp_path / "other.pth", {"b": np.ones(2)})
    refused(tmp_path, "expected a folder with one network, got mine.safetensors, other.pth: name the file")


@pytest.mark.parametrize(
    ("files", "match"),
    [
        (["adapter_model.safetensors", "adapter_config.json"], "LoRA adapters without their network: merge them"),
        (["zero_to_fp32.py", "latest"], "a DeepSpeed ZeRO checkpoint, in pieces: run python zero_to_fp32.py"),
        ([".metadata", "__0_0.distcp"], "a distributed PyTorch checkpoint: python -m torch.distributed.checkpoint"),
        (["saved_model.pb"], "a SavedModel of TensorFlow"),
        (["checkpoint", "m.index", "m.data-00000-of-00001"], "a TensorFlow checkpoint"),
        (["_METADATA", "d"], "a checkpoint of orbax"),
        (["a.txt"], "expected a folder with one network, got a.txt: name the file"),
    ],
)
def test_folders_of_another_kind_are_named(tmp_path, files, match):
    for name in files:
        (tmp_path / name).write_bytes(b"x")
    refused(tmp_path, match)


def zipped(names, compression=zipfile.ZIP_STORED):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", compression) as archive:
        for name in names:
            archive.writestr(name, b"x" * 100)
    return stream.getvalue()


def tarred():
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("weights/a.ckpt"))
    return stream.getvalue()


def message(*parts):
    """A message of Protocol Buffers: numbers of fields with a number or bytes each."""
    content = b""
    for number, value in parts:
        tag = number << 3 | (2 if isinstance(value, bytes) else 0)
        content += bytes([tag]) if tag < 128 else bytes([tag & 0x7F | 0x80, tag >> 7])
        content += bytes([len(value)]) + value if isinstance(value, bytes) else bytes([value])
    return content


@pytest.mark.parametrize(
    ("name", "content", "match"),
    [
        ("a.caffemodel", message((1, b"net"), (100, b"layer"), (100, b"layer")), "a .caffemodel of Caffe"),
        ("a.params", struct.pack("<QQ", 0x112, 0) + bytes(40), "a .params file of MXNet"),
        ("m.index", bytes(100) + bytes.fromhex("57fb808b247547db"), "the index of a TensorFlow checkpoint"),
        ("m.data-00000-of-00001", b"PK\3\4" + bytes(100), "the data of a TensorFlow checkpoint"),
        ("saved_model.pb", message((1, 1), (2, b"graph")), "a SavedModel of TensorFlow"),
        ("graph.pb", message((1, b"node"), (1, b"node"), (4, b"v")), "a graph of TensorFlow"),
        ("a.tflite", b"\x20\0\0\0TFL3" + bytes(100), "a model of TensorFlow Lite"),
        ("a.gguf", b"GGUF\3\0\0\0" + bytes(100), "a GGUF file of llama.cpp"),
        ("a.weights", struct.pack("<3iQ", 0, 2, 5, 0) + bytes(400), "weights of darknet"),
        ("a.pt2", zipped(["m/archive_format", "m/models/model.json"]), r"a program of torch.export \(.pt2\)"),
        ("__0_0.distcp", zipped(["archive/data.pkl"]), "a piece of a distributed PyTorch checkpoint"),
        ("a.pkl", pickle.dumps({"a": [1, 2]}, 0), "a pickle of protocol 0 or 1: load it where it was made"),
        ("a.pkl", pickle.dumps({"a": [1, 2]}, 1), "a pickle of protocol 0 or 1: load it where it was made"),
        ("a.pkl", pickle.dumps(np.ones(3), 0), "a pickle of protocol 0 or 1: load it where it was made"),
        ("a.bz2", bz2.compress(b"a"), "a file packed by bzip2: unpack it with bunzip2"),
        ("a.xz", lzma.compress(b"a"), "a file packed by xz: unpack it with unxz"),
        ("a.7z", b"7z\xbc\xaf\x27\x1c" + bytes(40), "a 7-Zip archive: unpack it"),
        ("a.rar", b"Rar!\x1a\7\1\0" + bytes(40), "a RAR archive: unpack it"),
        ("a.zst", b"\x28\xb5\x2f\xfd" + bytes(40), "a file packed by Zstandard: unpack it"),
        ("a.zip", zipped(["a.npy"], zipfile.ZIP_BZIP2), "one packed by bzip2: unpack the archive and pack it again"),
        ("a.pth", zipped(["a/data.pkl"], zipfile.ZIP_LZMA), "one packed by LZMA: unpack the archive and pack it again"),
        ("a.zip", zipped(["folder/net.pth", "readme"]), "got folder/net.pth, readme: unpack the file inside"),
        ("a.tar", tarred(), "got weights/a.ckpt: unpack the file inside"),
        ("a.docx", zipped(["[Content_Types].xml"]), "a document"),
        ("a.pth", b"\n<html><head>", "a page of HTML or XML: the download gave a page"),
        ("a.pth", b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "a pointer of Git LFS"),
        ("a.pth", b"\x89PNG\r\n\x1a\n" + bytes(40), "a PNG image"),
        ("a.pth", b'{"a": 1}\n', "a file of JSON: give the file that holds the weights"),
        ("a.pth", "learning rate: 0.1 für alle\n".encode(), "a file of text: give the file that holds the weights"),
        ("a.pth", b"\xee" * 300, "got one that starts with b'.*': fetch the file itself"),
    ],
)
def test_whole_files_of_another_kind_are_named_and_never_called_damaged(tmp_path, name, content, match):
    refused(saved(tmp_path / name, content), match)


def test_numbers_of_four_bits_are_named(tmp_path):
    header = json.dumps({"a.weight": {"dtype": "F4", "shape": [2, 2], "data_offsets": [0, 2]}}).encode()
    refused(saved(tmp_path / "a", struct.pack("<Q", len(header)) + header + b"\0\0"), "got F4: convert a.weight")
    header = json.dumps({"a": {"dtype": "F99", "shape": [1], "data_offsets": [0, 2]}}).encode()
    refused(saved(tmp_path / "b", struct.pack("<Q", len(header)) + header + b"\0\0"), "got F99: convert them")


def test_a_safetensors_file_that_ends_in_its_header_is_cut(tmp_path):
    content = safetensors.numpy.save({"a": np.ones(3)})
    refused(saved(tmp_path / "a", content[:40]), "expected a header of", cut=True)
    refused(saved(tmp_path / "b", content[:-3]), "expected a safetensors file", cut=True)


def test_adapters_alone_and_placeholders_are_refused_with_the_step_that_helps(tmp_path):
    adapters = {f"base_model.model.fc.lora_{letter}.weight": np.ones((2, 2), np.float32) for letter in "AB"}
    safetensors.numpy.save_file(adapters, tmp_path / "adapter.safetensors")
    refused(tmp_path / "adapter.safetensors", "LoRA adapters alone: merge them into their network")
    converters.write(tmp_path / "zero.pth", {f"{index}.weight": np.zeros(0, np.float32) for index in range(3)})
    refused(tmp_path / "zero.pth", "got 3 empty tensors of 3, as DeepSpeed's ZeRO-3 leaves them: run zero_to_fp32.py")
